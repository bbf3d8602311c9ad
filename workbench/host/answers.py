"""Answering one backwards call: the model or tool on one side, the plugin's stdin on the other.

Two threads, as the daemon has two goroutines: one takes what the model yields, the other writes it
to the plugin. Between them wait at most 1,024 pieces. When the plugin does not read and the queue
is full, the daemon drops pieces in silence; here they are counted, and the run has failed. Once the
run has ended for its reader, nothing more is answered, not even the end.
"""

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from workbench.base.ports import AnswerError, Json
from workbench.host.record import Call, Run
from workbench.runtimes import frames
from workbench.runtimes.limits import Limits
from workbench.runtimes.pipe import Outlet, PluginGoneError

_FAILED = {
    "llm": ("invoke llm model failed: ", "read llm model failed: "),
    "tool": ("invoke tool failed: ", "read tool response failed: "),
}
_LINES_AT_ONCE = 64
_BREATH = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One backwards call and where its answer goes."""

    run: Run
    call: Call
    request_id: str
    pieces: Iterator[Json]
    outlet: Outlet
    limits: Limits

    def start(self) -> None:
        """Answer in threads of its own."""
        waiting: queue.Queue[bytes | None] = queue.Queue(self.limits.waiting_chunks)
        threading.Thread(target=self._ask, args=(waiting,), daemon=True).start()
        threading.Thread(target=self._send, args=(waiting,), daemon=True).start()

    def _ask(self, waiting: queue.Queue[bytes | None]) -> None:
        error: str | None = None
        try:
            self._take_pieces(waiting)
        except AnswerError as failure:
            error = wire_text(self.call.kind, failure)
        except Exception as failure:  # noqa: BLE001 - models and tools are foreign code
            error = wire_text(self.call.kind, AnswerError(_as_plugin_error(failure)))
        if error is not None:
            self.call.error = error
            waiting.put(frames.error(self.run.session, self.request_id, error))
        waiting.put(frames.end(self.run.session, self.request_id))
        waiting.put(None)

    def _take_pieces(self, waiting: queue.Queue[bytes | None]) -> None:
        began: float | None = None
        for piece in self.pieces:
            now = time.monotonic()
            began = began or now
            if now - began > self.limits.answer_seconds:
                raise self._unreadable("http: read on closed response body")
            self.call.pieces.append(piece)
            line = frames.response(self.run.session, self.request_id, piece)
            if len(line) > self.limits.answer_bytes:
                raise self._unreadable(f"data length is too long: {len(line)}")
            if not self._offer(waiting, line):
                self.call.lost_chunks += 1

    def _unreadable(self, problem: str) -> AnswerError:
        return AnswerError(_FAILED[self.call.kind][1] + problem, stage="wire")

    def _offer(self, waiting: queue.Queue[bytes | None], line: bytes) -> bool:
        while True:
            try:
                waiting.put_nowait(line)
            except queue.Full:
                # Only a plugin that does not read loses pieces, never our own slowness.
                if self.outlet.stuck_for() > self.limits.stalled_seconds:
                    return False
                time.sleep(_BREATH)
            else:
                return True

    def _send(self, waiting: queue.Queue[bytes | None]) -> None:
        over = False
        try:
            with suppress(PluginGoneError):
                while not over:
                    lines, over = _next_lines(waiting)
                    if self.run.ended:
                        break
                    if self.call.first_answer_at is None:
                        self.call.first_answer_at = self.run.now()
                    self.call.answered += len(lines)
                    if over:
                        # Before the plugin knows it: its run may end at once.
                        self.run.finish_call(self.call)
                    self.outlet.send(b"".join(lines))
            if not over:
                _drain(waiting)
        finally:
            self.outlet.done()


def wire_text(kind: str, failure: AnswerError) -> str:
    """Say a failure in the words in which it reaches the plugin."""
    before, during = _FAILED.get(kind, _FAILED["tool"])
    match failure.stage:
        case "wire":
            return failure.text
        case "invoke":
            return (
                f"{before}request failed with status code: {failure.status}"
                f" and respond with: {failure.text}"
            )
        case "read":
            return f"{during}request failed: {failure.text}"


def _as_plugin_error(failure: Exception) -> str:
    described: Json = {"args": {}, "error_type": type(failure).__name__, "message": str(failure)}
    return f"req_id: workbench PluginInvokeError: {json.dumps(described)}"


def _next_lines(waiting: queue.Queue[bytes | None]) -> tuple[list[bytes], bool]:
    lines: list[bytes] = []
    line = waiting.get()
    while line is not None:
        lines.append(line)
        if len(lines) == _LINES_AT_ONCE:
            return lines, False
        try:
            line = waiting.get_nowait()
        except queue.Empty:
            return lines, False
    return lines, True


def _drain(waiting: queue.Queue[bytes | None]) -> None:
    while waiting.get() is not None:
        pass
