"""The reader of ReAct replies: reasoning first, then the labelled steps."""

from collections.abc import Sequence
from functools import partial

from strategies.protocols.base import (
    CallDelta,
    IsQuoted,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)
from strategies.protocols.react.steps import StepReader


class ReactReader:
    """Reads one reply; a `ReplyParser`. `apart` splits `<think>` off before."""

    def __init__(
        self,
        apart: ReplyParser,
        tools: Sequence[ToolSpec],
        is_quoted: IsQuoted,
        *,
        is_shaped: bool,
    ) -> None:
        self._apart = apart
        self._begin = partial(StepReader, tools, is_quoted, is_shaped=is_shaped)
        self._steps = self._begin()

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Read the next piece; this reader knows nothing of native deltas."""
        del deltas
        return self._read(self._apart.feed(text))

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Read what was held back and decide about it."""
        last = self._read(self._apart.close(cut_short=cut_short))
        return last + self._steps.close(cut_short=cut_short)

    def _read(self, events: list[ReplyEvent]) -> list[ReplyEvent]:
        found: list[ReplyEvent] = []
        for event in events:
            if isinstance(event, Text):
                found += self._steps.feed(event.text)
                continue
            found.append(event)
            if isinstance(event, ReasoningSoFar):
                # What it has read were drafts.
                self._steps = self._begin()
            else:
                self._steps.start_line()
        return found
