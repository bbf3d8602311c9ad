"""Tools of MCP servers, started by a command and spoken to over stdio.

The client library is asynchronous; its loop runs in a thread of its own, and each server lives in
one task there, from its start to its end.
"""

import asyncio
import shlex
import shutil
import sys
import threading
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import AudioContent, CallToolResult, ImageContent, TextContent, Tool

from workbench.base.output import silence
from workbench.base.ports import AnswerError, Json, UsageError, WorkbenchError
from workbench.base.services import Service
from workbench.host.payload import schema_parameters, tool_value
from workbench.tools.builtin import text_message

_START_SECONDS = 30.0
_CALL_SECONDS = 240.0
_STOP_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class _Server:
    name: str
    client: Client
    tools: Sequence[Tool]
    leave: asyncio.Event


class McpTools(Service):
    """The tools of the servers behind these commands. A context manager: it stops them."""

    def __init__(self, commands: Sequence[str]) -> None:
        silence("mcp")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: dict[str, _Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            for command in commands:
                self._add(command)
        except BaseException:
            self.stop()
            raise

    @property
    def entities(self) -> Sequence[Json]:
        """The tools as Dify presents MCP tools."""
        return [
            tool_value(
                tool.name,
                provider=server.name,
                description=tool.description or "",
                parameters=schema_parameters(tool.input_schema),
                provider_type="mcp",
            )
            for server in self._servers.values()
            for tool in server.tools
        ]

    def call(self, request: Json) -> Iterator[Json]:
        """Call a tool and write its content as Dify's messages."""
        server = self._servers[request["provider"]]
        try:
            result = self._await(
                server.client.call_tool(request["tool"], request["tool_parameters"]),
                _CALL_SECONDS,
            )
        except TimeoutError as error:
            raise AnswerError(f"{server.name} gave no answer in {_CALL_SECONDS:.0f} s") from error
        if result.is_error:
            raise AnswerError(" ".join(_texts(result)) or "the MCP tool failed without a word")
        yield from _messages(result)

    def stop(self) -> None:
        """End all servers and the thread."""
        if self._loop.is_closed():
            return
        try:
            self._await(self._leave_all(), _STOP_SECONDS)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_SECONDS)
            if not self._thread.is_alive():
                self._loop.close()

    def _add(self, command: str) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(
                f"--mcp {command!r} cannot be read as a command: a quotation mark is not closed,"
                " or a backslash stands at the end."
            ) from error
        if not words:
            raise UsageError("--mcp names no command: give one such as 'mcp-server-time'.")
        ready: Future[_Server] = Future()
        self._await(self._open(words, ready), _START_SECONDS)
        try:
            server = ready.result(_START_SECONDS)
        except Exception as error:
            raise WorkbenchError(
                f"The MCP server {command!r} did not start ({_innermost(error)})."
                " Run the command by itself to see why."
            ) from error
        while server.name in self._servers:
            server.name += "_2"
        self._servers[server.name] = server

    async def _open(self, words: list[str], ready: "Future[_Server]") -> None:
        task = asyncio.create_task(_live(words, ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave_all(self) -> None:
        for server in self._servers.values():
            server.leave.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS / 2)
            for task in late:
                task.cancel()

    def _await[T](self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


async def _live(words: list[str], ready: "Future[_Server]") -> None:
    parameters = StdioServerParameters(command=_found(words[0]), args=words[1:])
    try:
        async with Client(parameters) as client:
            listed = await client.list_tools()
            info = client.server_info
            name = info.name if info else words[-1]
            server = _Server(name=name, client=client, tools=listed.tools, leave=asyncio.Event())
            ready.set_result(server)
            await server.leave.wait()
    except Exception as error:  # noqa: BLE001 - a server may fail in any way
        if not ready.done():
            ready.set_exception(error)


def _texts(result: CallToolResult) -> list[str]:
    return [part.text for part in result.content if isinstance(part, TextContent)]


def _messages(result: CallToolResult) -> Iterator[Json]:
    for part in result.content:
        match part:
            case TextContent(text=text):
                yield text_message(text)
            case ImageContent(mime_type=kind):
                yield _stored("image_link", kind)
            case AudioContent(mime_type=kind):
                yield _stored("binary_link", kind)
            case _:
                yield text_message(part.model_dump_json())
    if result.structured_content is not None and not result.content:
        yield {"type": "json", "message": {"json_object": result.structured_content}, "meta": {}}


def _stored(kind: str, mime_type: str) -> Json:
    # Dify keeps the bytes and hands out a link; the workbench has no store behind it.
    name = uuid.uuid4().hex
    return {
        "type": kind,
        "message": {"text": f"/files/tools/{name}"},
        "meta": {"tool_file_id": name, "mime_type": mime_type},
    }


def _found(command: str) -> str:
    # What is installed beside this Python is meant, also when its directory is not on the path.
    beside = Path(sys.executable).parent / command
    return str(beside) if shutil.which(command) is None and beside.is_file() else command


def _innermost(error: BaseException) -> str:
    for inner in getattr(error, "exceptions", ()):  # those of an exception group
        return _innermost(inner)
    return str(error) or type(error).__name__
