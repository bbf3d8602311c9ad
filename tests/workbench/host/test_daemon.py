"""The host plays the daemon: messages, backwards calls, limits, ends."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.tiny import write_plugin
from workbench.base.ports import AnswerError, Json, WorkbenchError
from workbench.bench.scripted import (
    FunctionModel,
    ScriptedModel,
    ScriptedTools,
    ask,
    chunk,
    says,
    text_output,
)
from workbench.host.daemon import Host
from workbench.host.record import Run
from workbench.runtimes.limits import DAEMON


def orders(*steps: tuple[str, Any]) -> Json:
    """Parameters that make the throw-away plugin do these steps."""
    return ask(json.dumps(steps))


def do(host: Host, *steps: tuple[str, Any], **others: Any) -> Run:
    """Run these steps."""
    return host.run(orders(*steps), model=others.pop("model", ScriptedModel()), **others)


def test_messages_arrive_with_their_times(tiny: Host) -> None:
    """The reader sees text in order, each message stamped."""
    run = do(tiny, ("say", "a"), ("nap", 0.2), ("say", "b"))

    assert run.ok, run.failure
    assert run.text == "ab"
    assert run.times[1] - run.times[0] >= 0.19
    assert run.first_text_at == run.times[0]


def test_a_model_is_asked_and_streams(tiny: Host) -> None:
    """The plugin's request reaches the model, its chunks reach the plugin."""
    model = ScriptedModel(says("Hello there", pieces=3))
    run = do(tiny, ("model", None), model=model)

    assert run.text == "Hello there"
    assert model.requests[0]["prompt_messages"] == [{"role": "user", "content": "Hi"}]
    assert run.model_calls[0].answered == 4 + 1
    assert run.model_calls[0].first_answer_at is not None


def test_a_tool_is_called_and_answers(tiny: Host) -> None:
    """The tool's messages reach the plugin as they are."""
    toolbox = ScriptedTools(
        search=[text_output("found"), {"type": "binary_link", "message": {"text": "/x"}}]
    )
    run = do(tiny, ("tool", {"tool": "search"}), tools=toolbox)

    assert run.text == "found"
    assert run.messages[1]["type"] == "binary_link"
    assert toolbox.requests[0]["tool"] == "search"


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (AnswerError("[openai] Rate Limit Error, 429"), "read llm model failed: request failed:"),
        (AnswerError("no", stage="invoke"), "invoke llm model failed: request failed with status"),
        (AnswerError("as it is", stage="wire"), "as it is"),
        (KeyError("bug"), 'PluginInvokeError: {"args": {}, "error_type": "KeyError"'),
    ],
)
def test_failures_arrive_in_the_words_of_dify(tiny: Host, failure: Exception, text: str) -> None:
    """A failing model reaches the plugin as Dify's text, and the run fails with it."""
    run = do(tiny, ("model", None), model=ScriptedModel([chunk("begun"), failure]))

    assert run.text == "begun"
    assert run.error is not None
    assert text in run.error


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([{"role": "user", "content": None}], "content field is required"),
        ([{"role": "developer", "content": "x"}], "invoke llm model failed"),
        (
            [{"role": "user", "content": "x", "opaque_body": {"a": 1}}],
            "'prompt_messages[0].opaque_body': source data must be an array or slice",
        ),
        (
            [{"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}],
            "did not have response messages: 1",
        ),
        ([{"role": "tool", "content": "x", "tool_call_id": "1"}], "tools field must be set"),
        ([{"role": "assistant", "content": "x"}], "Input should be a valid list"),
    ],
)
def test_requests_are_refused_as_dify_refuses_them(
    tiny: Host, messages: list[Json], text: str
) -> None:
    """A request that no real Dify takes never reaches the model."""
    model = ScriptedModel(says("never"))
    run = do(tiny, ("model", {"prompt_messages": messages}), model=model)

    assert run.error is not None
    assert text in run.error
    assert not model.requests


def test_a_tool_name_that_providers_reject_is_refused(tiny: Host) -> None:
    """Providers take only [a-zA-Z0-9_-]{1,64}."""
    tools: list[Json] = [{"name": "no blanks", "description": "", "parameters": {}}]
    run = do(tiny, ("model", {"tools": tools}), model=ScriptedModel(says("never")))

    assert run.error is not None
    assert "does not match pattern" in run.error


