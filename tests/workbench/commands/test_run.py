"""`workbench run` in a process of its own, on the throw-away plugin."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workbench.tiny import write_plugin
from workbench.base.output import write_file
from workbench.base.ports import Json, UsageError
from workbench.bench.faults import read_fault
from workbench.bench.scripted import ROOT
from workbench.commands.options import output_file


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The throw-away plugin's directory."""
    return write_plugin(tmp_path_factory.mktemp("plugin"))


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_the_default_question_calls_two_tools(plugin: Path) -> None:
    """Through the plugin's process, the SDK's model class and the demo server."""
    done = workbench("run", "--plugin", str(plugin))

    assert done.returncode == 0, done.stderr
    assert "calculator: 437" in done.stdout
    assert "Asia/Tokyo" in done.stdout
    assert "✓ ROUND 1" in done.stdout
    assert "2 model calls, 2 tool calls" in done.stdout
    assert "Output answer" not in done.stdout
    assert "Traceback" not in done.stderr


def test_json_prints_every_message_as_a_line(plugin: Path) -> None:
    """Nothing else is on stdout; the last line sums up."""
    done = workbench("run", "--json", "--parallel", "2", "--plugin", str(plugin))
    lines: list[Json] = [json.loads(line) for line in done.stdout.splitlines()]
    ends = [line for line in lines if line["type"] == "end"]

    assert done.returncode == 0, done.stderr
    assert {line["type"] for line in lines} == {
        *("begin", "call", "answer"),
        *("text", "log", "json", "end"),
    }
    assert [end["failure"] for end in ends] == [None, None]
    assert ends[0]["usage"]["total_tokens"] > 0


def test_a_conversation_is_played_turn_by_turn(plugin: Path, tmp_path: Path) -> None:
    """Each line is a turn, and knows what was said before it."""
    said = tmp_path / "said.txt"
    said.write_text("What is 2 * 3?\n\nWhat is 4 * 5?\n", encoding="utf-8")
    done = workbench("run", "--json", "--conversation", str(said), "--plugin", str(plugin))
    lines: list[Json] = [json.loads(line) for line in done.stdout.splitlines()]
    begins = [line for line in lines if line["type"] == "begin"]

    assert done.returncode == 0, done.stderr
    assert [line["question"] for line in begins] == ["What is 2 * 3?", "What is 4 * 5?"]
    assert [len(line["history"]) for line in begins] == [0, 2]
    assert "calculator: 6" in begins[1]["history"][1]["content"]


def test_a_failed_run_exits_with_one(plugin: Path) -> None:
    """The throw-away plugin does not survive a failing model."""
    done = workbench("run", "--plugin", str(plugin), "--fault", "model:429@1")

    assert done.returncode == 1
    assert "FAILED: read llm model failed: request failed: [demo] Rate Limit Error" in done.stdout


def test_lost_messages_fail_the_run(plugin: Path) -> None:
    """A run that the daemon would have cut is no good run."""
    done = workbench("run", '[["burst", 3000]]', "--plugin", str(plugin))

    assert done.returncode == 1
    assert "would have been lost" in done.stdout


def test_mcp_tools_are_offered(plugin: Path) -> None:
    """A public server's tools stand beside the built-in ones."""
    done = workbench("run", "Hi", "--mcp", "mcp-server-time", "--plugin", str(plugin))

    assert done.returncode == 0, done.stderr
    assert "Tools:    current_time, calculator, get_current_time, convert_time" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--max-iterations", "x"], "--max-iterations"),
        (["run", "--fault", "model:fire@1"], "model:429@2"),
        (["run", "--set", "nonsense"], "NAME=VALUE"),
        (["run", "--model", "gpt-4o"], "--base-url"),
        (["run", "--base-url", "http://127.0.0.1:9"], "--model"),
        (["run", "--protocol", "morse"], "--protocol"),
        (["run", "--set", "time_limits=3"], "There is no parameter 'time_limits'"),
        (["run", "--set", "query=3"], "tool_choice"),
        (["run", "--features", "vison"], "vision, document"),
        (["run", "--strategy", "dance"], "It has: function_calling, plan_and_execute, react"),
        (["run", "--html", " "], "no file is named"),
        (["run", "--conversation", ""], "no file is named"),
        (["run", "--otlp-content"], "add --otlp URL"),
        (["run", "--otlp", "http://[::1"], "is not a web address"),
        (["export", "x.jsonl", "--otlp", ""], "is not a web address"),
        (["run", "--mcp", "'unclosed"], "a quotation mark is not closed"),
        (["run", "--base-url", "localhost:8000", "--model", "m"], "http://localhost:8000/v1"),
        (["serve", "--port", "99999"], "ports go up to 65535"),
        (["serve", "--set", "x=1"], "There is no parameter 'x'"),
        (["dance"], "no command 'dance'"),
        ([], "Usage"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: list[str], words: str) -> None:
    """What is wrong and what to write instead; no traceback."""
    done = workbench(*arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--mcp", "not-a-program"], "did not start"),
        (["run", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"], "nothing answers there"),
        (
            ["run", "--api-key-env", "NOT_SET_ANYWHERE"],
            "NOT_SET_ANYWHERE: this variable is not set",
        ),
        (["evaluate", "--api-key-env", "NOT_SET_ANYWHERE"], "this variable is not set"),
        (["run", "--plugin", "/nowhere"], "/nowhere"),
        (["evaluate", "--plugin", "/nowhere"], "/nowhere"),
        (["run", "--html", "/nowhere/run.html"], "there is no such folder"),
        (["evaluate", "--html", "/"], "it is a folder"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(arguments: list[str], words: str) -> None:
    """The command was understood, so the code is another; no traceback."""
    done = workbench(*arguments)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_help_says_what_the_exit_codes_mean() -> None:
    """One meaning each."""
    told = workbench("--help").stdout

    assert "Exit codes: 0 all went well" in told
    assert "also where answers are wrong" in told


def test_a_server_that_is_no_mcp_server_gets_one_sentence(plugin: Path) -> None:
    """The library's own complaint, with a traceback, is not for the terminal."""
    done = workbench("run", "--mcp", "echo hi", "--plugin", str(plugin))

    assert done.returncode == 1
    assert done.stderr.startswith("The MCP server 'echo hi' did not start")
    assert len(done.stderr.splitlines()) == 1


def test_a_page_that_is_only_a_name_goes_into_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nothing stray is packed; a path stays what it is."""
    monkeypatch.chdir(tmp_path)
    write_file(output_file("run.html"), "x")
    write_file(output_file("./run.html"), "y")

    assert (tmp_path / "runs" / "run.html").read_text() == "x"
    assert (tmp_path / "run.html").read_text() == "y"


def test_a_missing_plugin_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The directory is named."""
    done = workbench("run", "--plugin", str(tmp_path))

    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_processes(plugin: Path, number: int) -> None:
    """Ctrl-C, or a plain kill, leaves nothing behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "run", '[["nap", 60]]', "--plugin", str(plugin)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        started = children(process.pid)
        os.kill(process.pid, number)
        _, complaint = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(5)

    assert process.returncode == 130
    assert len(started) == 2
    assert not any(is_alive(pid) for pid in started)
    assert "Interrupted" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize("text", ["model:429", "model:429@0", "tool:429@1", "x", "model:@1"])
def test_faults_that_are_none_are_refused(text: str) -> None:
    """The sentence lists what there is."""
    with pytest.raises(UsageError, match="TARGET:KIND@CALL"):
        read_fault(text)
