"""The local chat page: its HTTP on loopback, with a run's lines as server-sent events.

GET / is the page, POST /runs begins a run, GET /runs/ID tells it from its beginning, POST
/runs/ID/stop ends it for its reader. Other sites that a browser has open can reach loopback too, so
requests must name this server as their host, and those that begin something must bear the key that
stands in the page.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workbench.base.loopback import Handler, LoopbackServer
from workbench.base.output import plain
from workbench.base.ports import Json, WorkbenchError
from workbench.bench.bench import PROTOCOLS, Bench, Question
from workbench.host.payload import read_turns
from workbench.host.record import Run
from workbench.page.pages import page
from workbench.show import transcript

_LARGEST_REQUEST = 4 * 1024 * 1024
_KEPT_RUNS = 50
_BEAT_SECONDS = 10.0
_QUESTIONS = (
    "What time is it in Tokyo, and what is 23 × 19?",
    "What time is it in London, Tokyo and New York?",
)


class Telling:
    """A run's lines as they come; any number of readers, each from the beginning."""

    def __init__(self, run: Run, lines: Sequence[Json] = ()) -> None:
        self.run = run
        self._lines = [_encoded(line) for line in lines]
        self._news = threading.Condition()
        self._over = False

    def gather(self, bench: Bench, question: Question) -> None:
        """Take the run's lines until it ends."""
        for line in transcript.lines(self.run, bench.setup(question)):
            with self._news:
                self._lines.append(_encoded(line))
                self._over = line["type"] == "end"
                self._news.notify_all()

    def after(self, number: int) -> tuple[list[str], bool]:
        """Return the lines after so many, and whether there will be more. Waits a while."""
        with self._news:
            if number >= len(self._lines) and not self._over:
                self._news.wait(_BEAT_SECONDS)
            return self._lines[number:], not self._over


class Chat:
    """What the page can do."""

    def __init__(
        self,
        bench: Bench,
        *,
        strategies: Sequence[str],
        settings: Mapping[str, Any],
        saved: Sequence[Json] = (),
    ) -> None:
        self.key = secrets.token_urlsafe(24)
        self._bench = bench
        self._settings = settings
        self._strategies = strategies
        self._saved = saved
        self._tellings: dict[str, Telling] = {}

    def page(self) -> str:
        """Write the page."""
        return page(
            self._saved,
            {
                "key": self.key,
                "tools": self._bench.tool_names,
                "questions": list(_QUESTIONS),
                "choices": {
                    "model": list(self._bench.models),
                    "protocol": list(PROTOCOLS),
                    "strategy": list(self._strategies),
                },
            },
        )

    def ask(self, wanted: Json) -> Json:
        """Begin a run."""
        question = self._question(wanted)
        telling = Telling(self._bench.start(question))
        self._tellings[telling.run.session] = telling
        for old in list(self._tellings)[:-_KEPT_RUNS]:
            del self._tellings[old]
        gatherer = threading.Thread(
            target=telling.gather, args=(self._bench, question), daemon=True
        )
        gatherer.start()
        return {"run": telling.run.session}

    def telling(self, name: str) -> Telling | None:
        """Find a run."""
        return self._tellings.get(name)

    def stop(self, name: str) -> bool:
        """End a run for its reader."""
        telling = self._tellings.get(name)
        if telling is not None:
            self._bench.host.abandon(telling.run, "stopped by the reader")
        return telling is not None

    def _question(self, wanted: Json) -> Question:
        text = str(wanted.get("question") or "").strip()
        model = str(wanted.get("model") or "")
        protocol = str(wanted.get("protocol") or "auto")
        strategy = str(wanted.get("strategy") or self._strategies[0])
        if not text:
            raise WorkbenchError("There is no question.")
        if model and model not in self._bench.models:
            raise WorkbenchError(f"There is no model {model!r} here.")
        if protocol not in PROTOCOLS or strategy not in self._strategies:
            raise WorkbenchError(f"There is no protocol {protocol!r} or strategy {strategy!r}.")
        return Question(
            text=text,
            model=model,
            # Left out, so that each strategy's own way stays what it is.
            protocol=None if protocol == "auto" else protocol,
            strategy=strategy,
            history=read_turns(wanted.get("history"), "The history"),
            conversation=str(wanted.get("conversation") or "") or None,
            settings=self._settings,
        )


