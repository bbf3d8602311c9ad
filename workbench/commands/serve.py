"""`workbench serve`: a chat page on this machine, to ask the plugin and watch it work."""

import argparse
import threading
from collections.abc import Sequence

from workbench.base.output import say
from workbench.bench.bench import open_bench
from workbench.commands.command_line import Parser
from workbench.commands.inputs import json_lines
from workbench.commands.options import (
    add_bench_options,
    add_parameters,
    check_parameters,
    chosen_strategies,
    equipment,
    parameters,
    port,
)
from workbench.page.chat_server import Chat, ChatServer

_PORT = 8765


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    options = _parser().parse_args(arguments)
    settings = parameters(options)
    known = chosen_strategies(options.plugin, [])
    check_parameters(settings, known)
    saved = [line for name in options.saved for line in json_lines(name)]
    with open_bench(equipment(options)) as bench:
        chat = Chat(
            bench,
            strategies=[strategy.name for strategy in known] or ["function_calling"],
            settings=settings,
            saved=saved,
        )
        with ChatServer(chat, options.port) as server:
            say(f"The page is at {server.address} (Ctrl-C ends it).")
            threading.Event().wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="workbench serve",
        description="Open a chat page on this machine: ask the plugin and watch it work.",
    )
    parser.add_argument(
        "saved", nargs="*", metavar="FILE", help="runs to open, saved by `run --json`"
    )
    parser.add_argument(
        "--port", type=port, default=_PORT, metavar="N", help=f"default: {_PORT}; 0 takes any"
    )
    add_parameters(parser)
    add_bench_options(parser)
    return parser
