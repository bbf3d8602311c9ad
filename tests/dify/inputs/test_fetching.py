"""Reading files from URLs, against a server on this machine."""

import itertools
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override

import pytest

from strategies.dify.inputs.fetching import FetchError, fetch_file


class Files(BaseHTTPRequestHandler):
    """Serves a file, a redirect to it, an error, an endless stream and a trickle."""

    def do_GET(self) -> None:
        """Answer by the path."""
        match self.path.partition("?")[0]:
            case "/ok":
                self._answer(200, b"content")
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/ok")
                self.end_headers()
            case "/large":
                self._answer(200, b"x" * 50_000)
            case "/slow":
                time.sleep(1.0)
            case "/trickle":
                self._trickle()
            case _:
                self._answer(403, b"no")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that lives as long as these tests."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.mark.parametrize("path", ["/ok", "/moved"])
def test_a_file_is_read(server: str, path: str) -> None:
    """The content comes as bytes, also after a redirect."""
    assert fetch_file(server + path) == b"content"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/gone?sign=secret", "The server that keeps it answered 403."),
        ("/large", "It is larger than 1,000 bytes."),
        ("/slow", "It could not be read within 0.2 s."),
        ("/trickle", "It could not be read within 0.2 s."),
    ],
)
def test_what_goes_wrong_is_one_sentence(server: str, path: str, said: str) -> None:
    """The sentence says what happened and keeps the signed address to itself."""
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        fetch_file(server + path, seconds=0.2, highest=1_000)

    assert str(caught.value) == said
    assert time.monotonic() - started < 2


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    """A refused connection is told without the address."""
    with pytest.raises(FetchError, match=r"^It could not be read: .+\.$") as caught:
        fetch_file("http://127.0.0.1:9/x?sign=secret", seconds=2)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["/files/tools/1.png", "file:///etc/passwd", "ftp://x.test/a", ""])
def test_only_web_addresses_are_read(url: str) -> None:
    """A relative address means that Dify does not know its own, and others are not opened."""
    with pytest.raises(FetchError, match="FILES_URL"):
        fetch_file(url)


@pytest.mark.parametrize("url", ["http://", "http://[x", "http://exa mple.test:port/"])
def test_a_broken_address_is_one_sentence(url: str) -> None:
    """Nothing but FetchError leaves."""
    with pytest.raises(FetchError):
        fetch_file(url, seconds=1)


def test_the_time_is_that_of_the_whole(server: str) -> None:
    """The clock that is handed in decides, not the single read."""
    ticks = itertools.count(step=100.0)

    with pytest.raises(FetchError, match="within 10 s"):
        fetch_file(f"{server}/ok", clock=lambda: next(ticks))
