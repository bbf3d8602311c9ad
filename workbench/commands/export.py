"""`workbench export`: send saved runs to where a team looks at its traces."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.base.output import say_error
from workbench.base.ports import WorkbenchError
from workbench.commands.command_line import Parser
from workbench.commands.inputs import json_lines
from workbench.commands.options import web_address
from workbench.show.log_tree import counted

if TYPE_CHECKING:
    from workbench.show.traces import Sent

_DEFAULT = "http://localhost:4318"


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    lines = [line for name in options.files for line in json_lines(name)]
    send_traces(lines, options.otlp, content=options.otlp_content)
    return 0


def send_traces(lines: Sequence[Any], url: str, *, content: bool) -> None:
    """Send runs to a collector and say how many spans they were."""
    sent = sender()(lines, url, content=content)
    say_error(f"{counted(sent.spans, 'span')} went to {url}.")
    if sent.unfinished:
        say_error(f"{counted(sent.unfinished, 'unfinished run')} stayed here: no line of type end.")


def sender() -> "Callable[..., Sent]":
    """Find what sends runs, so that a run need not be played in vain.

    Raises:
        WorkbenchError: The exporter is not installed.
    """
    try:
        from workbench.show.traces import send  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise WorkbenchError(
            "--otlp needs OpenTelemetry's exporter, which is not installed: run"
            " `sh tools/set_up.sh`."
        ) from error
    return send


def add_otlp(parser: Parser, default: str | None) -> None:
    """Add the options of a collector."""
    parser.add_argument(
        "--otlp",
        type=web_address,
        metavar="URL",
        default=default,
        help="send each run as OpenTelemetry spans to this collector, such as"
        f" {_DEFAULT}; its headers are read from OTEL_EXPORTER_OTLP_HEADERS",
    )
    parser.add_argument(
        "--otlp-content",
        action="store_true",
        help="with prompts, answers, arguments and results, which are else left out",
    )


def _parser() -> Parser:
    parser = Parser(prog="workbench export", description="Send saved runs as OpenTelemetry spans.")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="runs that `run --json` wrote; - is stdin"
    )
    add_otlp(parser, os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or _DEFAULT)
    return parser
