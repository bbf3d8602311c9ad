"""A wrong --base-url: what came back, and what to try."""

import json
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workbench.base.loopback import LoopbackServer
from workbench.base.ports import AnswerError, Json, WorkbenchError
from workbench.model.endpoint import Endpoint, api_root, check_endpoint
from workbench.model.openai import OpenAIModel

type Pages = dict[str, tuple[int, str, str]]

MODELS = (200, "application/json", '{"data": []}')
WEB_PAGE = (200, "text/html; charset=utf-8", "<!doctype html><title>Welcome</title>")
WHOLE = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Hello"}}]})


@contextmanager
def serving(pages: Pages) -> Generator[str]:
    """A server with these pages; every other path is not there. Yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, text = pages.get(self.path, (404, "text/plain", "Not found"))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with LoopbackServer(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield server.origin


@pytest.mark.parametrize(
    ("pages", "path"),
    [
        ({"/v1/models": MODELS}, "/v1"),
        ({"/v1/models": MODELS}, "/v1/"),
        ({"/v1/chat/completions": (400, "application/json", "{}")}, "/v1"),
        ({"/v1/chat/completions": (404, "text/plain", "There is no model ''")}, "/v1"),
        ({"/v1/models": (500, "text/plain", "x")}, "/v1"),
    ],
)
def test_what_may_be_right_is_left_to_the_run(pages: Pages, path: str) -> None:
    """A server need not have a list of models."""
    with serving(pages) as origin:
        check_endpoint(Endpoint(base_url=origin + path))


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ({"/v1/models": MODELS}, "lacks its ending: try --base-url http://127.0.0.1:"),
        ({"/v1/models": MODELS, "/models": WEB_PAGE}, "lacks its ending"),
        ({"/models": WEB_PAGE}, r"a web page \(HTML\) came back where a list of models belongs"),
        ({"/models": (200, "text/plain", "OK")}, "text/plain 'OK' came back"),
        ({"/models": (401, "text/plain", "")}, r"wants a key \(status 401\)"),
        ({}, r"status 404 \(not found\) for .*/models and .*/chat/completions.*end in /v1"),
    ],
)
def test_the_usual_mistakes_are_told(pages: Pages, words: str) -> None:
    """With what to do."""
    with serving(pages) as origin, pytest.raises(WorkbenchError, match=words):
        check_endpoint(Endpoint(base_url=origin))


def test_a_refused_key_is_told_and_not_shown() -> None:
    """The server's status, never the key."""
    with (
        serving({"/v1/models": (403, "text/plain", "")}) as origin,
        pytest.raises(WorkbenchError, match="refuses the key") as caught,
    ):
        check_endpoint(Endpoint(base_url=f"{origin}/v1", api_key="sk-secret"))

    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("localhost:8000", "is not a web address"),
        ("http://127.0.0.1:9/v1", "nothing answers there"),
        ("http://127.0.0.1:99999/v1", "is not a web address"),
        ("http://localhost:80 80/v1", "is not a web address"),
        ("http://[::1/v1", "is not a web address"),
    ],
)
def test_where_nothing_stands_is_told(address: str, words: str) -> None:
    """Before any run."""
    with pytest.raises(WorkbenchError, match=words):
        check_endpoint(Endpoint(base_url=address))


def test_a_port_that_speaks_something_else_is_told() -> None:
    """With what it said, such as a mail server's greeting."""

    class Greeting(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"220 mail.example ESMTP\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            with pytest.raises(WorkbenchError, match=r"is not HTTP \('220 mail"):
                check_endpoint(Endpoint(base_url=f"http://127.0.0.1:{server.server_address[1]}"))
        finally:
            server.shutdown()


@pytest.mark.parametrize("ending", ["", "/", "/chat/completions", "/chat/completions/"])
def test_the_address_of_the_chat_is_as_good_as_that_of_the_api(ending: str) -> None:
    """Many copy the whole of it."""
    assert api_root(f"http://localhost:8000/v1{ending}") == "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (WEB_PAGE, "A web page .HTML. came back"),
        ((200, "application/json", WHOLE), "answered in one piece although a stream"),
    ],
)
def test_a_reply_that_is_no_stream_is_an_error(page: tuple[int, str, str], words: str) -> None:
    """Not an empty reply."""
    request: Json = {
        "model": "demo",
        "prompt_messages": [{"role": "user", "content": "Hi"}],
        "completion_params": {},
    }
    with (
        serving({"/v1/chat/completions": page}) as origin,
        OpenAIModel(Endpoint(base_url=f"{origin}/v1")) as model,
        pytest.raises(AnswerError, match=words),
    ):
        list(model.answer(request))
