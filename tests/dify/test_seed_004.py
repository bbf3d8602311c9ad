"""The run of seed 004, event by event, and what we do better.

What differs on purpose: the finish of a log says what happened in its label; `provider` stands only
on the finish of a Thought and a CALL (each costs Dify 30 ms); every start has `started_at`, where
the tutorial wrote `start_at`, which the SDK refuses (W49); a result is told once, in its own log; a
round's response is what the model said, not the tool's message; a call's arguments stand beside
its result, on one line; the call has an id of its own instead of the tool's name; and blank fields
are left out, because an opened log shows eight lines.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from strategies.agent.interface.events import (
    CallFinished,
    CallStarted,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    RoundFinished,
    RoundStarted,
    RunFinished,
    TextShown,
    ToolCall,
)
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.interface.usage import Usage
from tests.dify.logs import assert_whole, told

EXPECTED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "seed_004.json").read_text(encoding="utf-8")
)
TEXTS = [step["text"] for step in EXPECTED if step["kind"] == "text"]
ANSWER = "".join(TEXTS)
TIME = "2025-02-05 23:26:06"
PROVIDER = "langgenius/openai/openai"

CALL = ToolCall("a1B2c3D4e", "current_time", {}, "{}")
DONE = CallFinished(CALL, ToolOutcome(text=TIME), seconds_waited=0.25, seconds_run=1.5)
FIRST = Usage(
    prompt_tokens=48, completion_tokens=8, total_tokens=56, total_price=Decimal("0.00038")
)
SECOND = Usage(
    prompt_tokens=66, completion_tokens=17, total_tokens=83, total_price=Decimal("0.000575")
)
EVENTS: list[Event] = [
    RoundStarted(1),
    ModelCallStarted("gpt-4o", PROVIDER),
    ModelCallFinished("", "", (CALL,), FIRST),
    CallStarted(CALL, "time"),
    DONE,
    RoundFinished(1, "", (DONE,), FIRST),
    RoundStarted(2),
    ModelCallStarted("gpt-4o", PROVIDER),
    *[TextShown(text) for text in TEXTS],
    ModelCallFinished(ANSWER, "", (), SECOND),
    RoundFinished(2, ANSWER, (), SECOND),
    RunFinished(ANSWER, "answered", FIRST + SECOND),
]


def named(logs: list[dict[str, Any]]) -> dict[str | None, str | None]:
    """Name logs L1, L2 … in the order in which they start, as the recording does."""
    ids = dict.fromkeys(log["id"] for log in logs)
    return {None: None} | {one: f"L{n}" for n, one in enumerate(ids, start=1)}


def test_the_order_and_the_tree_are_those_of_the_recording() -> None:
    """Logs and texts come in the same order, with the same parents and states."""
    seen = told(EVENTS)
    names = named(seen.logs)
    happened = [
        (names[one["message"]["id"]], names[one["message"]["parent_id"]], one["message"]["status"])
        if one["type"] == "log"
        else one["message"]["text"]
        for one in seen.messages[:-1]
    ]
    recorded = [
        (step["id"], step["parent"], step["status"]) if step["kind"] == "log" else step["text"]
        for step in EXPECTED
    ]

    assert happened == recorded
    assert_whole(seen)


def test_the_labels_begin_as_recorded_and_say_what_happened() -> None:
    """The folded tree alone tells the run."""
    seen = told(EVENTS)
    recorded = [step["label"] for step in EXPECTED if step.get("status") == "start"]

    assert [log["label"] for log in seen.logs if log["status"] == "start"] == recorded
    assert seen.labels == [
        "ROUND 1 → current_time",
        "gpt-4o Thought → 56 tokens",
        "CALL current_time → 2025-02-05 23:26:06",
        "ROUND 2 → answer",
        "gpt-4o Thought → 83 tokens",
    ]


def told_something(data: Any) -> Any:
    """Leave out the blank fields of recorded data."""

    def pruned(fields: dict[str, Any]) -> dict[str, Any]:
        return {key: one for key, one in fields.items() if one not in ("", [], {})}

    return json.loads(json.dumps(data), object_hook=pruned)


def test_the_data_holds_what_was_recorded() -> None:
    """Each finish holds the recorded data without blanks; what is new stands beside it."""
    round_1, thought_1, call, round_2, thought_2 = (log["data"] for log in told(EVENTS).tree)
    recorded = {
        step["id"]: told_something(step["data"])
        for step in EXPECTED
        if step.get("status") == "success"
    }
    same = ("tool_call_name", "tool_response")

    assert thought_1 == recorded["L2"]
    assert thought_2 == recorded["L5"]
    assert round_2 == recorded["L4"]
    assert [call["output"][key] for key in same] == [recorded["L3"]["output"][key] for key in same]
    assert call["output"]["tool_call_id"] == "a1B2c3D4e"
    assert call["output"]["tool_call_input"] == "{}"
    assert (call["seconds_waited"], call["seconds_run"]) == (0.25, 1.5)
    assert round_1 == {"output": {"tool_responses": ["current_time"]}}


def test_the_metadata_has_the_recorded_keys() -> None:
    """Without the icon, which Dify adds, and with `provider` only where it is finished."""
    seen = told(EVENTS)
    happened = [sorted(log["metadata"]) for log in seen.logs]
    recorded = [
        sorted(
            {key.replace("start_at", "started_at") for key in step["metadata_keys"]}
            - {"icon"}
            - ({"provider"} if step["status"] == "start" else set())
        )
        for step in EXPECTED
        if step["kind"] == "log"
    ]

    assert happened == recorded
    assert [log["metadata"].get("provider") for log in seen.tree] == [
        None,
        PROVIDER,
        "time",
        None,
        PROVIDER,
    ]


def test_the_totals_are_exact_and_last() -> None:
    """56 and 83 tokens are 139, 0.00038 and 0.000575 are 0.000955; Dify reads the last JSON."""
    last = told(EVENTS).messages[-1]
    metadata = last["message"]["json_object"]["execution_metadata"]

    assert last["type"] == "json"
    assert metadata["total_tokens"] == 139
    assert metadata["total_price"] == "0.000955"
    assert metadata["currency"] == "USD"
