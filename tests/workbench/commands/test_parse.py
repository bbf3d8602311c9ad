"""`workbench parse` and `workbench arguments`, as people and graders call them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.base.ports import Json
from workbench.bench.scripted import ROOT

CASES = ROOT.parent / "shared" / "peer_cases"
REPLY = 'Let me see. <tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'


def workbench(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command on that input."""
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def lines(*cases: Json) -> str:
    """Write cases as JSON lines, with a blank one between them."""
    return "\n\n".join(json.dumps(case) for case in cases)


def test_a_reply_is_told_apart() -> None:
    """Text, reasoning, calls and errors, from stdin."""
    done = workbench("parse", "--protocol", "hermes", given=f"<think>Hm.</think>{REPLY}")
    parsed = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert parsed["text"].strip() == "Let me see."
    assert parsed["reasoning"].strip() == "Hm."
    assert parsed["calls"] == [{"name": "add", "arguments": {"a": 1}, "id": "call_1"}]
    assert parsed["errors"] == []


def test_tools_come_from_a_file(tmp_path: Path) -> None:
    """The schema types the values of qwen3_coder."""
    tools = tmp_path / "tools.json"
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tools.write_text(json.dumps([{"function": {"name": "add", "parameters": schema}}]))
    reply = tmp_path / "reply.txt"
    reply.write_text("<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n</function>\n")
    done = workbench("parse", "--protocol", "qwen3_coder", "--tools", str(tools), str(reply))

    assert json.loads(done.stdout)["calls"][0]["arguments"] == {"a": 1}


def test_every_line_is_a_case() -> None:
    """Text, chunks or deltas; the answers keep order and ids."""
    delta = {"id": "x", "function": {"name": "add", "arguments": '{"a": 1}'}}
    deltas = [None, {"content": "Hi ", "tool_calls": [delta, delta], "finish_reason": "stop"}]
    done = workbench(
        "parse",
        "--jsonl",
        given=lines(
            {"id": "1", "protocol": "hermes", "text": REPLY},
            {"id": "2", "protocol": "hermes", "chunks": list(REPLY)},
            {"id": "3", "protocol": "native", "deltas": deltas},
            {"id": "4", "protocol": "qwen3-coder-xml", "text": "a < b"},
            {"id": "5", "protocol": "hermes", "text": "Hm.</think>Hi"}
            | {"opts": {"starts_in_reasoning": True}},
        ),
    )
    parsed = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    assert [each["id"] for each in parsed] == ["1", "2", "3", "4", "5"]
    assert {**parsed[0], "id": "2"} == parsed[1]
    assert parsed[2]["calls"][0] == {"name": "add", "arguments": {"a": 1}, "id": "x"}
    assert parsed[3]["text"] == "a < b"
    assert (parsed[4]["reasoning"], parsed[4]["text"]) == ("Hm.", "Hi")


def test_a_call_that_was_cut_short_is_an_error() -> None:
    """It is named, and left out of the calls."""
    cut = [{"tool_calls": [{"function": {"name": "add", "arguments": '{"a": "x'}}]}]
    cut.append({"finish_reason": "length"})  # pyright: ignore[reportArgumentType]
    case = {"id": 1, "protocol": "native", "deltas": cut}
    parsed = json.loads(workbench("parse", "--jsonl", given=lines(case)).stdout)

    assert parsed["calls"] == []
    assert "add" in parsed["errors"][0]


def test_arguments_are_read_and_checked() -> None:
    """Objects, problems, what was cut, what does not fit its schema."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    done = workbench(
        "arguments",
        "--jsonl",
        given=lines(
            {"id": 1, "text": "{'a': True,}"},
            {"id": 2, "text": '{"a": "x'},
            {"id": 3, "text": "no object"},
            {"id": 4, "text": '{"a": "3"}', "schema": schema},
            {"id": 5, "text": "{}", "schema": schema},
            {"id": 6, "text": '{"a": "\\ud83d"}'},
        ),
    )
    read = {each["id"]: each for each in map(json.loads, done.stdout.splitlines())}

    assert done.returncode == 0, done.stderr
    assert read[1] == {"id": 1, "arguments": {"a": True}, "error": None, "truncated": False}
    assert read[2]["truncated"]
    assert read[2]["error"]
    assert (read[3]["arguments"], read[3]["truncated"]) == (None, False)
    assert read[4]["arguments"] == {"a": 3}
    assert "a" in read[5]["error"]
    assert read[6]["arguments"] is not None


def test_the_sdk_is_not_imported() -> None:
    """It takes a second and patches the process."""
    script = (
        "import sys; from workbench.commands.cli import main;"
        "main(['parse', '--protocol', 'hermes']);"
        "sys.exit('dify_plugin' in sys.modules or 'gevent' in sys.modules)"
    )
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=unmeasured,  # coverage imports gevent
        input="Hi",
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "given", "code", "words"),
    [
        (["parse"], "Hi", 2, "--protocol"),
        (["parse", "--protocol", "morse"], "Hi", 2, "hermes"),
        (["parse", "--jsonl"], "{", 1, "Line 1"),
        (["parse", "--jsonl"], "[]", 1, "not a JSON object"),
        (["parse", "--protocol", "hermes", "/no/such/file"], "", 1, "/no/such/file"),
        (["arguments"], "", 2, "--jsonl"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    arguments: list[str], given: str, code: int, words: str
) -> None:
    """What is wrong, and where."""
    done = workbench(*arguments, given=given)

    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not CASES.is_dir(), reason="the peers' cases are not here")
@pytest.mark.parametrize("name", ["hermes", "qwen", "qwen3_coder_xml", "native", "json_args"])
def test_peers_cases_go_through(name: str) -> None:
    """One line out for each line in; what they should say is tested with the parsers."""
    command = "arguments" if name == "json_args" else "parse"
    path = CASES / f"{name}.jsonl"
    done = workbench(command, "--jsonl", str(path))

    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [
        json.loads(line)["id"] for line in path.read_text().splitlines()
    ]
