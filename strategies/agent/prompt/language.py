"""The language of the instructions, chosen by the query alone.

Chinese characters mean Chinese, unless kana stand beside them: then they are Japanese, and English
instructions serve better. The app's own system prompt has no say; it is often in another language
than its users'.
"""

import re

from strategies.protocols.base import Language

HAN = re.compile("[\u4e00-\u9fff]")
KANA = re.compile("[\u3041-\u30ff\uff66-\uff9d]")


def language_of(query: str) -> Language:
    """Choose the language that a query is best answered in."""
    return "zh" if HAN.search(query) and not KANA.search(query) else "en"
