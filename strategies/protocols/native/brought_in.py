"""What others have said to the model: a call that stands there is quoted, not meant.

A web page, a file or a passage of knowledge can hold a call in tags or as JSON, and a model may
repeat it to say what it has read. A call counts as the same where its letters are the same but for
what changes on the way (white space, quotes, escapes, tags around it, the zero-width spaces with
which markers are broken), or where its name and its arguments are the same JSON values.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import cast

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.json.lenient import MalformedError, read

_CHANGES = re.compile(r"\\[nrt]|[\s\\\"'`\u200b\ufeff]+|</?tool_call>|json\b(?=\s*\{)")
_ENTITIES = ("&lt;", "&quot;", "&#34;")
_PLACES, _OBJECTS = 16, 3
"""Where a name stands, and how many objects around each place, are looked at: pages are long."""
_ROOM = 200


class BroughtIn:
    """The texts that others brought into a run."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = tuple(texts)

    def holds(self, call: Call | BrokenCall, written: str) -> bool:
        """Tell whether one of the texts holds this call; `written` is how the model wrote it."""
        literal = _squeezed(written)
        return any(
            literal in _squeezed(text) or (isinstance(call, Call) and _holds(text, call, written))
            for text in map(_decoded, self._texts)
            if call.name in text
        )


NOTHING = BroughtIn()


def _decoded(text: str) -> str:
    """Resolve what a page or a JSON string has escaped."""
    if any(entity in text for entity in _ENTITIES):
        text = html.unescape(text)
    return text.replace('\\"', '"')


def _squeezed(text: str) -> str:
    return _CHANGES.sub("", text)


def _holds(text: str, call: Call, written: str) -> bool:
    room = 2 * len(written) + _ROOM
    for index in _places(text, call.name):
        start = index
        for _ in range(_OBJECTS):
            start = text.rfind("{", max(0, index - room), start)
            if start < 0:
                break
            if _is_same(_value(text[start : index + room]), call):
                return True
    return False


def _places(text: str, name: str) -> Iterator[int]:
    index = text.find(name)
    for _ in range(_PLACES):
        if index < 0:
            return
        yield index
        index = text.find(name, index + 1)


def _value(text: str) -> object:
    try:
        return read(text).value
    except MalformedError:
        return None


def _is_same(value: object, call: Call) -> bool:
    if not isinstance(value, dict):
        return False
    members = list(cast("dict[str, object]", value).values())
    return call.name in members and call.arguments in members
