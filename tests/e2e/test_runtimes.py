"""What only one of the runtimes can break: registration, whole frames, several processes."""

import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from strategies.dify.transport.install import ROOM
from tests.e2e.test_wire import assert_clean
from workbench.bench.scripted import (
    ROOT,
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    plain_model,
    says,
    text_output,
    tool,
    tool_call,
)
from workbench.host.daemon import Host
from workbench.host.payload import history_message, model_value
from workbench.host.record import Run
from workbench.runtimes.limits import DAEMON
from workbench.runtimes.links import Runtime
from workbench.runtimes.tcp import TcpLink

LARGE = "größer " * 12_000


def test_it_registers_for_remote_debugging() -> None:
    """Key, manifest, strategies and every asset, byte for byte."""
    with Host(ROOT, runtime="tcp") as host:
        assert isinstance(host.link, TcpLink)
        registration = host.link.registration
        (provider,) = registration.declarations["agent_strategy_declaration"]

    assert registration.complete
    assert host.manifest["name"] == "rondo"
    assert "function_calling" in [one["identity"]["name"] for one in provider["strategies"]]
    icon = ROOT / "_assets" / str(host.manifest["icon"])
    assert registration.assets[icon.name] == icon.read_bytes()
    assert set(registration.finished) == set(registration.assets)


@pytest.mark.skipif(sys.platform != "linux", reason="pipes have a size on Linux alone")
@pytest.mark.parametrize("descriptor", [0, 1])
def test_its_pipes_have_room_for_a_burst(descriptor: int) -> None:
    """What its input cannot take, the daemon drops; a full output holds up every run."""
    import fcntl  # noqa: PLC0415 - Windows has none

    with Host(ROOT) as host, Path(f"/proc/{host.pid}/fd/{descriptor}").open("rb") as pipe:
        assert fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) == ROOM


def test_large_frames_of_many_runs_stay_whole_with_a_slow_reader() -> None:
    """12 runs at once, each with requests and messages beyond any buffer of the socket."""
    slow = replace(DAEMON, receive_bytes=4096, read_pause=0.0005)
    runs: dict[int, Run] = {}
    wanted = [tool_call("look", {"q": f"{LARGE}{number}"}) for number in range(3)]

    def play(host: Host, number: int) -> None:
        model = ScriptedModel(calls(*wanted, text=LARGE), says(f"{number}: {LARGE}", pieces=5))
        toolbox = ScriptedTools(look=[text_output(LARGE)])
        runs[number] = host.run(ask(LARGE, tool("look")), model=model, tools=toolbox)

    with Host(ROOT, runtime="tcp", limits=slow) as host:
        threads = [threading.Thread(target=play, args=(host, number)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)

    assert host.broken_lines == []
    assert len(runs) == 12
    for number, run in runs.items():
        assert_clean(run)
        assert run.text.endswith(f"{number}: {LARGE}")


@pytest.mark.parametrize("runtime", ["stdio", "http"])
def test_two_processes_serve_one_conversation(runtime: Runtime) -> None:
    """Nothing is kept between runs: the next turn may go to any other process."""
    question, answer = "What is in the garden?", "A tree."
    first = ScriptedModel(calls(tool_call("look", {"q": "garden"})), says(answer))
    second = ScriptedModel(says("You asked about the garden."))
    toolbox = ScriptedTools(look=[text_output("a tree")])
    with Host(ROOT, runtime=runtime) as one, Host(ROOT, runtime=runtime) as other:
        assert one.pid != other.pid
        before = one.run(ask(question, tool("look")), model=first, tools=toolbox)
        history = [history_message("user", question), history_message("assistant", before.text)]
        turn = ask("What did I ask?", tool("look"), model=model_value(history=history))
        after = other.run(turn, model=second, tools=toolbox)
        alone = other.run(ask("Hi", model=plain_model()), model=ScriptedModel(says("Hello.")))

    assert_clean(before)
    assert_clean(after)
    asked = [(m["role"], m["content"]) for m in second.requests[0]["prompt_messages"]]
    assert asked == [("user", question), ("assistant", answer), ("user", "What did I ask?")]
    assert alone.text == "Hello."
