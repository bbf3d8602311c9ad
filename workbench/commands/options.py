"""Options that several commands have in common, and what they read."""

import argparse
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from workbench.base.addresses import is_web_address
from workbench.base.ports import Json, UsageError, WorkbenchError, is_object
from workbench.bench.bench import CALLS_TOOLS, FEATURES, BenchOptions
from workbench.bench.faults import read_fault
from workbench.commands.command_line import Parser
from workbench.commands.inputs import read_json, read_text
from workbench.host.payload import read_turns
from workbench.host.strategies import Strategy, strategies

RUNS = Path("runs")
"""Where the workbench writes what is only a name."""
_NOT_TO_SET = frozenset({"model", "tools", "query"})
_HIGHEST_PORT = 65535


def add_bench_options(parser: Parser) -> None:
    """Add the options of what stands ready for runs."""
    parser.add_argument(
        "--plugin", type=Path, default=Path.cwd(), metavar="DIR", help="default: this directory"
    )
    parser.add_argument(
        "--runtime",
        choices=("stdio", "tcp", "http"),
        default="stdio",
        help="run it as Dify does: locally, for remote debugging, or serverless (default: stdio)",
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="an OpenAI-compatible server; default: the demo model"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="the model's name on that server",
    )
    parser.add_argument(
        "--api-key-env",
        metavar="VARIABLE",
        help="where the key is; default: OPENAI_API_KEY",
    )
    parser.add_argument(
        "--context-size", type=count, default=128_000, metavar="N", help="tokens of its window"
    )
    parser.add_argument(
        "--features",
        type=features,
        default=FEATURES[:1],
        metavar="NAMES",
        help="what Dify knows of the model: native (it calls tools itself; the default) or none,"
        " and what it reads beside text: vision, document, audio, video",
    )
    parser.add_argument(
        "--mcp", action="append", default=[], metavar="COMMAND", help="an MCP server to start"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="TARGET:KIND@CALL",
        help="a failure to inject, such as model:429@2, tool:slow@1 or storage:full@1",
    )
    parser.add_argument(
        "--file",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="a file that goes with the question; may be repeated",
    )


def add_parameters(parser: Parser) -> None:
    """Add the options of the strategy's parameters."""
    parser.add_argument("--instruction", metavar="TEXT", help="the agent's instruction")
    parser.add_argument("--max-iterations", type=int, metavar="N", help="at most N model calls")
    parser.add_argument(
        "--context", metavar="FILE", help="passages of knowledge: a JSON list of objects"
    )
    parser.add_argument(
        "--answer-schema", metavar="FILE", help="a JSON Schema that the answer must follow"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="any further parameter of the strategy",
    )


def equipment(options: argparse.Namespace) -> BenchOptions:
    """Read what stands ready."""
    return BenchOptions(
        plugin=options.plugin,
        runtime=options.runtime,
        base_url=options.base_url,
        models=options.model,
        api_key_env=options.api_key_env,
        context_size=options.context_size,
        features=options.features,
        mcp=options.mcp,
        faults=[read_fault(text) for text in options.fault],
        files=options.file,
    )


def parameters(options: argparse.Namespace) -> Json:
    """Read the strategy's parameters as far as they are given."""
    named: Json = {
        "instruction": options.instruction,
        "maximum_iterations": options.max_iterations,
        "context": None if options.context is None else _list(options.context, "--context"),
        "answer_schema": None
        if options.answer_schema is None
        else read_text(options.answer_schema),
    }
    given = {name: value for name, value in named.items() if value is not None}
    return given | dict(assignment(text) for text in options.set)


def history(name: str) -> list[Json]:
    """Read earlier turns from a file: a JSON list of {role, content}."""
    return read_turns(_list(name, "--history"), name)


def count(text: str) -> int:
    """Read a number from 1 up."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def seconds(text: str) -> float:
    """Read a time above 0."""
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time above 0")
    return number


def web_address(text: str) -> str:
    """Read the address of a server."""
    if not is_web_address(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a web address: give one such as http://localhost:4318"
        )
    return text


def file_name(text: str) -> str:
    """Read the name of a file, or `-`."""
    if not text.strip():
        raise argparse.ArgumentTypeError("no file is named")
    return text


def features(text: str) -> Sequence[str]:
    """Read what Dify knows of a model. Without `none` it calls tools itself."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FEATURES:
            raise argparse.ArgumentTypeError(
                f"there is no feature {name!r}; there are: {', '.join(FEATURES)}"
            )
    return names if "none" in names or CALLS_TOOLS in names else [CALLS_TOOLS, *names]


def output_file(text: str) -> Path:
    """Read where to write; a bare name goes into runs/, which git and the package leave out."""
    path = Path(file_name(text))
    if not re.search(r"[/\\]", text):
        return RUNS / path
    if problem := _why_not_written(path):
        raise WorkbenchError(f"Cannot write {text}: {problem}.")
    return path


def _why_not_written(path: Path) -> str:
    folder = path.absolute().parent
    if not folder.is_dir():
        return "there is no such folder"
    if path.is_dir():
        return "it is a folder"
    return "" if os.access(folder, os.W_OK) else "its folder takes no new files"


def port(text: str) -> int:
    """Read a port; 0 takes any."""
    number = int(text)
    if not 0 <= number <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port: ports go up to {_HIGHEST_PORT}")
    return number


def check_parameters(given: Iterable[str], known: Sequence[Strategy]) -> None:
    """Refuse parameters that none of these strategies has.

    Raises:
        UsageError: Lists those that can be set.
    """
    settable = {name for strategy in known for name in strategy.defaults} - _NOT_TO_SET
    for name in given:
        if known and name not in settable:
            raise UsageError(
                f"There is no parameter {name!r}. {known[0].name} has:"
                f" {', '.join(sorted(settable)) or 'none to set'}."
            )


def chosen_strategies(plugin: Path, names: Sequence[str]) -> list[Strategy]:
    """Find strategies of a plugin by name; all of them without names.

    Raises:
        UsageError: There is no such strategy; those that exist are listed.
    """
    declared = strategies(plugin)
    for name in names:
        if declared and name not in declared:
            raise UsageError(
                f"There is no strategy {name!r} in {plugin}. It has: {', '.join(declared)}."
            )
    return [declared[name] for name in names or declared if name in declared]


def _list(name: str, option: str) -> list[Any]:
    value = read_json(name)
    if not isinstance(value, list) or not all(map(is_object, cast("list[Any]", value))):
        raise WorkbenchError(f"{option} {name} must hold a JSON list of objects.")
    return cast("list[Any]", value)


def assignment(text: str) -> tuple[str, Any]:
    """Read NAME=JSON; what is not valid JSON is meant as text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text!r} sets nothing: write NAME=VALUE, such as time_limit=60.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
