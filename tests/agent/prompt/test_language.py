"""In which language a model and a reader are spoken to: chosen by the question."""

import pytest

from strategies.agent.prompt.language import language_of
from strategies.protocols.base import Language


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("hello", "en"),
        ("你好", "zh"),
        ("show me 北京", "zh"),
        ("こんにちは", "en"),
        ("日本の天気は?", "en"),
        ("日本語", "zh"),
        ("안녕", "en"),
        ("，。！", "en"),
        ("", "en"),
    ],
)
def test_language_of_a_query(query: str, language: Language) -> None:
    """Chinese characters mean Chinese unless kana stand beside them."""
    assert language_of(query) == language
