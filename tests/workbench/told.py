"""A run as JSON lines, written by hand: two rounds, two tools side by side, one of them failing."""

import json
from collections.abc import Sequence
from typing import Any

from workbench.base.ports import Json

BEGAN_AT = 1_795_000_000.0
HARM = "</script><script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"


def lines(run: str = "one", *, result: str = "18 °C") -> list[Json]:
    """Everything that happens in the run, in order."""
    told = [
        _call(1, 0.1, {"model": "demo", "prompt_messages": [_user("Lisbon?")], "tools": []}),
        _log(0.0, "r1", "ROUND 1", 0.0),
        _log(0.0, "t1", "demo Thought", 0.0, parent="r1"),
        _line("text", 0.3, {"text": "<think>Two tools</think>I will look. "}),
        _answer(1, 0.5, {"text": "I will look. ", "tool_calls": [], "usage": {}}, first=0.3),
        _log(0.5, "t1", "demo Thought → 30 tokens", 0.0, 0.5, parent="r1", total_tokens=30),
        _call(2, 0.5, {"tool": "weather", "tool_parameters": {"city": "Lisbon"}}, kind="tool"),
        _call(3, 0.5, {"tool": "hotels", "tool_parameters": {"nights": 3}}, kind="tool"),
        _answer(3, 1.0, {"messages": []}, kind="tool", error="no such house"),
        _answer(2, 1.5, {"messages": [_line("text", 0, {"text": result})]}, kind="tool"),
        _log(
            1.0, "c3", "✗ CALL hotels → no such house", 0.5, 1.0, parent="r1", error="no such house"
        ),
        _log(1.5, "c2", f"CALL weather → {result}", 0.5, 1.5, parent="r1"),
        _log(1.5, "r1", "ROUND 1 → ✗ hotels, weather", 0.0, 1.5, total_tokens=30),
        _log(1.5, "r2", "ROUND 2", 1.5),
        _log(1.5, "t2", "demo Thought", 1.5, parent="r2"),
        _call(4, 1.5, {"model": "demo", "prompt_messages": [_user("Lisbon?")], "tools": []}),
        _line("text", 1.8, {"text": f"\n\nIt has **{result}** [1]."}),
        _answer(4, 2.0, {"text": result, "tool_calls": [], "usage": {}}, first=1.8),
        _log(2.0, "t2", "demo Thought → 40 tokens", 1.5, 2.0, parent="r2", total_tokens=40),
        _log(2.0, "r2", "ROUND 2 → answer", 1.5, 2.0, total_tokens=40, total_price="0.0042"),
        _line("variable", 2.0, {"variable_name": "stop_reason", "variable_value": "answered"}),
    ]
    beginning: Json = {
        "type": "begin",
        "at": 0.0,
        "began_at": BEGAN_AT,
        "question": f"Lisbon? {result}",
        "model": "demo",
        "protocol": "native",
        "tools": ["weather", "hotels"],
        "history": [],
        "settings": {},
    }
    ending: Json = {
        "type": "end",
        "at": 2.0,
        "first_text_at": 0.3,
        "failure": None,
        "usage": {"total_tokens": 70, "prompt_tokens": 50, "completion_tokens": 20},
        "outputs": {"answer": result, "stop_reason": "answered"},
    }
    return [{"run": run, **line} for line in (beginning, *told, ending)]


def planned() -> list[Json]:
    """A run with a plan: one step is done, one failed, one waits and two were dropped."""
    steps = ["1. Find the oak.", "2. Find the elm.", "3. Compare them.", "4. Draw them."]
    told = [
        _log(0.0, "p0", "PLAN", 0.0),
        _log(0.5, "p0", "PLAN → 4 steps", 0.0, 0.5, steps=steps, total_tokens=300),
        _line("text", 0.5, {"text": "".join(f"- ☐ {step}\n" for step in steps)}),
        _log(0.5, "s1", "STEP 1 Find the oak.", 0.5),
        _log(0.5, "s2", "STEP 2 Find the elm.", 0.5),
        _log(0.5, "r1", "ROUND 1", 0.5, parent="s1"),
        _log(0.5, "t1", "demo Thought", 0.5, parent="r1"),
        _call(1, 0.501, {"model": "demo", "prompt_messages": [_user("Oak?")], "tools": []}),
        _log(0.51, "r2", "ROUND 1", 0.51, parent="s2"),
        _log(0.51, "t2", "demo Thought", 0.51, parent="r2"),
        _call(2, 0.512, {"model": "demo", "prompt_messages": [_user("Elm?")], "tools": []}),
        _answer(1, 1.0, {"text": "At the lake.", "tool_calls": [], "usage": {}}, first=0.9),
        _answer(2, 1.1, {"text": "", "tool_calls": [], "usage": {}}, error="401 no key"),
        _log(1.0, "t1", "demo Thought → 30 tokens", 0.5, 1.0, parent="r1", total_tokens=30),
        _log(1.0, "r1", "ROUND 1 → answer", 0.5, 1.0, parent="s1", total_tokens=30),
        _log(1.0, "s1", "STEP 1 Find the oak.", 0.5, 1.0, total_tokens=30),
        _line("text", 1.0, {"text": "- ☑ 1. Find the oak.\n"}),
        _log(1.1, "t2", "✗ demo Thought → 401", 0.51, 1.1, parent="r2", error="401 no key"),
        _log(1.1, "r2", "✗ ROUND 1 → 401", 0.51, 1.1, parent="s2", error="401 no key"),
        _log(1.1, "s2", "✗ STEP 2 Find the e… → 401 no key", 0.5, 1.1, error="401 no key"),
        _line("text", 1.1, {"text": "- ☒ 2. Find the elm.\n"}),
        _log(1.1, "p1", "REPLAN 1", 1.1),
        _log(1.2, "p1", "REPLAN 1 → 1 step", 1.1, 1.2, steps=["5. Find a birch."]),
    ]
    first, *_, last = lines()
    return [first, *({"run": "one", **line} for line in told), last]


def text(told: list[Json]) -> str:
    """Write lines as a saved run."""
    return "".join(f"{json.dumps(line)}\n" for line in told)


def _line(kind: str, at: float, message: Json) -> Json:
    return {"type": kind, "at": at, "message": message, "meta": None}


def _user(content: str) -> Json:
    return {"role": "user", "content": content}


def _call(number: int, at: float, asked: Json, kind: str = "llm") -> Json:
    return {"type": "call", "at": at, "call": number, "kind": kind, "asked": asked}


def _answer(
    number: int,
    at: float,
    answer: Json,
    *,
    kind: str = "llm",
    first: float | None = None,
    error: str | None = None,
) -> Json:
    line: Json = {"type": "answer", "at": at, "call": number, "kind": kind, "first_at": first}
    return {**line, "pieces": 1, "error": error, "lost_chunks": 0, "answer": answer}


def _log(
    at: float,
    name: str,
    label: str,
    started: float,
    finished: float | None = None,
    *,
    parent: str | None = None,
    error: str | None = None,
    steps: Sequence[str] = (),
    **metadata: Any,
) -> Json:
    times: Json = {"started_at": BEGAN_AT + started}
    times |= {} if finished is None else {"finished_at": BEGAN_AT + finished}
    status = "error" if error else "start" if finished is None else "success"
    return _line(
        "log",
        at,
        {
            "id": name,
            "parent_id": parent,
            "label": label,
            "status": status,
            "error": error,
            "data": {"steps": list(steps)} if steps else {},
            "metadata": {**times, **metadata},
        },
    )
