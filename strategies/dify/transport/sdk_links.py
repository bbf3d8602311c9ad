"""Where our links hang on the SDK: what is expected of it, and what is replaced in it.

Nothing here is decided by the SDK's version: its names, signatures and frames are compared with
those that our links were written for.
"""

import json
from collections.abc import Iterator
from functools import cache, partial
from inspect import signature
from types import FunctionType, SimpleNamespace
from typing import Any, cast, override

import httpx
from dify_plugin import plugin
from dify_plugin.core import runtime
from dify_plugin.core.entities.plugin.io import PluginInStream
from dify_plugin.core.server.__base.response_writer import ResponseWriter
from dify_plugin.core.server.__base.writer_entities import Event
from dify_plugin.core.server.serverless import request_reader as serverless
from dify_plugin.core.server.serverless.response_writer import ServerlessResponseWriter
from dify_plugin.core.server.stdio.request_reader import StdioRequestReader
from dify_plugin.core.server.stdio.response_writer import StdioResponseWriter
from dify_plugin.core.server.tcp import request_reader as tcp
from pydantic import TypeAdapter

from strategies.dify.transport.links import HttpOutput, RemoteLink, Writer
from strategies.dify.transport.stdio import StandardInput, StandardOutput
from strategies.dify.wire_values import Json

_REPLACED: tuple[tuple[Any, type, type], ...] = (
    (plugin, StdioRequestReader, StandardInput),
    (plugin, StdioResponseWriter, StandardOutput),
    (plugin, tcp.TCPReaderWriter, RemoteLink),
    (serverless, ServerlessResponseWriter, HttpOutput),
)
"""The module that makes a link, the SDK's class, and ours, which is derived from it."""

_MADE_WITH: tuple[tuple[Any, str], ...] = (
    (StdioRequestReader, ""),
    (StdioResponseWriter, ""),
    (
        PluginInStream,
        "session_id event data reader writer conversation_id message_id app_id endpoint_id context",
    ),
)
"""What is made with exactly these parameters."""

_HAVE: tuple[tuple[Any, str], ...] = (
    (tcp.TCPReaderWriter, "on_connected"),
    (runtime.Session, "session_id"),
    (runtime.Session, "reader"),
    (runtime.Session, "writer"),
    (runtime.Session, "max_invocation_timeout"),
)
"""What is made with this parameter among others."""


def differences() -> Iterator[str]:
    """Name what is not as our links expect it."""
    for module, theirs, ours in _REPLACED:
        if getattr(module, theirs.__name__, None) is not theirs:
            yield f"{module.__name__} does not make its link by {theirs.__name__}"
        yield from _overriding(ours)
    for made, expected in _MADE_WITH:
        if " ".join(signature(made).parameters) != expected:
            yield f"{made.__name__} is made with other parameters"
    for made, expected in _HAVE:
        if expected not in signature(made).parameters:
            yield f"{made.__name__} is made without {expected}"
    if not hasattr(StdioRequestReader, "_read_async"):
        yield "StdioRequestReader does not read by _read_async"
    for module in (tcp, runtime):
        if getattr(module, "TypeAdapter", None) is not TypeAdapter:
            yield f"{module.__name__} reads lines by another parser"
    if getattr(runtime, "httpx", None) is not httpx:
        yield f"{runtime.__name__} calls back by another client"
    if _said_by(_Ours()) != _said_by(_Theirs()):
        yield "its frames have another form"


def replace(*, serverless: bool) -> None:
    """Put our links in the SDK's place; what may fail comes first, so that it is all or nothing."""
    if serverless:
        _share_tls()
    for module, theirs, ours in _REPLACED:
        setattr(module, theirs.__name__, ours)
    # The SDK builds a parser for every line, but every line is read as the same type.
    for module in (tcp, runtime):
        cast("Any", module).TypeAdapter = cache(TypeAdapter[Any])


def _share_tls() -> None:
    """Use one TLS context for all calls back to Dify over HTTP.

    The SDK opens an HTTP client for each call, and each client reads all certificates that the
    system trusts: some 30 ms of CPU, in which the process hears nobody, for every model and tool
    call. The context holds no connection and nothing of any run, so all calls may share one.
    """
    client = partial(httpx.Client, verify=httpx.create_ssl_context())
    cast("Any", runtime).httpx = SimpleNamespace(**{**vars(httpx), "Client": client})


def _overriding(ours: type) -> Iterator[str]:
    """Name the methods of the SDK that a link overrides and that are missing or take others."""
    for at, owner in enumerate(ours.__mro__):
        for name, method in vars(owner).items():
            if not isinstance(method, FunctionType) or not getattr(method, "__override__", False):
                continue
            bases = (base for base in ours.__mro__[at + 1 :] if name in vars(base))
            base = next(bases, None)
            if base is None:
                yield f"{ours.__name__} overrides {name}, which is missing"
            elif [*signature(vars(base)[name]).parameters] != [*signature(method).parameters]:
                yield f"{base.__name__}.{name} takes other parameters"


class _Theirs(ResponseWriter):
    """The SDK's frames, kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @override
    def write(self, data: str) -> None:
        self.said.append(data)

    @override
    def done(self) -> None:
        pass


class _Ours(Writer, _Theirs):
    """Our frames, kept."""


def _said_by(writer: Any) -> list[object]:
    """One frame of each kind, as the daemon reads it."""
    value: Json = {"name": "größer", "items": [1, 2.5, None, True, {}]}
    call: Json = {"type": "llm", "backwards_request_id": "1", "request": value}
    writer.heartbeat()
    writer.error("run", value)
    writer.put(Event.SESSION, "run", writer.stream_object(value))
    writer.session_message("run", writer.stream_error_object(value))
    writer.session_message("run", writer.stream_end_object())
    writer.session_message("run", writer.stream_invoke_object(call))
    writer.said.append(writer.session_message_text("run", writer.stream_invoke_object(call)))
    return [json.loads(line) for line in "".join(writer.said).splitlines() if line]
