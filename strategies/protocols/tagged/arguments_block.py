"""The arguments of a call whose name is known already, written as JSON after it."""

from strategies.protocols.base import BrokenCall
from strategies.protocols.json.read import Unreadable, call_of, read_arguments
from strategies.protocols.json.span import JsonSpan
from strategies.protocols.stream.block import Closed, Emit, End
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers

CUT_ARGUMENTS = "The reply ended before the arguments were complete."


class ArgumentsBlock:
    """Reads one JSON value, up to its last bracket or to a tag outside its strings."""

    def __init__(self, *, name: str, start: int, tags: Markers, closed: Closed) -> None:
        self._name = name
        self._start = start
        self._tags = tags
        self._closed = closed
        self._span = JsonSpan()
        self._value_end: int | None = None
        """Where the brackets balanced, if that alone could not be read without a guess."""
        self._tag_in_string: int | None = None

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Closed | None:
        """Emit the call as soon as its arguments are complete."""
        while True:
            tag = self._tags.find(cursor.text, cursor.at)
            until = tag.start() if tag else self._settled(cursor, ending)
            if self._value_end is None and self._balances(cursor, until):
                if closed := self._call_if_certain(cursor, emit):
                    return closed
                continue
            cursor.at = until
            if not tag:
                return self._end(cursor, emit, ending) if ending else None
            if self._value_end is not None or not self._span.in_string:
                return self._emit(emit, cursor.since(self._start))
            if self._tag_in_string is None:
                self._tag_in_string = cursor.position
            self._span.feed(tag[0])
            cursor.at = tag.end()

    def _settled(self, cursor: Cursor, ending: End | None) -> int:
        return len(cursor.text) if ending else self._tags.settled(cursor.text, cursor.at)

    def _balances(self, cursor: Cursor, until: int) -> bool:
        filled = self._span.feed(cursor.text, cursor.at, until)
        if filled is None:
            return False
        cursor.at += filled
        return True

    def _call_if_certain(self, cursor: Cursor, emit: Emit) -> Closed | None:
        self._value_end = cursor.position
        text = cursor.since(self._start)
        outcome = read_arguments(text)
        if isinstance(outcome, Unreadable) or outcome.repaired:
            return None
        emit(call_of(self._name, text, outcome))
        return self._closed

    def _end(self, cursor: Cursor, emit: Emit, ending: End) -> Closed:
        end = self._value_end or self._tag_in_string
        if end is not None:
            text = cursor.since(self._start, end)
            cursor.back_to(end)
            return self._emit(emit, text)
        text = cursor.since(self._start)
        if ending.cut_short:
            emit(BrokenCall(name=self._name, raw=text, problem=CUT_ARGUMENTS))
            return self._closed
        return self._emit(emit, text)

    def _emit(self, emit: Emit, text: str) -> Closed:
        emit(call_of(self._name, text, read_arguments(text)))
        return self._closed