def test_a_storage_that_the_manifest_does_not_ask_for_is_refused(tiny: Host) -> None:
    """As Dify refuses it."""
    run = do(tiny, ("storage", "key"))

    assert run.error is not None
    assert "you need to enable storage access" in run.error


def test_a_burst_beyond_the_queue_is_lost_and_fails_the_run(tiny: Host) -> None:
    """5,000 messages at once: the queue of 128 loses some, and every one is reported."""
    run = do(tiny, ("burst", 5000))

    assert run.error is None
    assert len(run.lost) + len(run.messages) == 5000
    assert run.lost
    assert not run.ok
    assert "lost" in str(run.failure)


def test_a_plugin_that_does_not_read_loses_chunks(tiny: Host) -> None:
    """Chunks beyond 1,024 and the pipe are dropped while the plugin computes."""
    chunks = [chunk(f"{number} word ") for number in range(5000)]
    run = do(tiny, ("count_after", 1.5), model=ScriptedModel(chunks))

    assert 1024 <= int(run.text) < 3000
    assert int(run.text) + run.lost_chunks == 5000
    assert not run.ok


def test_a_burst_of_chunks_is_passed_on_whole(tiny: Host) -> None:
    """A reading plugin gets 5,000 chunks, and the host is not the slow part."""
    began = time.monotonic()
    run = do(tiny, ("count_after", 0), model=ScriptedModel([chunk(f"{n} ") for n in range(5000)]))

    assert run.text == "5000"
    assert run.lost_chunks == 0
    assert time.monotonic() - began < 10


def test_a_piece_of_an_answer_beyond_the_limit_is_an_error(tmp_path: Path) -> None:
    """As the daemon words it; the process lives on."""
    with Host(write_plugin(tmp_path), limits=replace(DAEMON, answer_bytes=10_000)) as host:
        toolbox = ScriptedTools(look=[text_output("begun"), text_output("x" * 10_000)])
        run = do(host, ("tool", {"tool": "look"}), tools=toolbox)
        after = do(host, ("say", "still here"))

    assert run.text == "begun"
    assert "read tool response failed: data length is too long: 10" in (run.error or "")
    assert after.text == "still here"


def test_nobody_answers_once_the_reader_has_gone(tiny: Host) -> None:
    """The calls that wait get neither the rest nor an end."""
    model = ScriptedModel([chunk("a"), 0.4, chunk("b"), 0.2, chunk("c")])
    run = tiny.start(orders(("model", None)), model=model)
    while run.text != "a":
        time.sleep(0.01)
    tiny.abandon(run, "gone")
    time.sleep(0.8)

    assert run.error == "gone"
    assert run.model_calls[0].answered == 1
    assert run.model_calls[0].ended_at is None


def test_a_file_is_put_together(tiny: Host) -> None:
    """A blob leaves in pieces and arrives whole."""
    run = do(tiny, ("blob", 300_000))

    assert run.ok, run.failure
    assert run.files[0].blob == b"x" * 300_000
    assert run.files[0].meta == {"mime_type": "text/plain"}


def test_a_file_beyond_the_limit_fails_the_run(tiny: Host) -> None:
    """The daemon gives up at 15 MiB."""
    run = do(tiny, ("blob", 16 * 1024 * 1024 + 8192))

    assert run.error == "file is too large"


def test_totals_are_those_of_the_last_json_message(tiny: Host) -> None:
    """A JSON message after the totals takes them away again."""
    totals = {"total_tokens": 5, "total_price": "0.1", "currency": "USD"}
    first = {"type": "json", "message": {"json_object": {"execution_metadata": totals}}}
    second = {"type": "json", "message": {"json_object": {"a": 1}}}

    assert do(tiny, ("raw", second), ("raw", first)).usage == totals
    assert do(tiny, ("raw", first), ("raw", second)).usage == {}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "file", "message": {}},
        {"type": "poem", "message": {}},
        {"type": "json", "message": {"json_object": {"execution_metadata": {"latency": None}}}},
        {
            "type": "json",
            "message": {"json_object": {"execution_metadata": {"total_tokens": "5"}}},
        },
        {"type": "variable", "message": {"variable_name": "text", "variable_value": 1}},
        {"type": "image_link", "message": {"text": "http://x/y.png"}},
        {
            "type": "log",
            "message": {
                "id": "1",
                "label": "ROUND 1",
                "status": "success",
                "data": {},
                "metadata": {"elapsed_time": "1"},
            },
        },
        {"type": "text", "message": {"text": "x" * (1024 * 1024 + 1)}},
    ],
)
def test_messages_that_fail_a_node_fail_the_run(tiny: Host, message: Json) -> None:
    """What Dify does not survive is a problem here too."""
    run = do(tiny, ("raw", message))

    assert len(run.problems) == 1
    assert run.failure == run.problems[0]


