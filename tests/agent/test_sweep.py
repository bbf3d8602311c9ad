"""Every kind of failure at every step of a three-round run, under every protocol.

Whatever goes wrong: a final answer or one error, every log that starts is finished, the totals are
those of the calls that were made, each call has one result, and no text is shown twice.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import pytest

from strategies.agent.config import Limits
from strategies.agent.interface.events import (
    CallFinished,
    CallStarted,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
)
from strategies.agent.interface.ports import (
    ModelDelta,
    ModelError,
    ToolOutcome,
)
from strategies.agent.interface.usage import Usage
from tests.agent.fakes import (
    TONGUES,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    Wanted,
    native_calls,
    of_type,
    play,
    says,
    shown,
)

FAULTS = {
    "rate limit": "[openai] Rate Limit Error, 429 Too Many Requests",
    "server": "[openai] Server Unavailable Error, 503",
    "connection": "read llm model failed: request failed: connection reset by peer",
    "timeout": "invocation exited without response after 250 seconds",
    "key": "[openai] Incorrect API key provided, 401",
    "bad request": "[openai] Bad Request Error, 400 invalid temperature",
    "context": "This model's maximum context length is 8192 tokens",
    "vision": "this model does not support image input",
    "tools": "registry.ollama.ai/library/x does not support tools",
    "unknown": "something odd happened",
}
PLACES = ["before the first chunk", "between chunks", "empty reply"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure at one place of one of the three rounds."""

    error: str
    place: str
    number: int

    def spoil(self, reply: list[Step]) -> list[Step]:
        """Let the reply fail there."""
        match self.place:
            case "before the first chunk":
                return [ModelError(self.error)]
            case "between chunks":
                return [*reply[:1], ModelError(self.error)]
            case _:
                return [ModelDelta(usage=Usage(total_tokens=1))]


CASES = [
    pytest.param(tongue, Fault(error, place, number), id=f"{tongue}-{name}-{place}-{number}")
    for tongue, (name, error), place, number in product(TONGUES, FAULTS.items(), PLACES, (0, 1, 2))
    if place != "empty reply" or name == "unknown"
]


@pytest.mark.parametrize(("tongue", "fault"), CASES)
def test_a_model_failure_anywhere(tongue: Tongue, fault: Fault) -> None:
    """The invariants hold wherever the model fails."""
    replies = [
        tongue.reply("First. ", [Wanted("look", {"q": "1"}), Wanted("look", {"q": "2"})]),
        tongue.reply("Second. ", [Wanted("look", {"q": "3"})]),
        says("Third and last."),
    ]
    spoilt = [
        *replies[: fault.number],
        fault.spoil(replies[fault.number]),
        # After a change of protocol the model answers in words.
        *replies[fault.number :],
    ]
    model = ScriptedModel(*spoilt)
    events = play(model, RecordingToolbox(look="seen"), tongue=tongue)

    assert_invariants(events, model)


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("kind", ["fails", "raises", "hangs"])
def test_a_tool_failure_anywhere(tongue: Tongue, number: int, kind: str) -> None:
    """The run goes on to its answer, whatever a tool does."""

    def bad(arguments: Mapping[str, object]) -> ToolOutcome:
        if kind == "raises":
            raise OSError("no disk")
        if kind == "hangs":
            time.sleep(0.4)
        return ToolOutcome(text=f"failed on {arguments}", error="failed")

    rounds = [
        tongue.reply("", [Wanted("look", {"q": "1"}), Wanted("bad", {"q": "1"})]),
        tongue.reply("", [Wanted("look", {"q": "2"})]),
    ]
    model = ScriptedModel(*(rounds if number == 0 else reversed(rounds)), says("The end."))
    toolbox = RecordingToolbox(look="seen", bad=bad)
    events = play(model, toolbox, tongue=tongue, limits=Limits(tool_seconds=0.1))

    assert_invariants(events, model)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "The end."


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS.keys())
def test_a_failure_in_the_closing_round(tongue: Tongue, error: str) -> None:
    """Also without a round left there is an answer or an error."""
    model = ScriptedModel(
        tongue.reply("", [Wanted("look", {"q": "1"})]),
        [ModelError(error)],
        says("After all."),
        says("After all."),
    )
    events = play(model, RecordingToolbox(look="seen"), tongue=tongue, limits=Limits(rounds=2))

    assert_invariants(events, model)


def assert_invariants(events: list[Event], model: ScriptedModel) -> None:
    """What holds of every run."""
    endings = of_type(events, RunFinished) + of_type(events, RunFailed)
    calls = [one.call.id for one in of_type(events, CallFinished)]

    assert len(endings) == 1
    assert endings[0] is events[-1]
    if isinstance(endings[0], RunFinished):
        assert endings[0].answer.strip()
    else:
        assert endings[0].sentence.strip()
        assert "Traceback" not in endings[0].sentence
    assert len(of_type(events, RoundStarted)) == len(of_type(events, RoundFinished))
    assert len(of_type(events, ModelCallStarted)) == len(of_type(events, ModelCallFinished))
    assert len(of_type(events, ModelCallStarted)) == len(model.requests)
    assert sorted(calls) == sorted(one.call.id for one in of_type(events, CallStarted))
    assert set(Counter(calls).values()) <= {1}
    model_calls = sum((one.usage for one in of_type(events, ModelCallFinished)), Usage())
    assert endings[0].usage == model_calls
    for sentence in ("First.", "Second.", "Third and last.", "After all."):
        assert shown(events).count(sentence) <= 1
    assert_results_match_calls(model)


def assert_results_match_calls(model: ScriptedModel) -> None:
    """One tool message per native call, with equal ids, in order."""
    for request in model.requests:
        asked = [call["id"] for call in native_calls(request.messages)]
        answered = [one["tool_call_id"] for one in request.messages if one["role"] == "tool"]
        assert asked == answered
        assert len(set(asked)) == len(asked)
