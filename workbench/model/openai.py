"""A model behind any OpenAI-compatible server, asked through the SDK's own model class.

The class runs in `workbench.model.worker`; this side hands requests over and sorts the pieces.
"""

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.base.ports import AnswerError, Json, is_object
from workbench.base.services import Service, stop_process
from workbench.model.endpoint import Endpoint

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60.0
_PATIENCE = 2.0
# In these families Dify's core passes on the text alone.
_CLEAN = frozenset(
    {
        "InvokeAuthorizationError",
        "InvokeBadRequestError",
        "InvokeConnectionError",
        "InvokeRateLimitError",
        "InvokeServerUnavailableError",
    }
)


class OpenAIModel(Service):
    """The worker process and the calls that wait for it. A context manager: it stops the worker."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._waiting: dict[int, queue.SimpleQueue[Json]] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._gone = False
        self._process = _start(endpoint)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def answer(self, request: Json) -> Iterator[Json]:
        """Ask the server and yield the reply's chunks."""
        self._await_worker()
        pieces: queue.SimpleQueue[Json] = queue.SimpleQueue()
        number = next(self._numbers)
        self._waiting[number] = pieces
        try:
            self._send({"id": number, "request": request})
            while not (line := pieces.get()).get("end"):
                if "error" in line:
                    raise AnswerError(_as_dify_says(line))
                yield line["piece"]
        finally:
            del self._waiting[number]

    def stop(self) -> None:
        """End the worker."""
        stop_process(self._process)
        self._reader.join(_PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _await_worker(self) -> None:
        if not self._ready.wait(_START_SECONDS) or self._gone:
            raise AnswerError("the workbench's model worker did not start")

    def _send(self, line: Json) -> None:
        if self._process.stdin is None:
            raise AnswerError("the workbench's model worker takes no requests")
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(line).encode() + b"\n")
                self._process.stdin.flush()
            except OSError as error:
                raise AnswerError("the workbench's model worker has ended") from error

    def _read(self) -> None:
        for raw in self._process.stdout or ():
            line: Any = json.loads(raw)
            if not is_object(line):
                continue
            if line.get("ready"):
                self._ready.set()
            elif (pieces := self._waiting.get(line["id"])) is not None:
                pieces.put(line)
        self._gone = True
        self._ready.set()
        for pieces in list(self._waiting.values()):
            pieces.put({"error": "the workbench's model worker has ended", "kind": ""})


def _start(endpoint: Endpoint) -> subprocess.Popen[bytes]:
    credentials = {
        "endpoint_url": endpoint.base_url,
        "mode": "chat",
        "function_calling_type": "tool_call",
        "stream_function_calling": "supported",
        "vision_support": "support",
        "input_price": endpoint.input_price,
        "output_price": endpoint.output_price,
        "unit": endpoint.price_unit,
        "currency": endpoint.currency,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.model.worker", json.dumps(credentials)],
        cwd=_ROOT,
        env={**os.environ, "WORKBENCH_MODEL_KEY": endpoint.api_key},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _as_dify_says(line: Json) -> str:
    text = str(line["error"])
    if line.get("kind") in _CLEAN:
        return text
    described: Json = {"args": {}, "error_type": line.get("kind"), "message": text}
    return f"req_id: workbench PluginInvokeError: {json.dumps(described)}"
