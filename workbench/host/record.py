"""What happened in one run, as its reader saw it: messages, text, logs, totals, failures.

A `Run` is filled by the host's threads and read by tests and by the terminal, also while it goes
on. All times are seconds since the run began.
"""

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.base.ports import Json, is_object
from workbench.host.blobs import BlobError, Blobs, File
from workbench.host.lossy_queue import LossyQueue
from workbench.host.message_rules import problem
from workbench.runtimes.limits import Limits


@dataclass(slots=True, kw_only=True)
class Call:
    """One backwards call of the plugin: what it asked and how the answer went."""

    number: int
    """Calls of a run count from 1."""
    kind: str
    request: Json
    asked_at: float
    first_answer_at: float | None = None
    ended_at: float | None = None
    answered: int = 0
    """Pieces of the answer that were handed to the plugin."""
    lost_chunks: int = 0
    """Pieces that the daemon would have dropped, because the plugin did not read."""
    error: str | None = None
    pieces: list[Json] = field(default_factory=list[Json])
    """The answer as the model or tool gave it."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the plugin and when it came."""

    at: float
    message: Json


@dataclass(frozen=True, slots=True)
class CallBegan:
    """The plugin asks a model or a tool."""

    at: float
    call: Call


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last piece of an answer goes to the plugin."""

    at: float
    call: Call


type RunEvent = Received | CallBegan | CallEnded


@dataclass(slots=True, kw_only=True)
class _Outputs:
    text: list[str] = field(default_factory=list[str])
    logs: dict[str, Json] = field(default_factory=dict[str, Json])
    usage: Json = field(default_factory=dict[str, Any])
    json: list[Any] = field(default_factory=list[Any])
    variables: Json = field(default_factory=dict[str, Any])
    files: list[File] = field(default_factory=list[File])
    links: list[Json] = field(default_factory=list[Json])


class Run:
    """One run of the strategy."""

    def __init__(self, session: str, limits: Limits) -> None:
        self.session = session
        self.received: list[Received] = []
        self.requests: list[Call] = []
        self.stored: list[Call] = []
        """What the plugin asked of the storage."""
        self.lost: list[Json] = []
        """Messages that the daemon would have dropped; the reader never sees them."""
        self.problems: list[str] = []
        """Messages that would have failed the node or broken the page, each in a sentence."""
        self.error: str | None = None
        """The text of the exception that ended the run, as the strategy raised it."""
        self.error_type: str | None = None
        self.error_args: Json = {}
        self.ended_at: float | None = None
        self.began = time.monotonic()
        self.began_at = time.time()
        """Seconds since the epoch, as the logs' metadata count them."""
        self._limits = limits
        self._queue = LossyQueue(limits.waiting_messages, limits.messages_a_second)
        self._blobs = Blobs(limits)
        self._outputs = _Outputs()
        self._live: queue.SimpleQueue[RunEvent | None] = queue.SimpleQueue()
        self._done = threading.Event()

    @property
    def messages(self) -> list[Json]:
        """The messages as they reached the reader."""
        return [received.message for received in self.received]

    @property
    def times(self) -> list[float]:
        """When each of `messages` came."""
        return [received.at for received in self.received]

    @property
    def first_text_at(self) -> float | None:
        """When the reader saw the first text."""
        return next((each.at for each in self.received if each.message["type"] == "text"), None)

    @property
    def text(self) -> str:
        """The node's output `text`."""
        return "".join(self._outputs.text)

    @property
    def logs(self) -> list[Json]:
        """The log tree's entries as they stand, in the order in which they began."""
        return list(self._outputs.logs.values())

    @property
    def open_logs(self) -> list[Json]:
        """Entries that were never finished: they spin for ever."""
        return [log for log in self.logs if log.get("status") == "start"]

    @property
    def usage(self) -> Json:
        """The execution metadata that Dify keeps: that of the last JSON message, or nothing."""
        return self._outputs.usage

    @property
    def json(self) -> list[Any]:
        """The JSON messages without their execution metadata."""
        return self._outputs.json

    @property
    def variables(self) -> Json:
        """The node's further outputs."""
        return self._outputs.variables

    @property
    def files(self) -> list[File]:
        """Files that the run sent as bytes, put together."""
        return self._outputs.files

    @property
    def links(self) -> list[Json]:
        """Messages of type link, image, image_link and binary_link."""
        return self._outputs.links

    @property
    def model_calls(self) -> list[Call]:
        """The backwards calls of models."""
        return [call for call in self.requests if call.kind == "llm"]

    @property
    def tool_calls(self) -> list[Call]:
        """The backwards calls of tools."""
        return [call for call in self.requests if call.kind == "tool"]

    @property
    def lost_chunks(self) -> int:
        """Pieces of answers that the daemon would have dropped before the plugin read them."""
        return sum(call.lost_chunks for call in self.requests)

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._done.is_set()

    @property
    def failure(self) -> str | None:
        """Why the run counts as failed, in one sentence; nothing when it went well."""
        if self.error is not None:
            return self.error
        if self.lost:
            return f"{len(self.lost)} messages would have been lost in Dify's queue"
        if self.lost_chunks:
            return f"{self.lost_chunks} chunks would have been lost: the plugin did not read"
        if self.problems:
            return self.problems[0]
        return None if self.ended else "the run has not ended"

    @property
    def ok(self) -> bool:
        """Whether the run ended without an error, a lost message or a broken rule."""
        return self.failure is None

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def events(self) -> Iterator[RunEvent]:
        """Yield messages and backwards calls as they come, until the run ends. For one reader."""
        while (event := self._live.get()) is not None:
            yield event

    def stream(self) -> Iterator[Received]:
        """Yield the messages alone as they come. For one reader, like `events`."""
        for event in self.events():
            if isinstance(event, Received):
                yield event

    def wait(self, timeout: float) -> bool:
        """Wait for the end; False when it did not come in time."""
        return self._done.wait(timeout)

    def begin_call(self, kind: str, request: Json) -> Call:
        """Note a backwards call. Called by the host's reader alone."""
        if kind == "storage":
            # What a run keeps is no step of it: it has a list of its own, and nobody is told.
            self.stored.append(Call(number=0, kind=kind, request=request, asked_at=self.now()))
            return self.stored[-1]
        call = Call(number=len(self.requests) + 1, kind=kind, request=request, asked_at=self.now())
        self.requests.append(call)
        self._live.put(CallBegan(call.asked_at, call))
        return call

    def finish_call(self, call: Call) -> None:
        """Note that the answer to a call is over."""
        call.ended_at = self.now()
        if call.number:
            self._live.put(CallEnded(call.ended_at, call))

    def take(self, message: Json, at: float) -> None:
        """Note one stream message. Called by the host's reader."""
        if self.ended:
            return
        broken = problem(message, self._limits)
        if broken:
            self.problems.append(broken)
        if message.get("type") == "blob_chunk":
            self._take_piece(message, at)
        else:
            self._deliver(message, at)

    def fail(self, text: str, kind: str = "WorkbenchError", args: Json | None = None) -> None:
        """Note the error that ends the run; the first one stays."""
        if self.error is None:
            self.error, self.error_type, self.error_args = text, kind, args or {}

    def end(self) -> None:
        """Note that nothing more will come."""
        if self.ended:
            return
        self.ended_at = self.now()
        self._done.set()
        self._live.put(None)

    def _take_piece(self, message: Json, at: float) -> None:
        # Pieces wait in a queue that pushes back; only the finished file can be lost.
        try:
            file = self._blobs.add(message)
        except BlobError as error:
            self.fail(str(error), "PluginDaemonInternalServerError")
            self.end()
            return
        except (KeyError, TypeError):
            return  # the daemon skips a malformed piece without a word
        if file:
            self._outputs.files.append(file)
            self._deliver({"type": "blob", "message": {"blob": file.blob}, "meta": file.meta}, at)

    def _deliver(self, message: Json, at: float) -> None:
        if not self._queue.admits(at):
            self.lost.append(message)
            return
        received = Received(at - self.began, message)
        self.received.append(received)
        self._show(message)
        self._live.put(received)

    def _show(self, message: Json) -> None:
        body: Any = message.get("message")
        if not is_object(body):
            return
        match message.get("type"):
            case "text":
                self._outputs.text.append(str(body.get("text", "")))
            case "log":
                self._outputs.logs[str(body.get("id"))] = body
            case "json":
                self._show_json(body.get("json_object"))
            case "variable":
                self._show_variable(body)
            case "link" | "image" | "image_link" | "binary_link":
                self._outputs.links.append(message)
            case _:
                pass

    def _show_json(self, value: Any) -> None:
        # Every JSON message sets the totals anew, one without them to nothing.
        if not is_object(value):
            self._outputs.usage = {}
            self._outputs.json.append(value)
            return
        rest: Json = dict(value)
        self._outputs.usage = rest.pop("execution_metadata", None) or {}
        if rest:
            self._outputs.json.append(rest)

    def _show_variable(self, body: Json) -> None:
        name, value = str(body.get("variable_name")), body.get("variable_value")
        if body.get("stream"):
            value = str(self._outputs.variables.get(name, "")) + str(value)
        self._outputs.variables[name] = value
