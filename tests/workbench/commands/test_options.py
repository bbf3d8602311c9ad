"""Files, knowledge, history and the answer's schema on the command line."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.workbench.commands.test_run import workbench
from workbench.base.ports import Json, UsageError, WorkbenchError
from workbench.commands.command_line import Parser
from workbench.commands.options import add_parameters, history, parameters
from workbench.host.file_server import FileServer


def written(folder: Path, value: Any) -> str:
    """A file with this JSON, by its name."""
    path = folder / "given.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(path)


def read(*arguments: str) -> Json:
    """Read the parameters' options."""
    parser = Parser(prog="test")
    add_parameters(parser)
    return parameters(parser.parse_args(arguments))


class TestParameters:
    """What becomes a parameter of the strategy."""

    def test_only_what_is_given_is_sent(self) -> None:
        """So that the plugin's own defaults hold."""
        assert read() == {}
        assert read("--instruction", "Be brief", "--max-iterations", "3") == {
            "instruction": "Be brief",
            "maximum_iterations": 3,
        }

    def test_passages_and_schema_come_from_files(self, tmp_path: Path) -> None:
        """The passages as they are; the schema as the text that Dify's editor holds."""
        passages = [{"title": "One", "content": "First"}]
        path = written(tmp_path, passages)

        assert read("--context", path) == {"context": passages}
        assert read("--answer-schema", path) == {"answer_schema": json.dumps(passages)}

    def test_further_parameters_are_json_or_words(self) -> None:
        """And win over the options that have a name."""
        given = read("--max-iterations", "3", "--set", "maximum_iterations=5", "--set", "a=b=c")

        assert given == {"maximum_iterations": 5, "a": "b=c"}

    @pytest.mark.parametrize("value", ['{"title": "One"}', "[1]", "no JSON"])
    def test_a_context_that_is_none_is_refused(self, tmp_path: Path, value: str) -> None:
        """The file is named."""
        with pytest.raises(WorkbenchError, match=r"given\.json"):
            read("--context", written(tmp_path, value))

    def test_an_assignment_without_a_name_is_refused(self) -> None:
        """With an example."""
        with pytest.raises(UsageError, match="NAME=VALUE"):
            read("--set", "=3")


class TestHistory:
    """Earlier turns."""

    def test_turns_look_like_those_of_dify(self, tmp_path: Path) -> None:
        """An assistant's turn has its list of calls."""
        turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]

        assert history(written(tmp_path, turns)) == [
            {"role": "user", "content": "Hi", "name": None},
            {"role": "assistant", "content": "Hello", "name": None, "tool_calls": []},
        ]

    @pytest.mark.parametrize("turn", [{"role": "robot", "content": "Hi"}, {"role": "user"}])
    def test_a_turn_that_is_none_is_refused(self, tmp_path: Path, turn: Json) -> None:
        """With what a turn is."""
        with pytest.raises(WorkbenchError, match="a role"):
            history(written(tmp_path, [turn]))


class TestFiles:
    """Files behind signed addresses."""

    @pytest.mark.parametrize(
        ("name", "mime_type", "kind"),
        [
            ("photo.PNG", "image/png", "image"),
            ("notes.md", "text/markdown", "document"),
            ("voice.mp3", "audio/mpeg", "audio"),
            ("film.mp4", "video/mp4", "video"),
            ("thing.unknown", "application/octet-stream", "custom"),
        ],
    )
    def test_a_file_is_described_and_can_be_read(
        self, tmp_path: Path, name: str, mime_type: str, kind: str
    ) -> None:
        """As Dify describes it."""
        path = tmp_path / name
        path.write_bytes(b"content")
        with FileServer() as server:
            file = server.add(path)
            answer = httpx.get(file.pop("url"))

        assert answer.content == b"content"
        assert answer.headers["content-type"] == mime_type
        assert file == {
            "dify_model_identity": "__dify__file__",
            "mime_type": mime_type,
            "filename": name,
            "extension": path.suffix,
            "size": 7,
            "type": kind,
        }

    def test_an_address_that_was_changed_opens_nothing(self, tmp_path: Path) -> None:
        """Neither another file nor the same one with another signature."""
        (tmp_path / "a.txt").write_text("A")
        with FileServer() as server:
            url = server.add(tmp_path / "a.txt")["url"]
            changed = [url.replace("sign=", "sign=0"), url.split("?")[0], url.split("/files")[0]]
            answers = [httpx.get(each).status_code for each in changed]

        assert answers == [403, 403, 403]

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """Before anything runs."""
        with FileServer() as server, pytest.raises(WorkbenchError, match=r"none\.txt"):
            server.add(tmp_path / "none.txt")


def test_a_run_shows_its_outputs_by_name(tmp_path: Path) -> None:
    """Through the real plugin: a file, a passage, a history and a schema go in."""
    passages = written(tmp_path, [{"title": "Tea", "content": "Tea is made at 80 degrees."}])
    note = tmp_path / "note.txt"
    note.write_text("A note")
    done = workbench(
        *("run", "What is 23 × 19?", "--context", passages, "--file", str(note), "--json"),
        *("--html", str(tmp_path / "run.html")),
    )
    lines: list[Json] = [json.loads(line) for line in done.stdout.splitlines()]
    request = next(line["asked"] for line in lines if line.get("kind") == "llm")

    assert done.returncode == 0, done.stderr
    assert "437" in lines[-1]["outputs"]["answer"]
    assert lines[-1]["outputs"]["stop_reason"] == "answered"
    assert "note.txt" in json.dumps(request)
    assert "A note" in json.dumps(request)
    assert "Tea is made at 80 degrees." in json.dumps(request)
    assert "437" in (tmp_path / "run.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--html", "/nowhere/run.html"], "no such folder"),
        (["--model", "a", "--model", "b", "--base-url", "http://localhost:9"], "once"),
        (["--file", "/nowhere/note.txt"], "note.txt"),
        (["--history", "/nowhere/turns.json"], "turns.json"),
    ],
)
def test_mistakes_are_told_before_anything_runs(arguments: list[str], words: str) -> None:
    """In a sentence."""
    done = workbench("run", *arguments)

    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
