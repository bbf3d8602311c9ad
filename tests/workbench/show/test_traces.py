"""Runs as spans: what a collector decodes with the official protobuf."""

import json
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.workbench.commands.test_run import workbench
from tests.workbench.tiny import write_plugin
from tests.workbench.told import BEGAN_AT, lines, text
from workbench.base.loopback import LoopbackServer
from workbench.base.ports import Json, UsageError, WorkbenchError
from workbench.commands import export
from workbench.show.traces import Sent, send


class Collector:
    """What a collector got: paths and spans."""

    def __init__(self) -> None:
        self.address = ""
        self.paths: list[str] = []
        self.services: set[str] = set()
        self.spans: dict[str, Span] = {}
        self.lock = threading.Lock()

    def take(self, path: str, body: bytes) -> bytes:
        """Decode a request and answer it."""
        request = ExportTraceServiceRequest.FromString(body)
        with self.lock:
            self.paths.append(path)
            for group in request.resource_spans:
                named = {each.key: each.value.string_value for each in group.resource.attributes}
                self.services.add(named["service.name"])
                for scope in group.scope_spans:
                    self.spans |= {span.name: span for span in scope.spans}
        return ExportTraceServiceResponse().SerializeToString()


@contextmanager
def collecting(status: int = 200) -> Generator[Collector]:
    """A collector on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with LoopbackServer(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        collector.address = server.origin
        yield collector


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes by name."""
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


def test_a_run_is_one_trace_of_agent_chats_and_tools() -> None:
    """With the conventions' names, the run's own times, and the failed tool marked."""
    with collecting() as collector:
        sent = send(lines(), collector.address)
    spans = collector.spans
    agent, tool = spans["invoke_agent rondo"], spans["execute_tool hotels"]
    weather = spans["execute_tool weather"]

    assert sent == Sent(spans=5, unfinished=0)  # both model calls have one name
    assert set(spans) == {
        *("invoke_agent rondo", "chat demo", "execute_tool weather", "execute_tool hotels")
    }
    assert collector.paths == ["/v1/traces"]
    assert collector.services == {"rondo"}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert {span.parent_span_id for span in spans.values()} == {b"", agent.span_id}
    assert weather.start_time_unix_nano == pytest.approx((BEGAN_AT + 0.5) * 1e9, abs=1e6)
    assert weather.end_time_unix_nano == pytest.approx((BEGAN_AT + 1.5) * 1e9, abs=1e6)
    assert attributes(agent)["gen_ai.operation.name"] == "invoke_agent"
    assert attributes(agent)["gen_ai.usage.input_tokens"] == 50
    assert attributes(spans["chat demo"])["gen_ai.request.model"] == "demo"
    assert attributes(tool)["error.type"] == "call_failed"
    assert tool.status.message == "no such house"


def test_what_was_said_goes_along_only_when_asked_for() -> None:
    """Prompts and results may be secret."""
    with collecting() as collector:
        send(lines(), collector.address)
        bare = str(collector.spans)
        send(lines(), collector.address, content=True)
    told = attributes(collector.spans["execute_tool weather"])
    asked = attributes(collector.spans["invoke_agent rondo"])["gen_ai.input.messages"]

    assert "Lisbon" not in bare
    assert "18 °C" not in bare
    assert json.loads(told["gen_ai.tool.call.arguments"]) == {"city": "Lisbon"}
    assert "18 °C" in told["gen_ai.tool.call.result"]
    failed = attributes(collector.spans["execute_tool hotels"])
    assert json.loads(failed["gen_ai.tool.call.result"]) == "no such house"
    assert json.loads(asked) == [
        {"role": "user", "parts": [{"type": "text", "content": "Lisbon? 18 °C"}]}
    ]


def test_saved_runs_are_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several of one file; a run without an end is left out and told; a path of one's own stays."""
    path = tmp_path / "runs.jsonl"
    path.write_text(text([*lines("one"), *lines("two"), lines("three")[0]]), encoding="utf-8")
    with collecting() as collector:
        code = export.main([str(path), "--otlp", f"{collector.address}/otlp/traces"])

    assert code == 0
    assert collector.paths == ["/otlp/traces"]
    told = capsys.readouterr().err
    assert "10 spans went to" in told
    assert "1 unfinished run stayed here" in told


def test_a_collector_that_takes_nothing_is_told() -> None:
    """With the port that is usual."""
    with (
        collecting(400) as collector,
        pytest.raises(WorkbenchError, match=r"did not take the spans.*4318"),
    ):
        send(lines(), collector.address)


@pytest.mark.parametrize("address", ["localhost:4318", "http://[::1", "http://", "http://a b"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="is not a web address"):
        send(lines(), address)


def test_a_refusal_is_told_in_one_sentence(tmp_path: Path) -> None:
    """The exporter's own log stays off the terminal."""
    path = tmp_path / "run.jsonl"
    path.write_text(text(lines()), encoding="utf-8")
    with collecting(400) as collector:
        done = workbench("export", str(path), "--otlp", collector.address)

    assert done.returncode == 1
    assert done.stderr.startswith("--otlp http://127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("kept", [[], lines()[:-1], lines()[1:]])
def test_a_file_without_a_whole_run_is_told(kept: list[Json], tmp_path: Path) -> None:
    """Empty, or cut at either end."""
    path = tmp_path / "run.jsonl"
    path.write_text(text(kept), encoding="utf-8")

    with (
        collecting() as collector,
        pytest.raises(WorkbenchError, match="There is no whole run to send"),
    ):
        export.main([str(path), "--otlp", collector.address])
    assert collector.paths == []


def test_an_exporter_that_is_missing_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one command that installs all that is needed."""
    monkeypatch.setitem(sys.modules, "workbench.show.traces", None)

    with pytest.raises(WorkbenchError, match=r"sh tools/set_up\.sh"):
        export.sender()


def test_a_file_is_needed() -> None:
    """The parser says so."""
    with pytest.raises(UsageError, match="FILE"):
        export.main([])


def test_a_run_is_sent_when_it_is_over(tmp_path: Path) -> None:
    """`run --otlp` on the throw-away plugin and the demo model."""
    plugin = write_plugin(tmp_path)
    with collecting() as collector:
        done = workbench("run", "--plugin", str(plugin), "--otlp", collector.address)

    assert done.returncode == 0, done.stderr
    assert set(collector.spans) == {
        *("invoke_agent rondo", "chat rondo-demo"),
        *("execute_tool current_time", "execute_tool calculator"),
    }
    assert attributes(collector.spans["chat rondo-demo"])["gen_ai.usage.input_tokens"] > 0
