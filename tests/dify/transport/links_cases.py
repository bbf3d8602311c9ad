"""The links to Dify, run by test_sdk.py in a process of their own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dify_plugin.core import runtime
from dify_plugin.core.entities.plugin.io import PluginInStream, PluginInStreamEvent
from dify_plugin.core.server.__base.writer_entities import Event
from dify_plugin.core.server.tcp import request_reader as tcp
from pydantic import ValidationError

from strategies.dify.transport.frames import array, as_json, session_frame
from strategies.dify.transport.install import use_links
from strategies.dify.transport.stdio import StandardInput, StandardOutput, lines

assert use_links("local") == ""


@pytest.mark.parametrize("module", [tcp, runtime])
def test_one_parser_reads_all_lines(module: Any) -> None:
    """The SDK's readers take the name from their module."""
    parser = module.TypeAdapter(dict[str, Any])

    assert module.TypeAdapter(dict[str, Any]) is parser
    assert parser.validate_json(b'{"a": [1]}') == {"a": [1]}
    with pytest.raises(ValidationError):
        parser.validate_json(b"[1]")


TEXT = b"one\n\ntwo and\nthree"


@pytest.mark.parametrize("size", range(1, len(TEXT) + 1))
def test_lines_arrive_whole_however_they_are_cut(size: int) -> None:
    """What is not ended waits for its rest."""
    pieces = iter([TEXT[at : at + size] for at in range(0, len(TEXT), size)])

    assert list(lines(lambda: next(pieces, b""))) == [b"one", b"", b"two and"]


def test_a_long_line_is_put_together_once() -> None:
    """A picture of 3 MB comes in fifty pieces."""
    pieces: Iterator[bytes] = iter([b"x" * 65_536] * 50 + [b"\nrest"])

    assert [len(line) for line in lines(lambda: next(pieces, b""))] == [50 * 65_536]


def line(kind: str, **data: Any) -> bytes:
    """Write a line as the daemon does."""
    return json.dumps({"session_id": "run", "event": kind, "data": data}).encode()


def hear(heard: StandardInput, *given: bytes) -> None:
    """Let these lines come in."""
    pieces = iter([each + b"\n" for each in given])
    heard.hear(lambda: next(pieces, b""))


def test_a_request_goes_to_who_starts_runs_and_an_answer_to_its_call() -> None:
    """The SDK asks every waiting call about every line."""
    heard = StandardInput()
    requests: list[Any] = []

    def starts(said: PluginInStream) -> bool:
        requests.append(said)
        return True

    with heard.read(starts), heard.answers.expected("mine") as answers:
        hear(
            heard,
            line("backwards_response", backwards_request_id="mine", event="response", data={}),
            line("request", query="?"),
            line("backwards_response", backwards_request_id="mine", event="end", data=None),
        )

    assert [request.data for request in requests] == [{"query": "?"}]
    assert requests[0].event is PluginInStreamEvent.Request
    assert [answers.get_nowait()["event"] for _ in range(2)] == ["response", "end"]


def test_an_answer_to_a_call_of_the_sdk_itself_reaches_it() -> None:
    """Uploads go through the SDK, which asks each of its waiting calls about every line."""
    heard = StandardInput()

    def waits(said: PluginInStream) -> bool:
        return said.event is PluginInStreamEvent.BackwardInvocationResponse

    with heard.read(waits) as waiting, heard.answers.expected("mine"):
        hear(
            heard,
            line("backwards_response", backwards_request_id="the SDK's", event="end", data=None),
        )
        read: Any = next(waiting.read())

    assert read.data["backwards_request_id"] == "the SDK's"


def test_a_line_that_cannot_be_read_is_told_and_the_next_is_read(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One broken line must not end every run of the process."""
    heard = StandardInput()
    requests: list[Any] = []
    with heard.read(lambda said: requests.append(said) or True):
        hear(heard, b"{", b'{"event": "x"}', b'{"event": "request"}', line("request", n=1))
    heard.output.flush()
    told = [json.loads(each) for each in capfd.readouterr().out.split("\n\n") if each]

    assert [request.data for request in requests] == [{"n": 1}]
    assert [each["event"] for each in told] == ["error"] * 3
    assert all("could not be read" in each["data"]["error"] for each in told)


def test_what_waits_leaves_in_order_and_whole(capfd: pytest.CaptureFixture[str]) -> None:
    """More pieces than the system takes in one write, and more bytes than a pipe."""
    output = StandardOutput()
    many = array([as_json({"n": number, "text": "x" * 100}) for number in range(3_000)])
    for number in range(3):
        output.put(Event.LOG, data={"n": number})
        output.send(session_frame("run", "invoke", many))
    output.flush()
    frames = [json.loads(each) for each in capfd.readouterr().out.split("\n\n") if each]

    assert [each["event"] for each in frames] == ["log", "session"] * 3
    assert [one["n"] for one in frames[-1]["data"]["data"]] == list(range(3_000))
