"""A model behind HTTP, through the SDK's own class in its worker process."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.workbench.model.test_demo_server import QUESTION, TOOLS, user
from workbench.base.ports import AnswerError, Json, UsageError, WorkbenchError
from workbench.model.demo_server import DemoServer
from workbench.model.endpoint import Endpoint
from workbench.model.openai import OpenAIModel

SEEN: list[str | None] = []


class Failing(BaseHTTPRequestHandler):
    """A server that is always busy, and notes the key it was shown."""

    def do_POST(self) -> None:
        """Refuse."""
        SEEN.append(self.headers.get("Authorization"))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(429)
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "slow down"}}')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIModel]:
    """The demo server behind the worker."""
    with DemoServer(word_seconds=0) as server:
        endpoint = Endpoint(base_url=server.base_url, input_price="1", output_price="2")
        with OpenAIModel(endpoint) as running:
            yield running


def request(text: str) -> Json:
    """A model request as the plugin sends it."""
    tools = [{"description": "", **tool["function"]} for tool in TOOLS]
    return {
        "model": "demo",
        "completion_params": {},
        "prompt_messages": [user(text)],
        "tools": tools,
    }


def test_a_reply_streams_as_difys_chunks(model: OpenAIModel) -> None:
    """Text first, then the calls, then totals with a price."""
    chunks = list(model.answer(request(QUESTION)))
    calls = [call for chunk in chunks for call in chunk["delta"]["message"]["tool_calls"]]

    assert chunks[0]["delta"]["message"]["content"] == "Let "
    assert [call["function"]["name"] for call in calls] == ["current_time", "calculator"]
    assert chunks[-1]["delta"]["usage"]["total_tokens"] > 0
    assert float(chunks[-1]["delta"]["usage"]["total_price"]) > 0


def test_calls_run_side_by_side(model: OpenAIModel) -> None:
    """One worker serves concurrent calls and keeps them apart."""
    sums = [f"What is {number} * 2?" for number in range(20)]
    replies: dict[str, list[Json]] = {}

    def ask(text: str) -> None:
        replies[text] = list(model.answer(request(text)))

    threads = [threading.Thread(target=ask, args=(text,)) for text in sums]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    for number, text in enumerate(sums):
        assert f"{number} * 2" in str(replies[text])


def test_failures_are_told_as_dify_tells_them_and_the_key_stays_secret() -> None:
    """The server sees the key; the error does not hold it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        with (
            OpenAIModel(Endpoint(base_url=address, api_key="sk-secret")) as model,
            pytest.raises(AnswerError, match=r"429.*slow down") as caught,
        ):
            list(model.answer(request("Hi")))
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

    assert SEEN == ["Bearer sk-secret"]
    assert "sk-secret" not in caught.value.text


def test_a_worker_that_has_ended_is_told() -> None:
    """No call waits for ever."""
    with OpenAIModel(Endpoint(base_url="http://127.0.0.1:9/v1")) as model:
        list_of_nothing: list[Json] = []
        with pytest.raises(AnswerError):
            list_of_nothing += model.answer(request("Hi"))
        model.stop()
        with pytest.raises(AnswerError, match="worker"):
            list_of_nothing += model.answer(request("Hi"))


def test_usage_errors_are_for_people() -> None:
    """They are workbench errors too."""
    assert issubclass(UsageError, WorkbenchError)
