"""Our links to Dify, the SDK's own, and the choice between them, in the plugin's real process."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import EVERY, SdkHost, host_of
from tests.e2e.test_wire import assert_clean
from workbench.bench.scripted import (
    ROOT,
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    link_output,
    says,
    text_output,
    tool,
    tool_call,
)
from workbench.host.daemon import Host
from workbench.host.record import Run

NOT_AS_EXPECTED = {
    "a method is missing": (
        "from dify_plugin.core.server.__base.request_reader import RequestReader as Reader\n"
        "def event_loop(self, _process=Reader._process_line):\n"
        "    for line in self._read_stream(): _process(self, line)\n"
        "Reader.event_loop = event_loop\n"
        "del Reader._process_line\n"
    ),
    "other parameters": (
        "from dify_plugin.core.server.__base.response_writer import ResponseWriter as Writer\n"
        "def put(self, event, session_id=None, data=None, urgent=False, _put=Writer.put):\n"
        "    _put(self, event, session_id, data)\n"
        "Writer.put = put\n"
    ),
    "a module without the name": (
        "from dify_plugin.core.server.serverless import request_reader\n"
        "del request_reader.ServerlessResponseWriter\n"
    ),
    "another form of frames": (
        "from dify_plugin.core.server.__base import response_writer\n"
        "class Message(response_writer.StreamOutputMessage):\n"
        "    version: int = 2\n"
        "response_writer.StreamOutputMessage = Message\n"
    ),
}


OBJECT = '{"type": "object", "properties": {"a": {"type": "string"}}}'


def round_of(host: Host) -> Run:
    """Play a round with a tool and an answer."""
    model = ScriptedModel(calls(tool_call("look", {"q": "garden"})), says("A tree.", pieces=3))
    toolbox = ScriptedTools(look=[text_output("a tree")])
    return host.run(ask("What is in the garden?", tool("look")), model=model, tools=toolbox)


def links_note(host: Host) -> list[str]:
    """What the plugin's log says of its links."""
    said = [str(note) for note in host.notes]
    return [one for one in said if "links" in one]


@pytest.mark.parametrize("change", NOT_AS_EXPECTED.values(), ids=NOT_AS_EXPECTED)
def test_on_another_sdk_the_plugin_runs_on_the_links_of_that_sdk(
    change: str, tmp_path: Path
) -> None:
    """It says so in one line, and nothing of it is replaced."""
    for entry in ROOT.iterdir():
        if not entry.name.startswith(".") and entry.name != "main.py":
            (tmp_path / entry.name).symlink_to(entry)
    started = f"import dify_plugin\n{change}\nimport runpy\n"
    started += f"runpy.run_path({str(ROOT / 'main.py')!r}, run_name='__main__')\n"
    (tmp_path / "main.py").write_text(started)
    with Host(tmp_path) as host:
        run = round_of(host)
        said = links_note(host)

    assert_clean(run)
    assert run.text == "A tree."
    assert len(said) == 1
    assert "is not as expected" in said[0]


def test_who_asks_for_the_links_of_the_sdk_is_told_so() -> None:
    """RONDO_LINKS=sdk, in the environment or in `.env`."""
    with SdkHost(ROOT) as host:
        run = round_of(host)
        said = links_note(host)

    assert_clean(run)
    assert len(said) == 1
    assert "RONDO_LINKS is sdk" in said[0]


def test_with_our_links_nothing_is_said_of_them() -> None:
    """The tried SDK is as expected."""
    with Host(ROOT) as host:
        run = round_of(host)
        said = links_note(host)

    assert_clean(run)
    assert said == []


@pytest.mark.runtimes(*EVERY)
def test_half_a_character_does_not_hold_up_a_run(host: Host) -> None:
    """Models write half an emoji as an escape; what the SDK cannot write, never ends."""
    call = tool_call("look", '{"q": "half \\ud83d, whole \\ud83d\\ude42"}')
    model = ScriptedModel(calls(call), says('{"a": "half \\ud83d, whole \\ud83d\\ude42"}'))
    toolbox = ScriptedTools(look=[text_output("ok")])
    run = host.run(ask("Look", tool("look"), answer_schema=OBJECT), model=model, tools=toolbox)

    assert_clean(run)
    assert run.tool_calls[0].request["tool_parameters"]["q"].endswith("whole 🙂")
    assert run.variables["structured_output"]["a"].endswith("whole 🙂")


@pytest.mark.runtimes(*EVERY)
def test_a_message_that_would_end_the_process_is_left_out(host: Host) -> None:
    """What a tool hands over for the reader may have any length."""
    address = "https://example.org/" + "x" * 4_100_000
    toolbox = ScriptedTools(look=[link_output("image_link", address), text_output("a tree")])
    model = ScriptedModel(calls(tool_call("look", {"q": "x"})), says("Seen."))
    run = host.run(ask("Look", tool("look")), model=model, tools=toolbox)

    assert run.error is None
    assert run.text == "Seen."
    assert all(len(json.dumps(message)) < 4_000_000 for message in run.messages)
    assert host.alive


@pytest.mark.parametrize("name", ["stdio-sdk", "http-sdk"])
def test_a_long_conversation_leaves_whole_on_the_links_of_the_sdk(name: str) -> None:
    """A request of three megabytes is handed over as values, and read back as it was."""
    long = "größer " * 200_000
    with host_of(name) as host:
        model = ScriptedModel(calls(tool_call("look", {"q": "x"})), says("Read."))
        toolbox = ScriptedTools(look=[text_output(long)])
        run = host.run(ask(long, tool("look")), model=model, tools=toolbox)

    assert_clean(run)
    assert run.text == "Read."
    assert model.requests[0]["prompt_messages"][-1]["content"] == long
