"""The commands. Each is imported when it is asked for, so that parsing starts at once."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from workbench.base.output import say, say_error
from workbench.base.ports import UsageError, WorkbenchError

_COMMANDS = {
    "run": ("workbench.commands.run", "ask a question through the plugin's real process"),
    "serve": ("workbench.commands.serve", "open a chat page on this machine"),
    "evaluate": ("workbench.commands.evaluate", "play tasks with a model in every protocol"),
    "export": ("workbench.commands.export", "send saved runs as OpenTelemetry spans"),
    "parse": ("workbench.commands.parse", "show what a model's reply parses into"),
    "arguments": ("workbench.commands.arguments", "show how a model's tool arguments are read"),
}
_EXIT_CODES = """

Exit codes: 0 all went well (`evaluate`: everything was played, also where answers are wrong);
1 a run failed, or a file, server or key that was named is not there; 2 the command line was not
understood; 130 interrupted."""
_FAILED = 1
_MISUSED = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run a command and return the exit code."""
    if arguments and arguments[0] in ("-h", "--help"):
        say(_usage())
        return 0
    if not arguments or arguments[0] not in _COMMANDS:
        wanted = f"There is no command {arguments[0]!r}.\n\n" if arguments else ""
        say_error(wanted + _usage())
        return _MISUSED
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _run(arguments[0], arguments[1:])
    except KeyboardInterrupt:
        say_error("Interrupted: the plugin and the servers are stopped.")
        return _INTERRUPTED


def _run(name: str, arguments: Sequence[str]) -> int:
    command: Any = importlib.import_module(_COMMANDS[name][0])
    try:
        return int(command.main(arguments))
    except WorkbenchError as error:
        say_error(str(error))
        return _MISUSED if isinstance(error, UsageError) else _FAILED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing may try to write the rest at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED


def _usage() -> str:
    lines = [f"  {name:<10} {purpose}" for name, (_, purpose) in _COMMANDS.items()]
    return "Usage: python -m workbench COMMAND [--help]\n\n" + "\n".join(lines) + _EXIT_CODES


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Ends as Ctrl-C does, so that no process stays behind.
    raise KeyboardInterrupt
