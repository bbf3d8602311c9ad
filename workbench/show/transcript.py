"""A run as JSON lines: what is printed by --json, saved, sent to the page, and played again.

Every line has `run`, `at` (seconds since the run began) and `type`: `begin` (what was asked),
`call` and `answer` (a model or a tool is asked, and has answered), `end` (the sum), or the type of
a message of the plugin, with the message as it is.
"""

from collections.abc import Iterator
from typing import Any, cast

from workbench.base.ports import Json, is_object, objects
from workbench.bench.bench import RunSetup
from workbench.host.record import Call, CallBegan, CallEnded, Received, Run, RunEvent

_LONGEST = 20_000


def lines(run: Run, setup: RunSetup | None) -> Iterator[Json]:
    """Tell a run while it goes on. For one reader."""
    if setup is not None:
        yield begin(run, setup)
    for event in run.events():
        yield line(run, event)
    yield end(run)


def whole(run: Run, setup: RunSetup) -> list[Json]:
    """Tell a run that is over, from what was kept of it."""
    events: list[RunEvent] = [
        *run.received,
        *(CallBegan(call.asked_at, call) for call in run.requests),
        *(CallEnded(call.ended_at, call) for call in run.requests if call.ended_at is not None),
    ]
    told = [line(run, event) for event in sorted(events, key=lambda each: each.at)]
    return [begin(run, setup), *told, end(run)]


def begin(run: Run, setup: RunSetup) -> Json:
    """Say what was asked."""
    return {
        "run": run.session,
        "at": 0.0,
        "type": "begin",
        "began_at": run.began_at,
        "question": setup.question,
        "model": setup.model,
        "protocol": setup.protocol,
        "tools": list(setup.tools),
        "history": shortened(list(setup.history)),
        "settings": shortened(dict(setup.settings)),
    }


def line(run: Run, event: RunEvent) -> Json:
    """Write one thing that happened."""
    frame: Json = {"run": run.session, "at": round(event.at, 4)}
    match event:
        case Received(_, message):
            return {**frame, **message}
        case CallBegan(_, call):
            asked = shortened(call.request)
            return {**frame, "type": "call", "call": call.number, "kind": call.kind, "asked": asked}
        case CallEnded(_, call):
            return {
                **frame,
                "type": "answer",
                "call": call.number,
                "kind": call.kind,
                **_told(call),
            }


def end(run: Run) -> Json:
    """Sum a run up."""
    return {
        "run": run.session,
        "at": round(run.ended_at or 0.0, 4),
        "type": "end",
        "first_text_at": run.first_text_at,
        "failure": run.failure,
        "error": run.error,
        "error_type": run.error_type,
        "lost": len(run.lost),
        "lost_chunks": run.lost_chunks,
        "problems": run.problems,
        "usage": run.usage,
        "model_calls": len(run.model_calls),
        "tool_calls": len(run.tool_calls),
        "outputs": run.variables,
        "files": [{"bytes": len(file.blob), **file.meta} for file in run.files],
    }


def shortened(value: Any) -> Any:
    """Cut texts that nobody reads in full, such as pictures in base64."""
    match value:
        case str() if len(value) > _LONGEST:
            left_out = len(value) - _LONGEST
            return f"{value[: _LONGEST // 2]} … {left_out} characters left out … {value[-200:]}"
        case dict():
            return {name: shortened(each) for name, each in cast("Json", value).items()}
        case list():
            return [shortened(each) for each in cast("list[Any]", value)]
        case _:
            return value


def _told(call: Call) -> Json:
    answer = reply(call.pieces) if call.kind == "llm" else {"messages": shortened(call.pieces)}
    return {
        "first_at": call.first_answer_at,
        "pieces": len(call.pieces),
        "error": call.error,
        "lost_chunks": call.lost_chunks,
        "answer": answer,
    }


def reply(pieces: list[Json]) -> Json:
    """Put a reply together: its text, its native tool calls and the last usage."""
    text: list[str] = []
    calls: list[Json] = []
    usage: Json = {}
    for piece in pieces:
        delta: Json = piece.get("delta") or {}
        message: Json = delta.get("message") or {}
        text.append(_text(message.get("content")))
        for call in objects(message.get("tool_calls")):
            _merge(calls, call)
        usage = delta.get("usage") or usage
    return {"text": shortened("".join(text)), "tool_calls": calls, "usage": usage}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("data") or f"[{part.get('type')}]") for part in objects(content))


def _merge(calls: list[Json], delta: Json) -> None:
    function: Any = delta.get("function")
    named: Json = function if is_object(function) else {}
    if named.get("name") or not calls:
        calls.append({"id": delta.get("id"), "name": named.get("name"), "arguments": ""})
    calls[-1]["arguments"] += str(named.get("arguments") or "")
