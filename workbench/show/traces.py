"""Runs as OpenTelemetry spans, after the conventions for generative AI, for any OTLP collector.

A run is one trace: `invoke_agent`, below it a `chat` for each model call and an `execute_tool` for
each tool. As the conventions have it, what was said is left out unless it is asked for: prompts and
results may hold what a team must not store.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from workbench.base.addresses import is_web_address
from workbench.base.output import silence
from workbench.base.ports import Json, UsageError, WorkbenchError, is_object, objects

_SECONDS = 10
_PATH = "/v1/traces"
_NANOSECONDS = 1_000_000_000
_ROLES = ("system", "user", "assistant", "tool")

type _Attributes = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """What a collector took, and how many unfinished runs it was not given."""

    spans: int
    unfinished: int


def send(lines: Iterable[Json], url: str, *, content: bool = False) -> Sent:
    """Send runs, told as the JSON lines of `run --json`.

    Args:
        lines: Lines of any number of runs; unfinished runs are left out.
        url: The collector's address; without a path, OTLP's own is added.
        content: Whether prompts, answers, arguments and results go along.

    Raises:
        UsageError: This is not a web address.
        WorkbenchError: No run is whole, or the collector did not take them.
    """
    if not is_web_address(url):
        raise UsageError(
            f"--otlp {url!r} is not a web address: give one such as http://localhost:4318."
        )
    runs = _runs(lines)
    whole = [run for run in runs if _is_whole(run)]
    spans = [span for run in whole for span in _spans(run, content=content)]
    if not spans:
        raise WorkbenchError(
            "There is no whole run to send: a file of `run --json` holds a line of type begin and"
            " one of type end for each."
        )
    address = url if urlsplit(url).path.strip("/") else url.rstrip("/") + _PATH
    silence("opentelemetry")
    exporter = OTLPSpanExporter(endpoint=address, timeout=_SECONDS)
    try:
        taken = exporter.export(spans)
    finally:
        exporter.shutdown()
    if taken is not SpanExportResult.SUCCESS:
        raise WorkbenchError(
            f"--otlp {url}: the collector did not take the spans. Is it running, and does it take"
            " OTLP over HTTP (usually on port 4318)?"
        )
    return Sent(spans=len(spans), unfinished=len(runs) - len(whole))


def _runs(lines: Iterable[Json]) -> list[list[Json]]:
    runs: dict[Any, list[Json]] = {}
    for line in lines:
        runs.setdefault(line.get("run"), []).append(line)
    return list(runs.values())


def _is_whole(run: Sequence[Json]) -> bool:
    return run[0].get("type") == "begin" and run[-1].get("type") == "end"


def _spans(run: Sequence[Json], *, content: bool) -> Sequence[ReadableSpan]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "rondo"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("rondo.workbench")
    _write(tracer, run, content=content)
    return kept.get_finished_spans()


def _write(tracer: Tracer, run: Sequence[Json], *, content: bool) -> None:
    begin, end = run[0], run[-1]
    moment = _moments(float(begin["began_at"]))
    calls = {line["call"]: line for line in run if line.get("type") == "call"}
    models = [call["asked"] for call in calls.values() if call["kind"] == "llm"]
    agent = tracer.start_span("invoke_agent rondo", start_time=moment(0.0))
    agent.set_attributes(_agent(begin, end, models[0] if models else {}, content=content))
    below = set_span_in_context(agent)
    for line in run:
        call = calls.get(line.get("call")) if line.get("type") == "answer" else None
        if call is None:
            continue
        name, kind, attributes = _described(call, line, content=content)
        span = tracer.start_span(name, below, kind, start_time=moment(call["at"]))
        span.set_attributes(attributes)
        _note_failure(span, line.get("error"), "call_failed")
        span.end(moment(line["at"]))
    _note_failure(agent, end.get("failure"), str(end.get("error_type") or "run_failed"))
    agent.end(moment(end["at"]))


def _moments(began_at: float) -> Callable[[float], int]:
    """From seconds of a run to nanoseconds of the epoch."""
    return lambda at: int((began_at + at) * _NANOSECONDS)


def _note_failure(span: Span, failure: Any, kind: str) -> None:
    if failure:
        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, str(failure)))


def _described(call: Json, answer: Json, *, content: bool) -> tuple[str, SpanKind, _Attributes]:
    asked: Json = call["asked"]
    if call["kind"] == "llm":
        return f"chat {asked.get('model')}", SpanKind.CLIENT, _chat(asked, answer, content=content)
    name = str(asked.get("tool"))
    return f"execute_tool {name}", SpanKind.INTERNAL, _tool(asked, answer, content=content)


def _agent(begin: Json, end: Json, model: Json, *, content: bool) -> _Attributes:
    usage: Json = end.get("usage") or {}
    outputs: Json = end.get("outputs") or {}
    said = _content(
        content,
        {
            "gen_ai.input.messages": [_message("user", [_text(begin.get("question"))])],
            "gen_ai.output.messages": [_message("assistant", [_text(outputs.get("answer"))])],
        },
    )
    return _known(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "rondo",
            "gen_ai.provider.name": _provider(model),
            "gen_ai.request.model": model.get("model"),
            "gen_ai.usage.input_tokens": usage.get("prompt_tokens"),
            "gen_ai.usage.output_tokens": usage.get("completion_tokens"),
            "rondo.tool_protocol": begin.get("protocol"),
            "rondo.stop_reason": outputs.get("stop_reason"),
            **said,
        }
    )


def _chat(asked: Json, answer: Json, *, content: bool) -> _Attributes:
    given: Json = asked.get("completion_params") or {}
    reply: Json = answer.get("answer") or {}
    usage: Json = reply.get("usage") or {}
    said = _content(
        content,
        {
            "gen_ai.input.messages": [
                _message(str(each.get("role")), _parts(each))
                for each in objects(asked.get("prompt_messages"))
            ],
            "gen_ai.output.messages": [
                {**_message("assistant", _replied(reply)), "finish_reason": _reason(reply)}
            ],
            "gen_ai.tool.definitions": [
                {"type": "function", **tool} for tool in objects(asked.get("tools"))
            ],
        },
    )
    return _known(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _provider(asked),
            "gen_ai.request.model": asked.get("model"),
            "gen_ai.request.temperature": given.get("temperature"),
            "gen_ai.request.max_tokens": given.get("max_tokens"),
            "gen_ai.request.stop_sequences": asked.get("stop") or None,
            "gen_ai.response.finish_reasons": [_reason(reply)],
            "gen_ai.usage.input_tokens": usage.get("prompt_tokens"),
            "gen_ai.usage.output_tokens": usage.get("completion_tokens"),
            **said,
        }
    )


def _tool(asked: Json, answer: Json, *, content: bool) -> _Attributes:
    reply: Json = answer.get("answer") or {}
    bodies = [message.get("message") for message in objects(reply.get("messages"))]
    said = _content(
        content,
        {
            "gen_ai.tool.call.arguments": asked.get("tool_parameters") or {},
            # What the model was told of a failed tool.
            "gen_ai.tool.call.result": answer.get("error") or bodies,
        },
    )
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": str(asked.get("tool")),
        "gen_ai.tool.type": "function",
        **said,
    }


def _content(wanted: bool, values: _Attributes) -> _Attributes:  # noqa: FBT001 - a row of the table
    if not wanted:
        return {}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}


def _known(attributes: _Attributes) -> _Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _provider(asked: Json) -> str | None:
    # Dify writes "author/plugin/provider".
    return str(asked["provider"]).rpartition("/")[2] if asked.get("provider") else None


def _reason(reply: Json) -> str:
    return "tool_calls" if reply.get("tool_calls") else "stop"


def _message(role: str, parts: Sequence[Json]) -> Json:
    return {"role": role if role in _ROLES else "user", "parts": list(parts)}


def _text(content: Any) -> Json:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return {"type": "text", "content": text}


def _parts(message: Json) -> list[Json]:
    if message.get("role") == "tool":
        response: Json = {"type": "tool_call_response", "id": message.get("tool_call_id")}
        return [{**response, "response": message.get("content")}]
    said = [_text(message["content"])] if message.get("content") else []
    return said + [_called(call) for call in objects(message.get("tool_calls"))]


def _replied(reply: Json) -> list[Json]:
    said = [_text(reply["text"])] if reply.get("text") else []
    return said + [_called(call) for call in objects(reply.get("tool_calls"))]


def _called(call: Json) -> Json:
    function: Any = call.get("function")
    named: Json = function if is_object(function) else call
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": named.get("name"),
        "arguments": named.get("arguments"),
    }
