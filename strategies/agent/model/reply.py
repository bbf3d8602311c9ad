"""One reply of a model while it comes in: what it said so far, word for word and by kind."""

from strategies.agent.failures.classify import ModelFailure
from strategies.agent.interface.ports import Forwarded, ModelDelta
from strategies.agent.interface.usage import Usage
from strategies.agent.model.echo import EchoParser
from strategies.protocols.base import (
    BrokenCall,
    Call,
    FormatError,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
)
from strategies.protocols.native.finish_reason import Ending, ending_of
from strategies.protocols.stream.reasoning import behind_lone_close

_BROKEN_STREAM = ModelFailure(
    kind="transient", message="The model's reply broke off before it was complete."
)
# Dify's plugin for OpenAI-compatible servers says "Unknown" where the server said nothing.
_NO_REASON = frozenset(("", "unknown"))


class Reply:
    """Folds a model's deltas into a reply; `take` and `close` return what became certain."""

    def __init__(self, parser: ReplyParser, *, expects_reason: bool = False) -> None:
        """Take the parser, and whether this provider always says how a reply ended."""
        self._parser = parser
        self._expects_reason = expects_reason
        self._content: list[str] = []
        self._visible: list[str] = []
        self._reasoning: list[str] = []
        self._reasoned: int | None = None
        """Characters at its beginning that are known to be reasoning; None where there are none."""
        self._calls_when_seen = 0
        """How many calls had come when the reader last saw text."""
        self.finish_reason = ""
        """As the provider worded it; blank when it gave none."""
        self.calls: list[Call | BrokenCall] = []
        self.format_errors: list[FormatError] = []
        self.files: list[Forwarded] = []
        self.usage = Usage()
        self.failure: ModelFailure | None = None
        """Why the reply broke off; None when it did not."""
        self.over = False
        self.began = False
        """Whether anything of it has come."""
        self.from_cache = False
        """Whether it was given before to the same request."""

    @property
    def content(self) -> str:
        """The reply byte for byte, without reasoning that the prompt had opened."""
        written = "".join(self._content)
        return written if self._reasoned is None else behind_lone_close(written, self._reasoned)

    @property
    def visible(self) -> str:
        """What the reader sees of it."""
        return "".join(self._visible)

    @property
    def begins_unreadable(self) -> bool:
        """Whether it begins with a call that could not be read."""
        return any(error.stands_first for error in self.format_errors)

    @property
    def echo(self) -> str:
        """What of it only repeats the engine, which the reader does not see."""
        return self._parser.left_out if isinstance(self._parser, EchoParser) else ""

    @property
    def reasoning(self) -> str:
        """What the model thought, without tags."""
        return "".join(self._reasoning)

    @property
    def error(self) -> str:
        """Why the reply broke off, in one sentence; blank when it did not."""
        return self.failure.message if self.failure else ""

    @property
    def fell_silent(self) -> bool:
        """Whether it broke off because nothing more came in time."""
        return self.failure is not None and self.failure.kind == "silent"

    @property
    def ending(self) -> Ending:
        """How the provider ended it."""
        unexplained = self.finish_reason.lower() in _NO_REASON
        if unexplained and self._expects_reason and self.began:
            return "broken"
        return ending_of(self.finish_reason)

    @property
    def wrote_calls(self) -> bool:
        """Whether it calls tools, all of them in its text."""
        return bool(self.calls) and all(call.in_text for call in self.calls)

    def take(self, delta: ModelDelta) -> list[ReplyEvent]:
        """Add a piece of the reply."""
        self.began = self.began or bool(delta.text or delta.calls or delta.files)
        self.from_cache = self.from_cache or delta.from_cache
        self._content.append(delta.text)
        self.finish_reason = delta.finish_reason or self.finish_reason
        # A provider that reports usage more than once reports sums: the last one counts.
        self.usage = delta.usage or self.usage
        self.files.extend(delta.files)
        if not delta.text and not delta.calls:
            return []
        return self._record(self._parser.feed(delta.text, delta.calls))

    def close(self) -> list[ReplyEvent]:
        """End the reply."""
        if self.ending == "broken":
            return self.break_off(_BROKEN_STREAM)
        self.over = True
        return self._record(self._parser.close(cut_short=self.ending != "complete"))

    def break_off(self, failure: ModelFailure) -> list[ReplyEvent]:
        """End a reply that will not be completed; what is still open was never finished."""
        self.over = True
        self.failure = failure
        events = self._parser.close(cut_short=True)
        said = "".join(event.text for event in events if isinstance(event, Text))
        if not (self._visible or said.strip() or self.calls):
            # Nothing but the beginning of a call: it counts for nothing, and can be written anew.
            events = [event for event in events if not isinstance(event, BrokenCall | FormatError)]
        return self._record(events)

    def extend(self, rest: "Reply") -> None:
        """Put the rest of a reply that was cut off behind it; one that failed brings what came."""
        self._content.append(rest.visible)
        self._visible.append(rest.visible)
        if rest.failure is None:
            self.failure = None
            self.finish_reason = rest.finish_reason or self.finish_reason

    def _record(self, events: list[ReplyEvent]) -> list[ReplyEvent]:
        for event in events:
            match event:
                case Text(text):
                    self._see(text)
                case Reasoning(text):
                    if not (self._visible or self.calls):
                        self._reasoned = self._reasoned or 0
                    self._reasoning.append(text)
                case ReasoningSoFar(text):
                    self._reasoned = len(text)
                    self._visible.clear()
                    self._reasoning.append(text)
                case Call() | BrokenCall():
                    self.calls.append(event)
                case FormatError():
                    self.format_errors.append(event)
        return events

    def _see(self, text: str) -> None:
        """Add text for the reader; what stands before a call and what stands behind are apart."""
        if self._calls_when_seen < len(self.calls) and text.strip():
            said = self.visible.rstrip()
            self._visible = [said, "\n\n"] if said else []
            text = text.lstrip("\r\n") if said else text
        if text.strip():
            self._calls_when_seen = len(self.calls)
        self._visible.append(text)
