"""The node's outputs beside its text: variables for later nodes (docs/dify.md, "Messages").

They are declared in the strategy's `output_schema`. `answer` streams while the engine is certain of
it, so that an answer node can show the final answer alone; the others are sent once, at the end.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from strategies.agent.interface.events import (
    AnswerText,
    AnswerWithdrawn,
    CallFinished,
    Event,
    ModelCallFinished,
    PlanFinished,
    PlanStarted,
    RoundFinished,
    RunFailed,
    RunFinished,
    StepFinished,
    StepHeld,
    StepStarted,
    ToolCall,
    Within,
)
from strategies.agent.prompt.shortening import cut, cut_inside
from strategies.dify.outputs.messages import streamed_variable, variable_message
from strategies.dify.outputs.pacing import DifyMessage
from strategies.dify.outputs.plan import PlanOutput

# Dify refuses a variable of more than 200 KiB; a list of calls shares that among its results.
_VARIABLE_LENGTH = 40_000

type Sources = Callable[[str], Sequence[dict[str, Any]]]
"""Which of the given passages an answer cites."""


class Outputs:
    """Gathers one run's outputs. `messages` is called with every event, in order."""

    def __init__(
        self, sources: Sources, *, pending: Callable[[], Sequence[ToolCall]] = tuple
    ) -> None:
        self._sources = sources
        self._pending = pending
        """The calls that wait for the reader's approval."""
        self._withdrawn = False
        """Whether more was streamed as the answer than belongs to it."""
        self._reasoning: list[str] = []
        self._plan: PlanOutput | None = None
        """None where the strategy makes none."""
        self._calls: dict[tuple[str, str], dict[str, Any]] = {}
        """By the run's part and the call's id; in the model's order as far as rounds are over."""

    def messages(self, event: Event, place: str = "") -> Iterator[DifyMessage]:
        """Write the variables that an event makes known; `place` is the part it happened in."""
        match event:
            case Within(inner_place, inner):
                yield from self.messages(inner, inner_place)
            case PlanStarted() | PlanFinished() | StepStarted() | StepFinished() | StepHeld():
                self._plan = self._plan or PlanOutput()
                self._plan.take(event)
            case ModelCallFinished():
                self._reasoning.append(event.reasoning.strip())
            case CallFinished():
                self._calls[place, event.call.id] = _entry(event)
            case RoundFinished(_, _, results):
                # Tools come back in any order; behind the earlier rounds goes the model's own.
                for done in results:
                    key = (place, done.call.id)
                    self._calls[key] = self._calls.pop(key)
            case AnswerWithdrawn():
                self._withdrawn = True
            case AnswerText(said):
                yield from streamed_variable("answer", said)
            case RunFinished(answer, reason, _, structured, error):
                if self._withdrawn or not answer:
                    # A whole value takes the place of what was streamed.
                    yield variable_message("answer", answer)
                yield from self._ending(reason, error)
                shaped: object = {} if structured is None else structured
                yield variable_message("structured_output", shaped)
                yield variable_message("sources", list(self._sources(answer)))
            case RunFailed(sentence, reason, _):
                yield from self._ending(reason, sentence)
            case _:
                pass

    def _ending(self, reason: str, error: str) -> Iterator[DifyMessage]:
        # An answer node that must first wait for another node shows only what was streamed, and of
        # the outputs of this node none that came before a streamed one (docs/dify.md, "Messages").
        reasoning = "\n\n".join(thought for thought in self._reasoning if thought)
        yield from _text("stop_reason", reason)
        yield from _text("error", error)
        yield from _text("reasoning_content", cut(reasoning, _VARIABLE_LENGTH))
        yield variable_message("tool_calls", self._shared_out())
        yield variable_message("pending_calls", [_waiting(call) for call in self._pending()])
        if self._plan:
            yield variable_message("plan", self._plan.rows)

    def _shared_out(self) -> list[dict[str, Any]]:
        """Cut results and arguments so that all calls together fit into one variable."""
        length = max(_VARIABLE_LENGTH // max(len(self._calls), 1), 200)
        return [
            {
                **call,
                "arguments": cut_inside(call["arguments"], length),
                "result": cut(call["result"], length),
            }
            for call in self._calls.values()
        ]


def _waiting(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}


def _text(name: str, said: str) -> Iterator[DifyMessage]:
    return streamed_variable(name, said) if said else iter([variable_message(name, "")])


def _entry(done: CallFinished) -> dict[str, Any]:
    return {
        "name": done.call.name,
        "arguments": dict(done.call.arguments),
        "result": done.outcome.text,
        "ok": not done.outcome.error,
        "seconds": round(done.seconds_run, 3),
    }