class ChatServer(LoopbackServer):
    """Serves a chat. A context manager: it stops itself."""

    def __init__(self, chat: Chat, port: int = 0) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise WorkbenchError(
                f"Port {port} cannot be used: {error.strerror}. Name another with --port."
            ) from error
        self._server.chat = chat
        super().__init__(self._server)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self.origin}/"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    chat: Chat

    @property
    def names(self) -> set[str]:
        """What a request may call this server."""
        port = self.server_address[1]
        return {f"127.0.0.1:{port}", f"localhost:{port}"}


class _Handler(Handler, BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """Give the page, or tell a run."""
        parts = self.path.partition("?")[0].strip("/").split("/")
        if not self._is_for_us():
            self._refuse(HTTPStatus.FORBIDDEN, "This server answers its own page alone.")
        elif parts == [""]:
            self._send(HTTPStatus.OK, "text/html", self.server.chat.page())
        elif len(parts) == len(("runs", "ID")) and parts[0] == "runs":
            self._tell(self.server.chat.telling(parts[1]))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.path} here.")

    def do_POST(self) -> None:
        """Begin a run, or stop one."""
        wanted = self.read_object(_LARGEST_REQUEST)
        if not self._is_for_us() or not self._bears_the_key():
            self._refuse(HTTPStatus.FORBIDDEN, "This server answers its own page alone.")
        elif wanted is None:
            self._refuse(HTTPStatus.BAD_REQUEST, "The request is not a JSON object.")
        else:
            self._do(self.path.strip("/").split("/"), wanted)

    def _do(self, parts: Sequence[str], wanted: Json) -> None:
        try:
            match parts:
                case ["runs"]:
                    self._send_json(HTTPStatus.OK, self.server.chat.ask(wanted))
                case ["runs", name, "stop"] if self.server.chat.stop(name):
                    self._send_json(HTTPStatus.OK, {})
                case _:
                    self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.path} here.")
        except WorkbenchError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))

    def _is_for_us(self) -> bool:
        # A foreign name that leads to loopback would make this page that site's own.
        origin = self.headers.get("Origin")
        same = origin is None or origin.removeprefix("http://") in self.server.names
        return same and self.headers.get("Host") in self.server.names

    def _bears_the_key(self) -> bool:
        given = self.headers.get("X-Workbench") or ""
        return hmac.compare_digest(given.encode(), self.server.chat.key.encode())

    def _tell(self, telling: Telling | None) -> None:
        if telling is None:
            # An event stream that is answered so is not asked for again.
            self._refuse(HTTPStatus.NOT_FOUND, "This run is no longer kept.")
            return
        kind = "text/event-stream; charset=utf-8"
        self.begin(HTTPStatus.OK, {"Content-Type": kind, "Cache-Control": "no-store"})
        told = self._first_wanted()
        more = True
        try:
            while more:
                lines, more = telling.after(told)
                events = [f"id: {told + n}\ndata: {line}\n\n" for n, line in enumerate(lines, 1)]
                told += len(lines)
                self.wfile.write("".join(events or [": still here\n\n"]).encode())
                self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who watched has gone

    def _first_wanted(self) -> int:
        last = self.headers.get("Last-Event-ID") or "0"
        return int(last) if last.isdecimal() else 0

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self._send_json(status, {"error": sentence})

    def _send_json(self, status: HTTPStatus, value: Json) -> None:
        self._send(status, "application/json", json.dumps(value))

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-store"}
        self.send_whole(status, headers, text.encode(errors="replace"))


def _encoded(line: Json) -> str:
    # ASCII: no half of a character can break the stream, and no line break an event.
    return json.dumps(line, default=plain)
