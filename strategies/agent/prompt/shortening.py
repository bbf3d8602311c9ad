"""Shortening text that is too long: head and tail stay, a note between them says what went.

The head tells what a result is, the tail often holds its end, its totals or its error. The same
text and limit always give the same cut, so that a prompt that has been sent once stays the same.
"""

import json
from typing import cast

_HEAD_SHARE = 0.7
"""Most formats say what they are at their beginning: two thirds and a bit go there."""

_NOTE = "\n[… {count:,} of {total:,} characters left out …]\n"
_SHORT_NOTE = "…"

_FIRST_SURROGATE, _FIRST_LOW, _LAST_SURROGATE = "\ud800", "\udc00", "\udfff"
_JOINERS = frozenset("\u200d\ufe0f\ufe0e")


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text: all of it, or head, note and tail.

    Where not even the note would fit, the head alone is kept, with an ellipsis.
    """
    if len(text) <= limit:
        return text
    room = limit - len(_note(len(text), len(text)))
    if room < limit // 2:
        return _head(text, max(limit - len(_SHORT_NOTE), 0)) + _SHORT_NOTE[:limit]
    head = _head(text, int(room * _HEAD_SHARE))
    tail = _tail(text, room - int(room * _HEAD_SHARE))
    return head + _note(len(text) - len(head) - len(tail), len(text)) + tail


def shortened_line(text: str, limit: int) -> str:
    """Return a text as a line of at most `limit` characters."""
    return shortened(" ".join(text.split()), limit)


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters of a line: all of it, or its beginning and an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def cut_arguments(arguments: str, limit: int) -> str:
    """Cut the long strings inside a call's arguments, which stay a JSON object.

    Arguments that are not valid JSON are left alone: a provider may refuse what is neither.
    """
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return json.dumps(cut_inside(value, limit), ensure_ascii=False)


def cut_inside(value: object, limit: int) -> object:
    """Cut the long strings inside a JSON value."""
    if isinstance(value, str):
        return cut(value, limit)
    if isinstance(value, list):
        return [cut_inside(item, limit) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: cut_inside(inner, limit) for name, inner in fields.items()}
    return value


def _note(count: int, total: int) -> str:
    return _NOTE.format(count=count, total=total)


def _head(text: str, size: int) -> str:
    """Cut before a joined character, never inside it."""
    while size > 0 and _joined(text, size):
        size -= 1
    return text[:size]


def _tail(text: str, size: int) -> str:
    start = len(text) - size
    while start < len(text) and _joined(text, start):
        start += 1
    return text[start:]


def _joined(text: str, at: int) -> bool:
    """Tell whether the characters left and right of a place belong together.

    Python's strings hold whole code points, but text from broken JSON may hold surrogate pairs,
    and an emoji may be several code points.
    """
    before, after = text[at - 1], text[at]
    pair = _FIRST_SURROGATE <= before < _FIRST_LOW <= after <= _LAST_SURROGATE
    return pair or after in _JOINERS or before == "\u200d"
