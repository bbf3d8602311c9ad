"""What happens in a run, as one closed union of frozen values.

The loop yields these as they happen; `strategies/dify/outputs/narrator.py` turns them
into Dify's messages, tests read them as they are. Of times they hold
those that only the engine knows: how long a call waited and ran.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from strategies.agent.interface.ports import Forwarded, ToolOutcome
from strategies.agent.interface.usage import Usage
from strategies.protocols.native.finish_reason import Ending

type StopReason = Literal[
    "answered",
    "direct_result",
    "iteration_limit",
    "time_limit",
    "repeated_calls",
    "empty_reply",
    "length",
    "content_filter",
    "approval_needed",
    "error",
]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of this run: its id is unique in the run, its name as the model wrote it."""

    id: str
    name: str
    arguments: Mapping[str, object]
    raw: str
    """The arguments as JSON text that a provider can read back."""


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A round begins. Rounds count from 1; calls that the reader has approved make round 0."""

    number: int


@dataclass(frozen=True, slots=True)
class ModelCallStarted:
    """The model has been asked."""

    model: str
    provider: str


@dataclass(frozen=True, slots=True)
class TextShown:
    """Text for the reader."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A part of what counts as the answer, for later nodes; the reader sees it as `TextShown`."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerWithdrawn:
    """What was taken for the answer so far has turned out to be reasoning."""


@dataclass(frozen=True, slots=True)
class ReasoningShown:
    """The model's reasoning, without its tags."""

    text: str


@dataclass(frozen=True, slots=True)
class CallQueued:
    """A call has been written and waits until a running one makes room."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A tool begins to run, or its call is about to be refused."""

    call: ToolCall
    provider: str


@dataclass(frozen=True, slots=True)
class CallFinished:
    """A call has its one result."""

    call: ToolCall
    outcome: ToolOutcome
    seconds_waited: float = field(default=0.0, compare=False)
    """From the moment when the call was written to that when it began."""
    seconds_run: float = field(default=0.0, compare=False)
    """From then to its result."""


@dataclass(frozen=True, slots=True)
class ModelCallFinished:
    """The model's reply is complete, or has failed (`error`)."""

    text: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    error: str = ""
    files: tuple[Forwarded, ...] = ()
    """Pictures that the model itself made."""
    left_out: tuple[str, ...] = ()
    """What of the conversation had to give way for the request, in words."""
    ending: Ending = "complete"
    from_cache: bool = False
    """The reply was given before to the same request; it cost nothing."""


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """All calls of the round have their results, in the order of the calls."""

    number: int
    text: str
    results: tuple[CallFinished, ...]
    usage: Usage
    """Of all model calls of the round, the failed ones included."""
    error: str = ""
    ending: Ending = "complete"


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something the builder of the app should know, such as a tool that had to be skipped."""

    label: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run has come to its end with an answer."""

    answer: str
    stop_reason: StopReason
    usage: Usage
    structured: object = None
    """The answer as a JSON value, where a shape was asked for."""
    error: str = ""
    """What went wrong, where the run was to end with what is known all the same."""


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run has come to its end without an answer. `sentence` is for the reader."""

    sentence: str
    stop_reason: StopReason
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step of a plan."""

    id: int
    """Unique in the run; those of a revised plan count on."""
    task: str
    tools: tuple[str, ...] = ()
    """The tools that it is to use; none named means any."""
    after: tuple[int, ...] = ()
    """The steps whose results it builds on."""


@dataclass(frozen=True, slots=True)
class PlanStarted:
    """The model is asked for a plan: number 0, or for a revised one, from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class PlanFinished:
    """The model has written its plan, or answered without one."""

    number: int
    steps: tuple[PlannedStep, ...]
    usage: Usage
    error: str = ""
    """Why there is no plan, though one was needed."""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step is begun."""

    step: PlannedStep


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step has its result."""

    step: PlannedStep
    result: str
    usage: Usage
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepHeld:
    """A step waits for the reader's approval; the run ends with the question."""

    step: PlannedStep
    usage: Usage


@dataclass(frozen=True, slots=True)
class ClosingStarted:
    """The model is asked for the answer, from the results of the steps."""


@dataclass(frozen=True, slots=True)
class ClosingFinished:
    """It has answered, or failed."""

    usage: Usage
    error: str = ""


@dataclass(frozen=True, slots=True)
class Within:
    """Something happened in a run that is a part of this one."""

    place: str
    """The part it belongs to: a plan, a step or the answer."""
    event: "Event"


type Event = (
    RoundStarted
    | ModelCallStarted
    | TextShown
    | AnswerText
    | AnswerWithdrawn
    | ReasoningShown
    | CallQueued
    | CallStarted
    | CallFinished
    | ModelCallFinished
    | RoundFinished
    | Noticed
    | RunFinished
    | RunFailed
    | PartEvent
    | Within
)


CLOSING = "closing"
"""The part of a run in which the answer is written from the results of steps."""

type PartEvent = (
    PlanStarted
    | PlanFinished
    | StepStarted
    | StepFinished
    | StepHeld
    | ClosingStarted
    | ClosingFinished
)


def place_of(event: PartEvent) -> str:
    """Name the part of a run that begins or ends with an event."""
    match event:
        case PlanStarted(number) | PlanFinished(number):
            return f"plan {number}"
        case StepStarted(step) | StepFinished(step) | StepHeld(step):
            return f"step {step.id}"
        case _:
            return CLOSING
