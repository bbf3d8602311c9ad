"""`serve` over HTTP: a run's lines as events, and who may ask for them. No browser is needed."""

import http.client
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from workbench.base.ports import Json, WorkbenchError
from workbench.bench.bench import AvailableModel, Bench
from workbench.bench.scripted import FunctionModel, says
from workbench.host.daemon import Host
from workbench.page.chat_server import Chat, ChatServer
from workbench.tools.builtin import BuiltInTools


class Desk:
    """A server and a client that knows its key."""

    def __init__(self, chat: Chat, server: ChatServer) -> None:
        self._chat = chat
        self.address = server.address

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """Send what the page would send."""
        return httpx.post(
            self.address + path,
            content=json.dumps(body),
            headers={"X-Workbench": self._chat.key, **headers},
            timeout=20,
        )

    def ask(self, question: str, **others: object) -> str:
        """Begin a run."""
        return str(self.post("runs", {"question": question, **others}).json()["run"])

    def lines(self, run: str, **headers: str) -> list[Json]:
        """Read a run to its end."""
        answer = httpx.get(f"{self.address}runs/{run}", headers=headers, timeout=20)
        events = [event for event in answer.text.split("\n\n") if "data: " in event]
        return [json.loads(event.partition("data: ")[2]) for event in events]


@contextmanager
def served(host: Host, saved: list[Json] | None = None) -> Generator[Desk]:
    """Serve the throw-away plugin with a model that says hello."""
    model = AvailableModel(
        description="a fake", model=FunctionModel(lambda _: says("Hello")), features=()
    )
    tools = BuiltInTools()
    bench = Bench(
        host=host,
        models={"one": model, "two": model},
        tools=tools,
        entities=tools.entities,
        files=(),
        context_size=4096,
    )
    chat = Chat(bench, strategies=["function_calling"], settings={}, saved=saved or ())
    with ChatServer(chat) as server:
        yield Desk(chat, server)


@pytest.fixture(scope="module")
def desk(tiny: Host) -> Iterator[Desk]:
    """One server for all tests."""
    with served(tiny) as running:
        yield running


def test_a_run_is_told_line_by_line(desk: Desk) -> None:
    """From what was asked to the sum, with the model's calls in between."""
    told = desk.lines(desk.ask("Hi", model="two", protocol="native"))

    assert told[0]["question"] == "Hi"
    assert told[0]["protocol"] == "native"
    assert told[-1]["type"] == "end"
    assert told[-1]["failure"] is None
    assert {"begin", "call", "answer", "text", "end"} <= {line["type"] for line in told}


def test_a_reader_may_come_late_or_again(desk: Desk) -> None:
    """It gets the lines from the beginning, or those after the last that it knows."""
    run = desk.ask("Hi")
    whole = desk.lines(run)

    assert desk.lines(run) == whole
    assert desk.lines(run, **{"Last-Event-ID": "2"}) == whole[2:]


def test_the_model_is_told_the_history(desk: Desk) -> None:
    """As Dify's memory hands it over."""
    turns = [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]
    told = desk.lines(desk.ask("Hi", history=turns))

    assert [turn["content"] for turn in told[0]["history"]] == ["A", "B"]


def test_a_run_can_be_stopped(desk: Desk) -> None:
    """The reader's stream ends at once; the plugin is not told."""
    run = desk.ask('[["nap", 5]]')
    stopped = desk.post(f"runs/{run}/stop", {})
    told = desk.lines(run)

    assert stopped.status_code == 200
    assert told[-1]["failure"] == "stopped by the reader"
    assert told[-1]["at"] < 4


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "no question"),
        ({"question": "Hi", "model": "three"}, "no model 'three'"),
        ({"question": "Hi", "protocol": "morse"}, "'morse'"),
        ({"question": "Hi", "strategy": "dance"}, "'dance'"),
        ({"question": "Hi", "history": [{"role": "robot"}]}, "a turn is an object"),
        ([], "not a JSON object"),
    ],
)
def test_mistakes_are_told_in_a_sentence(desk: Desk, wanted: object, words: str) -> None:
    """With the status of a bad request."""
    answer = desk.post("runs", wanted)

    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("path", ["nothing", "runs/none", "runs/none/more"])
def test_what_is_not_there_is_said_so(desk: Desk, path: str) -> None:
    """A run that is no longer kept ends its reader's stream for good."""
    assert httpx.get(desk.address + path).status_code == 404
    assert desk.post("runs/none/stop", {}).status_code == 404


def test_other_pages_may_not_ask(desk: Desk) -> None:
    """Without the key, from another origin, or under another name of this machine."""
    body = {"question": "Hi"}
    foreign = {"Origin": "http://elsewhere.example"}

    assert desk.post("runs", body, **{"X-Workbench": "guess"}).status_code == 403
    assert desk.post("runs", body, **foreign).status_code == 403
    assert httpx.get(desk.address, headers=foreign).status_code == 403
    assert status(desk.address, "elsewhere.example") == 403
    assert status(desk.address, f"localhost:{urlsplit(desk.address).port}") == 200


def status(address: str, name: str) -> int:
    """Ask for the page under a name."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)
    connection.request("GET", "/", headers={"Host": name})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_page_knows_what_can_be_picked(tiny: Host) -> None:
    """Models, protocols, tools, and runs that were saved."""
    with served(tiny, [{"run": "x", "type": "begin", "question": "Saved?"}]) as running:
        text = httpx.get(running.address).text

    assert '"model":["one","two"]' in text
    assert "current_time" in text
    assert "Saved?" in text
    assert "connect-src 'self'" in text


def test_a_port_that_is_taken_is_told_in_a_sentence(tiny: Host) -> None:
    """With what to do."""
    with served(tiny) as running:
        port = urlsplit(running.address).port
        chat = Chat(
            Bench(
                host=tiny, models={}, tools=BuiltInTools(), entities=(), files=(), context_size=1
            ),
            strategies=["function_calling"],
            settings={},
        )
        with pytest.raises(WorkbenchError, match="--port"):
            ChatServer(chat, port or 0)
