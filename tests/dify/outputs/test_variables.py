"""What later nodes can read of a run, beside its text."""

import json
from collections.abc import Iterable
from typing import Any

from strategies.agent.interface.events import (
    AnswerText,
    CallFinished,
    CallStarted,
    Event,
    ModelCallFinished,
    PlanFinished,
    PlannedStep,
    PlanStarted,
    RoundStarted,
    RunFailed,
    RunFinished,
    StepFinished,
    TextShown,
    ToolCall,
)
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.variables import Outputs
from tests.agent.fakes import (
    RecordingToolbox,
    ScriptedModel,
    Wanted,
    native_reply,
    of_type,
    play,
    says,
    slow,
)


def thought(reasoning: str) -> Event:
    """A reply with its reasoning."""
    return ModelCallFinished(text="", reasoning=reasoning, calls=(), usage=Usage())


def call(call_id: str) -> ToolCall:
    """A call of one tool."""
    return ToolCall(call_id, "search", {"q": call_id}, "{}")


def written(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The bodies of the messages that a run's events lead to."""
    outputs = Outputs(lambda answer: [{"n": 1, "title": answer}])
    return [dict(message["message"]) for event in events for message in outputs.messages(event)]


def values(events: Iterable[Event]) -> dict[str, Any]:
    """The outputs but the answer, by their names; texts are streamed, the others sent once."""
    told: dict[str, Any] = {}
    for body in written(events):
        name, value = body["variable_name"], body["variable_value"]
        if name == "answer":
            continue
        assert body["stream"] == (isinstance(value, str) and bool(value))
        assert body["stream"] or name not in told
        told[name] = told.get(name, "") + value if body["stream"] else value
    return told


def test_the_answer_streams_as_it_becomes_certain() -> None:
    """Only what is certain to be the answer; other text is the node's alone."""
    told = written([RoundStarted(1), TextShown("Hm."), AnswerText("Ro"), AnswerText("me")])

    assert told == [
        {"variable_name": "answer", "variable_value": piece, "stream": True}
        for piece in ("Ro", "me")
    ]


def test_a_run_that_ends_well_sends_all_the_others_once() -> None:
    """Reasoning of all replies, the calls, and the sources of the answer."""
    done = RunFinished("Rome", "answered", Usage())

    assert values([thought(" First. "), thought(""), thought("Second."), done]) == {
        "reasoning_content": "First.\n\nSecond.",
        "tool_calls": [],
        "pending_calls": [],
        "stop_reason": "answered",
        "error": "",
        "structured_output": {},
        "sources": [{"n": 1, "title": "Rome"}],
    }


def test_an_answer_of_a_shape_is_an_output() -> None:
    """Also one that is false or empty; only None means that no shape was asked for."""
    shaped: list[Any] = [{"city": "Rome"}, [], 0, False]
    for value in shaped:
        done = RunFinished("x", "answered", Usage(), structured=value)

        assert values([done])["structured_output"] == value


def test_texts_come_before_what_is_sent_whole() -> None:
    """Dify shows nothing of an output that was whole before a streamed one began."""
    names = [body["variable_name"] for body in written([RunFinished("x", "answered", Usage())])]

    assert names == [
        *["stop_reason", "error", "reasoning_content"],
        *["tool_calls", "pending_calls", "structured_output", "sources"],
    ]


def test_a_run_that_fails_says_why_and_keeps_its_calls() -> None:
    """There is no answer, and so no sources."""
    finished = CallFinished(call("a"), ToolOutcome(text="found"))
    failed = RunFailed("The key is wrong.", "error", Usage())
    told = values([CallStarted(call("a"), "p"), finished, failed])

    assert told["stop_reason"] == "error"
    assert told["error"] == "The key is wrong."
    assert [entry["result"] for entry in told["tool_calls"]] == ["found"]
    assert "sources" not in told


def test_a_call_is_told_with_its_time_and_whether_it_went_well() -> None:
    """How long it ran; one that never started took no time."""
    well = CallFinished(
        call("a"), ToolOutcome(text="found"), seconds_waited=7.0, seconds_run=2.3456
    )
    badly = CallFinished(call("b"), ToolOutcome(text="The tool failed.", error="timed out"))
    told = values([badly, well, RunFinished("x", "answered", Usage())])

    assert told["tool_calls"] == [
        {
            "name": "search",
            "arguments": {"q": "b"},
            "result": "The tool failed.",
            "ok": False,
            "seconds": 0.0,
        },
        {
            "name": "search",
            "arguments": {"q": "a"},
            "result": "found",
            "ok": True,
            "seconds": 2.346,
        },
    ]


def test_calls_stand_in_the_order_in_which_the_model_wrote_them() -> None:
    """Round by round, whichever tool comes back first."""
    model = ScriptedModel(
        native_reply("", [Wanted("far"), Wanted("near"), Wanted("nowhere")]),
        native_reply("", [Wanted("far", {"q": "again"}), Wanted("near", {"q": "again"})]),
        says("Done."),
    )
    events = play(model, RecordingToolbox(far=slow(0.1), near="here"))
    told = values(events)

    back = [event.call.name for event in of_type(events, CallFinished)]
    assert (back[2], back[4]) == ("far", "far")
    assert [(entry["name"], entry["arguments"]) for entry in told["tool_calls"]] == [
        ("far", {}),
        ("near", {}),
        ("nowhere", {}),
        ("far", {"q": "again"}),
        ("near", {"q": "again"}),
    ]


def test_what_is_long_is_cut_to_what_a_variable_holds() -> None:
    """Dify refuses more than 200 KiB; calls share the room, ends are kept."""
    results = [ToolOutcome(text=f"begin {'漢' * 100_000} end") for _ in range(10)]
    events: list[Event] = [thought("why " * 100_000)]
    events += [CallFinished(call(str(n)), outcome) for n, outcome in enumerate(results)]
    told = values([*events, RunFinished("x", "answered", Usage())])
    shared = [entry["result"] for entry in told["tool_calls"]]

    assert len(told["reasoning_content"].encode()) < 200 * 1024
    assert sum(len(result.encode()) for result in shared) < 200 * 1024
    assert all(result.startswith("begin ") and result.endswith(" end") for result in shared)


def test_a_plan_of_long_tasks_and_results_fits_into_one_variable() -> None:
    """Dify refuses more than 200 KiB, also of Chinese."""
    events: list[Event] = []
    for number in range(3):
        ids = range(number * 20 + 1, number * 20 + 21)
        steps = tuple(PlannedStep(id=one, task=f"{one} {'做' * 2_000}") for one in ids)
        events += [PlanStarted(number), PlanFinished(number, steps, Usage())]
        events += [StepFinished(step, "果" * 20_000, Usage()) for step in steps]
    rows = values([*events, RunFinished("Done.", "answered", Usage())])["plan"]

    assert len(rows) == 60
    assert all(row["task"].startswith(f"{row['id']} 做做") for row in rows)
    assert len(json.dumps(rows, ensure_ascii=False).encode()) < 200 * 1024
