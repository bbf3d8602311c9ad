"""Dify's plugin daemon, as far as one agent strategy can tell the difference.

The host starts the plugin, sends it runs, answers its backwards calls with a model and a toolbox of
tools, and keeps what the plugin sends. It enforces the daemon's limits instead of hiding them: see
limits.py, request_rules.py and message_rules.py. It never imports the plugin's SDK, which would
turn its threads into greenlets.

    with Host(Path()) as host:
        run = host.run(parameters, model=model, tools=tools)
        print(run.text, run.failure)
"""

import atexit
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from workbench.base.ports import AnswerError, Json, Model, Toolbox, WorkbenchError, is_object
from workbench.base.services import Service
from workbench.host import payload
from workbench.host.answers import Answer
from workbench.host.record import Run
from workbench.host.request_rules import check_model_request, check_tool_request
from workbench.host.storage import Storage
from workbench.runtimes import frames
from workbench.runtimes.http import HttpLink
from workbench.runtimes.limits import DAEMON, MEBIBYTE, Limits
from workbench.runtimes.links import Callbacks, Link, Runtime
from workbench.runtimes.pipe import Outlet, PluginGoneError
from workbench.runtimes.stdio import StdioLink
from workbench.runtimes.tcp import TcpLink

_WATCH_SECONDS = 0.25
_LINKS: dict[Runtime, Callable[[Path, Limits, Callbacks], Link]] = {
    "stdio": StdioLink,
    "tcp": TcpLink,
    "http": HttpLink,
}
_PERMISSIONS = {
    "llm": ("model", "llm"),
    "tool": ("tool", "enabled"),
    "storage": ("storage", "enabled"),
}


class NoTools:
    """The toolbox of a run that offers none."""

    def call(self, request: Json) -> Iterator[Json]:
        """Refuse, as Dify refuses a tool that it does not know."""
        raise AnswerError(
            f'{{"error":"tool {request.get("tool")} not found"}}', stage="invoke", status=500
        )


@dataclass(frozen=True, slots=True)
class _Session:
    run: Run
    model: Model
    tools: Toolbox


