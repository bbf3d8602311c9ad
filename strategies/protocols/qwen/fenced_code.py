"""A fenced block of code in the place of arguments: common for tools that run code."""

from collections.abc import Mapping

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.qwen.marks import CLOSED
from strategies.protocols.stream.block import Emit, End, Verdict
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers

CUT_PROBLEM = "The reply ended before the arguments were complete."

_FENCE_END = Markers(("\n```",))
_CODE_PROBLEM = "The arguments must be one JSON object."


class FencedCode:
    """Reads a fenced block of code as the one argument that can take it."""

    def __init__(self, name: str, start: int, properties: Mapping[str, object]) -> None:
        self._name = name
        self._start = start
        self._key = (
            "code" if "code" in properties or len(properties) != 1 else next(iter(properties))
        )
        self._known = self._key in properties

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read up to the fence that closes the block."""
        found = _FENCE_END.find(cursor.text, cursor.at)
        if not found:
            cursor.at = len(cursor.text) if ending else _FENCE_END.settled(cursor.text, cursor.at)
            if not ending:
                return None
            code = cursor.since(self._start)
            emit(BrokenCall(name=self._name, raw=code, problem=CUT_PROBLEM))
            return CLOSED
        cursor.at = found.start()
        code = cursor.since(self._start)
        cursor.at = found.end()
        if self._known:
            arguments = {self._key: code.removeprefix("\n")}
            emit(Call(name=self._name, arguments=arguments))
        else:
            emit(BrokenCall(name=self._name, raw=code, problem=_CODE_PROBLEM))
        return CLOSED
