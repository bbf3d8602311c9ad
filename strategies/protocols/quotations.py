"""What others have said to the model: a call that stands there is quoted, not meant.

A web page, a file or a passage of knowledge can hold a call in any form, and a model may repeat it
to say what it has read. A call counts as the same where its letters are the same but for what
changes on the way (white space, quotes, escapes, tags around it, the zero-width spaces with which
markers are broken), or where name and arguments are, as JSON or as markup, whatever the form.

Two things stand there and are the model's own all the same: calls that it made before, which some
results repeat, and examples in the descriptions of its tools, which some results quote.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import cast

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.json.call_keys import ARGUMENT_KEYS, NAME_KEYS
from strategies.protocols.json.lenient import read
from strategies.protocols.json.malformed import MalformedError

_CHANGES = re.compile(r"\\[nrt]|[\s\\\"'`\u200b\ufeff]+|</?tool_call>|json\b(?=\s*\{)")
_ENTITIES = ("&lt;", "&quot;", "&#34;")
_SIGN = re.compile(r"[{<✿&]|name|action|行动|动作", re.IGNORECASE)
_BEFORE, _BEHIND = 24, 60
"""Characters round a tool's name in which a call shows: a name may be a word of any page."""
_PLACES, _OBJECTS = 32, 3
"""Where a name stands, and how many objects around each place, are looked at: pages are long."""
_ROOM = 400
_TO_INPUT = re.compile(
    r"[\s\"'`*,]*(?:action[ _]?input|✿ARGS✿|arguments|行动输入)[\s\"'`*]*"
    r"[:：]\s*`*(?:json)?\s*(?=\{)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"<parameter=([^>\n]+)>(.*?)</parameter>", re.DOTALL)


class Quotations:
    """The texts that others brought into a run."""

    def __init__(
        self, texts: Iterable[str] = (), *, made: Iterable[Call] = (), told: Iterable[str] = ()
    ) -> None:
        """Take the texts, the calls that the model has made, and the descriptions of its tools."""
        self._texts = tuple(texts)
        self._made = tuple(made)
        self._told = tuple(told)

    def holds(self, call: Call | BrokenCall, written: str) -> bool:
        """Tell whether one of the texts holds this call; `written` is how the model wrote it."""
        if not _any_holds(self._texts, call, written):
            return False
        was_made = isinstance(call, Call) and any(
            call.name == one.name and _is_input(one.arguments, call) for one in self._made
        )
        return not (was_made or _any_holds(self._told, call, written))


def _any_holds(texts: Iterable[str], call: Call | BrokenCall, written: str) -> bool:
    literal = re.compile(rf"{re.escape(_squeezed(written))}(?!\w)")
    room = 3 * len(written) + _ROOM
    return any(
        literal.search(_squeezed(near)) or (isinstance(call, Call) and _holds(near, call))
        for text in texts
        for near in map(_decoded, _near(text, call.name, room))
    )


def _near(text: str, name: str, room: int) -> Iterator[str]:
    """Cut out what stands round a name, where it may be that of a call."""
    places = (found.start() for found in re.finditer(re.escape(name), text))
    likely = (
        place
        for place in places
        if _SIGN.search(text, max(place - _BEFORE, 0), place + len(name) + _BEHIND)
    )
    for place in islice(likely, _PLACES):
        yield text[max(place - room, 0) : place + len(name) + room]


def _decoded(text: str) -> str:
    """Resolve what a page or a JSON string has escaped, and what breaks markers."""
    if any(entity in text for entity in _ENTITIES):
        text = html.unescape(text)
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\u200b", "")


def _squeezed(text: str) -> str:
    return _CHANGES.sub("", text)


def _holds(text: str, call: Call) -> bool:
    for place in islice(re.finditer(re.escape(call.name), text), _PLACES):
        index, behind = place.start(), text[place.end() :]
        if _has_input(behind, call) or _has_parameters(behind, call):
            return True
        start = index
        for _ in range(_OBJECTS):
            start = text.rfind("{", 0, start)
            if start < 0:
                break
            if _is_same(_value(text[start:]), call):
                return True
    return False


def _value(text: str) -> object:
    try:
        return read(text).value
    except MalformedError:
        return None


def _is_same(value: object, call: Call) -> bool:
    """Tell whether JSON is the whole call: a tool's name and its arguments."""
    if not isinstance(value, dict):
        return False
    members = cast("dict[str, object]", value)
    named = any(members.get(key) == call.name for key in NAME_KEYS)
    return named and any(_is_input(members[key], call) for key in ARGUMENT_KEYS if key in members)


def _is_input(value: object, call: Call) -> bool:
    given = _value(value) if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        return False
    return _as_text(cast("Mapping[str, object]", given)) == _as_text(call.arguments)


def _has_input(behind: str, call: Call) -> bool:
    """Tell whether the arguments follow the name as lines or markers of text protocols."""
    found = _TO_INPUT.match(behind)
    return bool(found) and _is_input(behind[found.end() :], call)


def _has_parameters(behind: str, call: Call) -> bool:
    """Tell whether the arguments follow the name as markup."""
    if not behind.startswith(">"):
        return False
    within = behind.partition("</function>")[0]
    return _is_input({found[1]: found[2] for found in _PARAMETER.finditer(within)}, call)


def _as_text(arguments: Mapping[str, object]) -> dict[str, str]:
    """Write values as markup has them, which knows no types."""
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        for key, value in arguments.items()
    }
    return {key: text.strip().casefold() for key, text in texts.items()}