class Host(Service):
    """One process of the plugin and the runs in it."""

    def __init__(
        self,
        plugin: Path,
        *,
        runtime: Runtime = "stdio",
        limits: Limits = DAEMON,
        storage: Storage | None = None,
    ) -> None:
        self._plugin = plugin.resolve()
        self._open = _LINKS[runtime]
        self._limits = limits
        self.storage = storage or Storage()
        """What the daemon keeps for the plugin; it outlives the plugin's process."""
        self._link: Link | None = None
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self._beat = threading.Event()
        self._beat_at = 0.0
        self._ended: str | None = None
        self.files_at = ""
        """The origin that serves files; blank when Dify has no place to upload any."""
        self.manifest: Json = {}
        """What the plugin declared before anything else."""
        self.broken_lines: list[bytes] = []
        """Lines of the plugin that were not valid JSON; the daemon only logs them."""
        self.notes: list[Json] = []
        """Log and error events of the plugin that belong to no run."""

    def __enter__(self) -> Self:
        self.start_plugin()
        return self

    @property
    def pid(self) -> int:
        """The plugin's process id."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether the plugin's process can take runs."""
        return self._link is not None and self._ended is None

    @property
    def stderr_lines(self) -> list[str]:
        """The last lines of the plugin's stderr."""
        return list(self._link.stderr_lines) if self._link else []

    @property
    def link(self) -> Link:
        """The plugin's process and the way to it."""
        return self._running()

    def start_plugin(self) -> None:
        """Start the process and wait for its first heartbeat, or until it can take runs."""
        self.stop()
        self._beat.clear()
        self._ended = None
        callbacks = Callbacks(
            on_line=self._read,
            on_declared=self._declare,
            on_ready=self._beat.set,
            on_closed=self._end_session,
            on_end=self._lose_plugin,
        )
        self._link = self._open(self._plugin, self._limits, callbacks)
        atexit.register(self.stop)
        threading.Thread(target=self._watch, args=(self._link,), daemon=True).start()
        if not self._beat.wait(self._limits.start_seconds) or self._ended:
            reason = self._ended or f"no heartbeat in {self._limits.start_seconds:.0f} s"
            stderr_lines = "\n".join(self.stderr_lines[-20:])
            self.stop()
            raise WorkbenchError(f"The plugin did not start: {reason}.\n{stderr_lines}".rstrip())

    def stop(self) -> None:
        """End the process and every run in it."""
        link, self._link = self._link, None
        if link is not None:
            link.stop()
            atexit.unregister(self.stop)
        self._end_all("the host was stopped")

    def start(
        self,
        parameters: Json,
        *,
        model: Model,
        tools: Toolbox | None = None,
        strategy: str = "function_calling",
        context: Json | None = None,
        conversation: str | None = None,
    ) -> Run:
        """Begin a run and return at once. A plugin that died is started anew, as Dify does it.

        `conversation` is the id of the Chatflow's conversation; a Workflow has none.
        """
        if not self.alive:
            self.start_plugin()
        run = Run(uuid.uuid4().hex, self._limits)
        frame = payload.request_frame(
            run.session, strategy, parameters, context=context, conversation=conversation
        )
        with self._lock:
            self._sessions[run.session] = _Session(run, model, tools or NoTools())
        try:
            self._running().request(run.session, frames.encoded(frame))
        except PluginGoneError as error:
            self._end_session(run.session, f"the plugin took no request: {error}")
        return run

    def run(
        self,
        parameters: Json,
        *,
        model: Model,
        tools: Toolbox | None = None,
        strategy: str = "function_calling",
        context: Json | None = None,
        conversation: str | None = None,
        timeout: float = 60,
    ) -> Run:
        """Begin a run and wait for its end."""
        run = self.start(
            parameters,
            model=model,
            tools=tools,
            strategy=strategy,
            context=context,
            conversation=conversation,
        )
        self.finish(run, timeout=timeout)
        return run

    def finish(self, run: Run, *, timeout: float = 60) -> None:
        """Wait for a run's end; one that takes longer is failed as the daemon fails it."""
        if not run.wait(min(timeout, self._limits.run_seconds)):
            self._end_session(run.session, "killed by timeout")

    def abandon(self, run: Run, reason: str) -> None:
        """End a run for its reader. As in Dify, nobody tells the plugin, which works on unheard."""
        self._end_session(run.session, reason)

    def _watch(self, link: Link) -> None:
        while self._link is link and self._ended is None:
            time.sleep(_WATCH_SECONDS)
            with self._lock:
                sessions = list(self._sessions.values())
            silent = time.monotonic() - self._beat_at
            if link.beats and self._beat.is_set() and silent > self._limits.silent_seconds:
                link.end(f"plugin is not active for {silent:.0f} seconds, it may be dead")
            for session in sessions:
                if session.run.now() > self._limits.run_seconds:
                    self._end_session(session.run.session, "killed by timeout")

    def _running(self) -> Link:
        if self._link is None:
            raise WorkbenchError("The plugin is not running: start the host first.")
        return self._link

    def _declare(self, manifest: Json) -> None:
        self.manifest = self.manifest or manifest

    def _read(self, line: bytes, at: float, outlet: Outlet) -> None:
        frame = frames.decoded(line)
        if frame is None:
            self.broken_lines.append(line)
            outlet.done()
            return
        match frame.get("event"):
            case "session":
                self._read_session(frame, at, outlet)
            case "heartbeat":
                self._beat_at = at
                self._beat.set()
            case "log" | "error":
                self.notes.append(frame)
            case _:
                self._declare(frame)

    def _read_session(self, frame: Json, at: float, outlet: Outlet) -> None:
        with self._lock:
            session = self._sessions.get(str(frame.get("session_id")))
        data: Any = frame.get("data")
        if session is None or not is_object(data):
            outlet.done()
            return  # the daemon, too, hears nobody who speaks after the end
        body: Json = data.get("data") or {}
        match data.get("type"):
            case "stream":
                session.run.take(body, at)
            case "invoke":
                self._answer(session, body, outlet)
            case "error":
                args: Any = body.get("args")
                session.run.fail(str(body.get("message")), str(body.get("error_type")), args)
            case "end":
                self._end_session(session.run.session, None)
            case _:
                pass

    def _answer(self, session: _Session, body: Json, outlet: Outlet) -> None:
        kind = str(body.get("type"))
        request: Json = body.get("request") or {}
        call = session.run.begin_call(kind, request)
        Answer(
            run=session.run,
            call=call,
            request_id=str(body.get("backwards_request_id")),
            pieces=self._pieces(session, kind, request),
            outlet=outlet,
            limits=self._limits,
        ).start()

    def _pieces(self, session: _Session, kind: str, request: Json) -> Iterator[Json]:
        # A generator, so that rules and answers alike run in the call's own thread.
        if kind == "upload_file" and self.files_at:
            yield {"url": f"{self.files_at}/files/upload/for-plugin?sign=workbench"}
            return
        permission = self._permission(kind)
        if kind == "storage":
            yield from self.storage.answer(request, int(permission.get("size") or MEBIBYTE))
            return
        answers: dict[str, tuple[Callable[[Json], None], Callable[[Json], Iterator[Json]]]] = {
            "llm": (check_model_request, session.model.answer),
            "tool": (check_tool_request, session.tools.call),
        }
        check, answer = answers[kind]
        check(request)
        yield from answer(request)

    def _permission(self, kind: str) -> Json:
        """Return what the manifest says of the plugin's right to ask for something."""
        if kind not in _PERMISSIONS:
            raise AnswerError(
                f"unsupported invoke type: {kind} (the workbench answers llm, tool and storage)",
                stage="wire",
            )
        group, name = _PERMISSIONS[kind]
        resource: Json = self.manifest.get("resource") or {}
        permissions: Json = resource.get("permission") or {}
        permission: Json = permissions.get(group) or {}
        if not permission.get(name):
            raise AnswerError(
                f"permission denied, you need to enable {kind} access in plugin manifest",
                stage="wire",
            )
        return permission

    def _end_session(self, name: str, error: str | None) -> None:
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is None:
            return
        if error is not None:
            session.run.fail(error)
        session.run.end()

    def _lose_plugin(self, reason: str) -> None:
        self._ended = reason
        self._beat.set()
        self._end_all(reason)

    def _end_all(self, reason: str) -> None:
        with self._lock:
            names = list(self._sessions)
        for name in names:
            self._end_session(name, reason)
