"""`workbench parse`: what a model's reply parses into, before any look at the tools' schemas."""

from collections.abc import Sequence
from typing import Any

from strategies.protocols.base import ToolSpec
from strategies.protocols.native.finish_reason import is_cut_short
from workbench.base.output import say_json
from workbench.base.ports import Json, UsageError
from workbench.commands.command_line import Parser
from workbench.commands.inputs import json_lines, read_json, read_text
from workbench.show.replies import Reply, parse, protocol_names, read_tools


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    if options.jsonl:
        for case in json_lines(options.file):
            say_json({"id": case.get("id"), **parse(_case(case, options.protocol)).as_json()})
        return 0
    if options.protocol is None:
        raise UsageError(f"Name the protocol: --protocol {' | '.join(protocol_names())}.")
    tools = read_tools(read_json(options.tools)) if options.tools else ()
    reply = Reply(protocol=options.protocol, pieces=[read_text(options.file)], tools=tools)
    say_json(parse(reply).as_json())
    return 0


def _case(case: Json, protocol: str | None) -> Reply:
    options: Json = case.get("opts") or {}
    return Reply(
        protocol=str(protocol or case.get("protocol")),
        pieces=_pieces(case),
        deltas=case.get("deltas") or (),
        tools=_tools(case, options),
        starts_in_reasoning=bool(options.get("starts_in_reasoning")),
        cut_short=is_cut_short(str(options.get("finish_reason") or "")),
    )


def _pieces(case: Json) -> list[str]:
    chunks: Any = case.get("chunks")
    if chunks is None:
        chunks = [case.get("text") or ""]
    return [str(chunk) for chunk in chunks]


def _tools(case: Json, options: Json) -> list[ToolSpec]:
    named = [{"name": name} for name in options.get("tool_names") or ()]
    return read_tools(case.get("tools") or named)


def _parser() -> Parser:
    parser = Parser(prog="workbench parse", description="Show what a reply parses into.")
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: stdin")
    parser.add_argument("--protocol", metavar="NAME", help=", ".join(protocol_names()))
    parser.add_argument("--tools", metavar="FILE", help="the tools as a JSON list")
    parser.add_argument(
        "--jsonl", action="store_true", help="each line is a case: id, protocol, text, tools …"
    )
    return parser
