"""The SDK's links to Dify, changed in all three runtimes.

They hang on the SDK's inner parts, so requirements.txt pins the SDK.
"""

import socket
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, override

from dify_plugin import plugin as sdk
from dify_plugin.core import runtime
from dify_plugin.core.server.serverless import request_reader as serverless
from dify_plugin.core.server.serverless.response_writer import ServerlessResponseWriter
from dify_plugin.core.server.tcp import request_reader as tcp
from pydantic import TypeAdapter

from strategies.dify.transport.links import Reader, Writer
from strategies.dify.transport.stdio import StandardInput, StandardOutput


def use_links() -> None:
    """Let the SDK make these links in place of its own; called before it makes any."""
    _replace(sdk, StdioRequestReader=StandardInput, StdioResponseWriter=StandardOutput)
    _replace(sdk, TCPReaderWriter=RemoteLink)
    _replace(serverless, ServerlessResponseWriter=HttpOutput)
    # The SDK builds a parser for every line, but every line is read as the same type.
    for module in (tcp, runtime):
        _replace(module, TypeAdapter=cache(TypeAdapter[Any]))


def _replace(module: object, **names: object) -> None:
    for name, value in names.items():
        setattr(module, name, value)


class RemoteLink(Reader, Writer, tcp.TCPReaderWriter):
    """A connection to the daemon, for debugging.

    The SDK writes a frame and its end apart, and the system holds the second back for up to 40 ms.
    It locks a piece of a frame alone, so that two runs' frames could mix while the daemon does not
    read.
    """

    def __init__(
        self, *arguments: Any, on_connected: Callable[[], object] | None = None, **named: Any
    ) -> None:
        # A write that fails connects anew and writes the plugin's declarations, inside this lock.
        self._lock = threading.RLock()
        self._greet = on_connected
        super().__init__(*arguments, on_connected=self._connected, **named)

    @override
    def write(self, data: str) -> None:
        """Write a frame whole."""
        with self._lock:
            super().write(data)

    def _connected(self) -> None:
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._greet is not None:
            self._greet()


class HttpOutput(Writer, ServerlessResponseWriter):
    """The answer of the plugin's server to one request of Dify."""
