"""`workbench arguments`: how the arguments that a model wrote are read."""

from collections.abc import Sequence
from typing import assert_never

from strategies.agent.schema.arguments import Refused, check
from strategies.protocols.json.read import Arguments, Guessed, Unreadable, read_arguments
from workbench.base.output import say_json
from workbench.base.ports import Json
from workbench.commands.command_line import Parser
from workbench.commands.inputs import json_lines


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    for case in json_lines(options.file):
        say_json({"id": case.get("id"), **_read(str(case.get("text", "")), case.get("schema"))})
    return 0


def _read(text: str, schema: Json | None) -> Json:
    read = read_arguments(text)
    match read:
        case Guessed(partial=understood):
            # A run gives such a call back to the model with this sentence.
            return {**_outcome(dict(understood or {}), None), "guessed": read.problem}
        case Unreadable():
            # What was cut off is shown as far as it goes; a run would not use it.
            partial = None if read.partial is None else dict(read.partial)
            return _outcome(partial, read.problem, truncated=read.truncated)
        case Arguments():
            return _checked(read.value, schema)
        case _:
            assert_never(read)


def _checked(value: dict[str, object], schema: Json | None) -> Json:
    if schema is None:
        return _outcome(value, None)
    checked = check(value, schema)
    if isinstance(checked, Refused):
        return _outcome(None, "; ".join(checked.problems))
    return _outcome(checked, None)


def _outcome(
    arguments: dict[str, object] | None, error: str | None, *, truncated: bool = False
) -> Json:
    return {"arguments": arguments, "error": error, "truncated": truncated}


def _parser() -> Parser:
    parser = Parser(prog="workbench arguments", description="Show how arguments are read.")
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: stdin")
    parser.add_argument(
        "--jsonl",
        action="store_true",
        required=True,
        help='each line is {"id", "text", "schema"?}',
    )
    return parser