def test_an_exception_is_the_error_of_the_run(tiny: Host) -> None:
    """The exception's text and class come through; the traceback stays in the arguments."""
    run = do(tiny, ("say", "before"), ("fail", "no such thing"))

    assert (run.text, run.error, run.error_type) == ("before", "no such thing", "ValueError")
    assert "Traceback" in run.error_args["traceback"]


def test_a_line_beyond_the_limit_ends_the_process_and_all_runs(tiny: Host) -> None:
    """The daemon kills the plugin; the next run starts it anew."""
    sleeper = tiny.start(orders(("nap", 30)), model=ScriptedModel())
    message = {"type": "text", "message": {"text": "x" * (5 * 1024 * 1024)}}
    killer = do(tiny, ("raw", message))

    assert sleeper.wait(5)
    assert "token too long" in str(killer.error)
    assert "token too long" in str(sleeper.error)
    assert do(tiny, ("say", "alive")).text == "alive"


def test_a_process_that_dies_fails_its_runs(tiny: Host) -> None:
    """The code and the last words are in the error."""
    run = do(tiny, ("die", 3))

    assert "ended with code 3 (the last words)" in str(run.error)


def test_a_run_that_does_not_end_is_killed_by_timeout(tiny: Host) -> None:
    """Waiting is bounded."""
    run = do(tiny, ("nap", 5), timeout=0.2)

    assert run.error == "killed by timeout"


def test_many_runs_at_once_stay_apart(tiny: Host) -> None:
    """200 runs in one process, each with its own words."""

    def echo(request: Json) -> list[Json]:
        return [chunk(request["prompt_messages"][0]["content"]), chunk(finish="stop")]

    def start(number: int) -> Run:
        message = {"role": "user", "content": f"run {number}"}
        return tiny.start(
            orders(("nap", 0.2), ("model", {"prompt_messages": [message]})),
            model=FunctionModel(echo),
        )

    runs = [start(number) for number in range(200)]
    for run in runs:
        tiny.finish(run)

    assert [run.text for run in runs] == [f"run {number}" for number in range(200)]
    assert all(run.ok for run in runs)
    assert tiny.broken_lines == []


def test_keys_do_not_reach_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin inherits the environment without anything that looks like a secret."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("ORDINARY", "value")
    with Host(write_plugin(tmp_path)) as host:
        run = do(host, ("environment", "OPENAI_API_KEY"), ("environment", "ORDINARY"))

    assert run.text == "Nonevalue"


def test_the_process_is_gone_after_an_exception(tmp_path: Path) -> None:
    """Whatever happens in the block, nothing keeps running."""

    def crash() -> None:
        with Host(write_plugin(tmp_path)) as host:
            pids.append(host.pid)
            raise ZeroDivisionError

    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        crash()

    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_plugin_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The plugin's own complaint is in the message."""
    write_plugin(tmp_path)
    (tmp_path / "main.py").write_text("raise SystemExit('no heart')")

    with pytest.raises(WorkbenchError, match="no heart"), Host(tmp_path):
        pass


def test_a_silent_plugin_is_given_up(tmp_path: Path) -> None:
    """The wait for the first heartbeat is bounded."""
    write_plugin(tmp_path)
    (tmp_path / "main.py").write_text("import time; time.sleep(60)")

    with (
        pytest.raises(WorkbenchError, match="no heartbeat"),
        Host(tmp_path, limits=replace(DAEMON, start_seconds=0.5)),
    ):
        pass


def test_a_plugin_without_heartbeats_is_ended(tmp_path: Path) -> None:
    """The daemon takes it for dead, and its runs with it."""
    with Host(write_plugin(tmp_path), limits=replace(DAEMON, silent_seconds=1)) as host:
        run = do(host, ("nap", 30), timeout=10)

    assert "plugin is not active" in str(run.error)


def test_a_directory_without_a_plugin_is_named(tmp_path: Path) -> None:
    """The error says where it looked and what to do."""
    with pytest.raises(WorkbenchError, match=r"--plugin"):
        Host(tmp_path).start_plugin()
