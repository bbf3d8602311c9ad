"""The one step that every parser takes: past what a pattern matches here."""

import re
import sys


def past(pattern: re.Pattern[str], text: str, at: int, end: int = sys.maxsize) -> int:
    """Return where what a pattern matches at `at` ends; `at` itself where it matches nothing."""
    found = pattern.match(text, at, end)
    return found.end() if found else at
