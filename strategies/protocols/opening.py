"""How a call begins in each text protocol, so that a reply can be opened for the model.

Where a tool must be called, the request ends with the beginning of the call and the model goes on
from there. Chat servers differ: some let it go on, some let it begin anew, and then it writes the
whole call. So the reply is looked at before it is read: `resumed` says what belongs in front of it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LOOK_AHEAD = 80
"""Characters of a reply, white space aside, from which the decision can be made: a tool's name of
64, and what tells that it is one."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a call, and how a reply may go on from it."""

    text: str
    goes_on: tuple[tuple[re.Pattern[str], str], ...]
    """Beginnings of a reply, each with what belongs in front of it; the first that fits counts."""

    def resumed(self, beginning: str) -> str:
        """Return what belongs in front of a reply that begins so; blank when it began anew."""
        fits = (front for pattern, front in self.goes_on if pattern.match(beginning.lstrip()))
        return next(fits, "")


def _hermes(name: str) -> Opening:
    block = "<tool_call>\n"
    anew = (re.compile(r"\{"), block)
    if not name:
        return Opening(block, (anew,))
    named = f'{block}{{"name": "{name}", "arguments": '
    bare_arguments = re.compile(r'\{(?!\s*"(name|arguments)")')
    return Opening(named, ((bare_arguments, named), anew))


def _qwen(name: str) -> Opening:
    mark = "✿FUNCTION✿: "
    if not name:
        return Opening(mark, ((re.compile(r"[\w-]+\s*\n?\s*✿ARGS✿"), mark),))
    named = f"{mark}{name}\n✿ARGS✿: "
    function = f"{mark}{name}\n"
    return Opening(named, ((re.compile(r"✿ARGS✿"), function), (re.compile(r"\{"), named)))


def _qwen3_coder(name: str) -> Opening:
    mark = "<tool_call>\n<function="
    anew = (re.compile(r"<function="), "<tool_call>\n")
    if not name:
        return Opening(mark, (anew, (re.compile(r"[\w-]+>"), mark)))
    named = f"{mark}{name}>\n"
    return Opening(named, (anew, (re.compile(r"<parameter=|</function>"), named)))


def _react(name: str) -> Opening:
    mark = "Action: "
    if not name:
        return Opening(mark, ((re.compile(r"[\w-]+[ \t]*\n\s*Action Input"), mark),))
    named = f"{mark}{name}\nAction Input: "
    action = f"{mark}{name}\n"
    return Opening(named, ((re.compile(r"Action Input"), action), (re.compile(r"\{"), named)))


OPENINGS: Mapping[str, Callable[[str], Opening]] = {
    "hermes": _hermes,
    "qwen": _qwen,
    "qwen3_coder": _qwen3_coder,
    "react": _react,
}
"""By the protocol's name; the function takes the tool's name, or blank for any tool."""
