"""A session of the SDK whose other end is played here; only for tests in a process of their own."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Never, override

from dify_plugin.config.config import InstallMethod
from dify_plugin.core.runtime import Session, SessionContext
from dify_plugin.core.server.__base.writer_entities import Event

from strategies.dify.transport.frames import Written
from strategies.dify.transport.links import Reader, Writer

type Answer = Mapping[str, Any] | Exception


class Hearing(Reader):
    """The SDK's reader; what it hears is handed to it."""

    @override
    def _read_stream(self) -> Generator[Never]:
        yield from ()


class Door(Writer):
    """Keeps what is asked and gives the same answers to each call of a kind; an exception fails."""

    def __init__(self, **answers: Sequence[Answer]) -> None:
        self._answers = answers
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.lines: list[bytes] = []
        self.reader = Hearing()

    def session(
        self, *, app_id: str | None = "app", context: SessionContext | None = None
    ) -> Session:
        """Make the session of one run."""
        return Session(
            session_id="run",
            executor=ThreadPoolExecutor(1),
            reader=self.reader,
            writer=self,
            install_method=InstallMethod.Local,
            app_id=app_id,
            context=context,
        )

    def tell(self, message: dict[str, Any]) -> None:
        """Let a message of the run leave as the SDK does."""
        self.put(Event.SESSION, "run", self.stream_object(message))

    @override
    def write(self, data: str) -> None:
        raise AssertionError(f"written apart: {data}")

    @override
    def done(self) -> None:
        pass

    @override
    def _send(self, whole: Written) -> None:
        self.lines.append(bytes(whole))
        sent = json.loads(bytes(whole))
        assert (sent["event"], sent["session_id"]) == ("session", "run")
        if sent["data"]["type"] == "invoke":
            call = sent["data"]["data"]
            self.requests.append((call["type"], call["request"]))
            for answer in self._given(call["type"]):
                self.reader.answers.take(
                    {"backwards_request_id": call["backwards_request_id"], **answer}
                )

    def _given(self, kind: str) -> Iterator[dict[str, Any]]:
        for answer in self._answers.get(kind, ()):
            if isinstance(answer, Exception):
                yield {"event": "error", "message": str(answer), "data": None}
                return
            yield {"event": "response", "message": "", "data": answer}
        yield {"event": "end", "message": "", "data": None}


class Silent(Door):
    """A door behind which nobody answers."""

    @override
    def _given(self, kind: str) -> Iterator[dict[str, Any]]:
        yield from ()
