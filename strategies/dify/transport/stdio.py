"""Standard input and output, by which the daemon speaks with a plugin that it has installed.

What the plugin does not read in time, the daemon drops without a word (docs/dify.md, "Limits and
losses"). So standard input is waited for, where the SDK reads it in a second thread that must be
woken for every line; and what is written in one turn of the process's loop leaves together.
"""

import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, override

from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.core.entities.plugin.io import PluginInStream, PluginInStreamEvent
from dify_plugin.core.server.__base.writer_entities import Event
from dify_plugin.core.server.stdio.request_reader import StdioRequestReader
from dify_plugin.core.server.stdio.response_writer import StdioResponseWriter
from gevent import get_hub
from gevent import os as gevent_os
from pydantic_core import from_json

from strategies.agent.streaming.yielding import give_way
from strategies.dify.transport.frames import Written
from strategies.dify.transport.links import Reader, Writer

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)

_INPUT, _OUTPUT = 0, 1
_ANSWER = PluginInStreamEvent.BackwardInvocationResponse.value
_PATIENCE = 0.5
"""Seconds until the end of input is looked at again."""
_MOST_PIECES = 1_024
"""What Linux takes in one write (IOV_MAX)."""
_AT_ONCE = 64 * 1024
"""Bytes read before other runs get their turn."""


class StandardOutput(Writer, StdioResponseWriter):
    """What is written in one turn of the process's loop leaves at its end, in one piece."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._hub = get_hub()

    @override
    def _send(self, whole: Written) -> None:
        if not self._waiting:
            loop = self._hub.loop
            # A thread that is no greenlet has a hub of its own, which may never run.
            here = get_hub() is self._hub
            (loop.run_callback if here else loop.run_callback_threadsafe)(self.flush)
        self._waiting += whole.pieces

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _MOST_PIECES):
            _write(waiting[start : start + _MOST_PIECES])


def _write(pieces: Sequence[bytes]) -> None:
    """Write all of the pieces; the system may take fewer of them at once, or none together."""
    written = os.writev(_OUTPUT, pieces) if sys.platform != "win32" else 0
    if written < sum(map(len, pieces)):
        sys.stdout.buffer.write(b"".join(pieces)[written:])
        sys.stdout.buffer.flush()


class StandardInput(Reader, StdioRequestReader):
    """Requests to start runs, and the answers to the calls of all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.output = StandardOutput()

    @override
    def event_loop(self) -> None:
        """Read lines as long as the process lives."""
        read = self._opened()
        while True:
            try:
                self.hear(read)
            except OSError:
                _log.exception("Standard input could not be read")
            # The daemon has gone; the SDK watches for that and ends the process.
            time.sleep(_PATIENCE)

    def _opened(self) -> Callable[[], bytes]:
        """Make ready to read, and return how."""
        if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(_INPUT).st_mode):
            return self._read_async
        gevent_os.make_nonblocking(_INPUT)
        return partial(gevent_os.nb_read, _INPUT, _AT_ONCE)

    def hear(self, read: Callable[[], bytes]) -> None:
        """Take lines until there is nothing more to read, which a blank read says."""
        for line in lines(read):
            if line.strip():
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            read = from_json(line)
            if read["event"] != _ANSWER or not self.answers.take(read["data"]):
                self._process_line(self._request(read))
        except Exception as error:  # noqa: BLE001 - no line may end the reading of the others
            self.output.put(Event.ERROR, data={"error": f"A line could not be read: {error}"})

    def _request(self, read: dict[str, Any]) -> PluginInStream:
        return PluginInStream(
            session_id=read["session_id"],
            conversation_id=read.get("conversation_id"),
            message_id=read.get("message_id"),
            app_id=read.get("app_id"),
            endpoint_id=read.get("endpoint_id"),
            event=PluginInStreamEvent.value_of(read["event"]),
            data=read["data"],
            context=read.get("context"),
            reader=self,
            writer=self.output,
        )


def lines(read: Callable[[], bytes]) -> Iterator[bytes]:
    """Cut what is read into lines; the end of input is a blank read."""
    begun: list[bytes] = []
    seen = 0
    while data := read():
        first, *others = data.split(b"\n")
        begun.append(first)
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun = [others[-1]]
        seen += len(data)
        if seen >= _AT_ONCE:
            give_way()
            seen = 0
