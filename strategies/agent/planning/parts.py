"""What the parts of a planned run share: how they are made, and who is asked for approval."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strategies.agent.config import Limits, Policy, RunRequest
from strategies.agent.interface.events import (
    AnswerText,
    Event,
    ReasoningShown,
    RunFailed,
    RunFinished,
    TextShown,
    ToolCall,
    Within,
)
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.loop import Run
from strategies.agent.planning.sentences import Sentences, sentences_for
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.tools.approval import Approvals
from strategies.agent.tools.shown import ToolsFor
from strategies.protocols.base import Language, ToolSpec

type RunEnd = RunFinished | RunFailed

type MakeRun = Callable[[RunRequest], Run]
"""Makes the run of a part."""


def event_within(place: str, event: Event) -> Event:
    """Return what the run tells of an event in one of its parts."""
    # The reader follows the thinking of what may be the answer; the steps keep theirs apart.
    return event if isinstance(event, ReasoningShown) else Within(place, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a planned run is about: its parts are made from it, and speak to the reader by it."""

    conversation: Conversation
    """The question and what stands before it, without the answer's shape."""
    tools_for: ToolsFor
    make: MakeRun
    limits: Limits
    """What all parts together may spend."""
    language: Language
    """That of the question."""
    policy: Policy
    """How the whole run is to end."""
    shows_plan: bool = True
    """Whether the reader sees the plan as a checklist."""
    calls_at_least_once: bool = False
    """Whether some tool must be called before the answer."""
    approvals: Approvals
    approved: Sequence[ToolCall] = ()
    """The calls that the reader has approved; an ordinary run goes on from them."""

    @property
    def sentences(self) -> Sentences:
        """What models are told in the question's language."""
        return sentences_for(self.language)

    def instructed(self, sentence: str) -> str:
        """Return the builder's instruction with one more sentence."""
        return "\n\n".join(part for part in (self.conversation.instruction, sentence) if part)

    @property
    def shaped(self) -> Conversation:
        """The conversation that says which form the answer is to have."""
        if self.policy.shape is None:
            return self.conversation
        asked = self.policy.shape.request(self.language)
        return replace(self.conversation, instruction=self.instructed(asked))

    def say(self, answer: str, *, below: str = "") -> Iterator[Event]:
        """Give out a piece of the answer, and what parts it from a plan that the reader sees."""
        yield TextShown(below + answer if self.shows_plan else answer)
        yield AnswerText(answer)

    def show(self, text: str) -> Iterator[Event]:
        """Show how the plan goes, where the reader is to see it."""
        if self.shows_plan and text:
            yield TextShown(text)


_HELD = "…"
"""Stands for a question, so that the step's run ends with it; no reader ever sees it."""


class NoTools:
    """For a run that can only answer; a `Toolbox`."""

    specs: Sequence[ToolSpec] = ()
    known: Mapping[str, ToolSpec] = {}

    def provider(self, name: str) -> str:
        """Know none."""
        del name
        return ""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run none; nothing that is not known is ever called."""
        del arguments
        raise KeyError(name)


@dataclass(slots=True)
class HeldBack:
    """Gathers the calls of all steps that need approval, for one question; an `Approvals`."""

    approvals: Approvals
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    """Where nobody can be asked, those that go without."""

    @property
    def can_ask(self) -> bool:
        """As the run can."""
        return self.approvals.can_ask

    def asks(self, name: str) -> bool:
        """Ask for what the run asks for."""
        return self.approvals.asks(name)

    @property
    def stops(self) -> bool:
        """Whether no step may begin any more, because the reader is to be asked."""
        return bool(self.calls) and self.can_ask

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Keep the calls until all steps have come to a halt; the rounds are the step's own."""
        del rounds, known
        self.calls += calls
        return _HELD if self.can_ask else ""
