"""Tools that need nothing: the time in a place of the world, and a calculator."""

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workbench.base.ports import AnswerError, Json
from workbench.host.payload import parameter, tool_value

_PROVIDER = "workbench"
_LONGEST = 500
_HIGHEST_POWER = 1000
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
    ast.Pow: lambda left, right: left**right,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}


class ToolSource(Protocol):
    """Tools that a run can be offered."""

    @property
    def entities(self) -> Sequence[Json]:
        """The tools as items of the tools value."""
        ...

    def call(self, request: Json) -> Iterator[Json]:
        """Run one of them."""
        ...


class BuiltInTools:
    """`current_time` and `calculator`."""

    entities: Sequence[Json] = (
        tool_value(
            "current_time",
            description="Tell the current date and time in a timezone.",
            parameters=[
                parameter(
                    "timezone",
                    required=False,
                    description="IANA name of the timezone, such as Asia/Tokyo; UTC if left out.",
                )
            ],
        ),
        tool_value(
            "calculator",
            description="Work out an arithmetic expression exactly.",
            parameters=[
                parameter(
                    "expression",
                    description="The expression, such as 23 * 19 or sqrt(2) / 3.",
                )
            ],
        ),
    )

    def call(self, request: Json) -> Iterator[Json]:
        """Run one of the two."""
        arguments: Json = request["tool_parameters"]
        match request["tool"]:
            case "current_time":
                text = current_time(str(arguments.get("timezone") or "UTC"))
            case "calculator":
                text = calculate(str(arguments.get("expression") or ""))
            case other:
                raise AnswerError(f'{{"error":"tool {other} not found"}}', stage="invoke")
        yield text_message(text)


class ToolSources:
    """Several sources as one toolbox: a request goes to the source that holds its tool."""

    def __init__(self, sources: Sequence[ToolSource]) -> None:
        self._sources = sources
        self._homes = {
            (entity["identity"]["provider"], entity["identity"]["name"]): source
            for source in sources
            for entity in source.entities
        }

    @property
    def entities(self) -> list[Json]:
        """All tools."""
        return [entity for source in self._sources for entity in source.entities]

    def call(self, request: Json) -> Iterator[Json]:
        """Run a tool where it lives."""
        home = self._homes.get((request["provider"], request["tool"]))
        if home is None:
            raise AnswerError(f'{{"error":"tool {request["tool"]} not found"}}', stage="invoke")
        return home.call(request)


def text_message(text: str) -> Json:
    """A tool's text, as Dify sends it."""
    return {"type": "text", "message": {"text": text}, "meta": {}}


def current_time(timezone: str) -> str:
    """Say the time in a timezone; an unknown one is an error that the model can read."""
    try:
        zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise AnswerError(
            f"Unknown timezone {timezone!r}: give an IANA name such as Europe/Berlin."
        ) from error
    return datetime.now(zone).strftime(f"%A, %Y-%m-%d %H:%M:%S {timezone}")


def calculate(expression: str) -> str:
    """Work out an expression; what is no arithmetic is an error that the model can read."""
    if len(expression) > _LONGEST:
        raise AnswerError(f"Cannot calculate more than {_LONGEST} characters.")
    try:
        value = _value(ast.parse(_tidied(expression), mode="eval").body)
        return f"{value:.12g}" if isinstance(value, float) else str(value)
    except SyntaxError as error:
        raise AnswerError(f"Cannot calculate {expression!r}: {error.msg}.") from error
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise AnswerError(f"Cannot calculate {expression!r}: {error}.") from error


def _tidied(expression: str) -> str:
    tidied = expression.translate(_SIGNS).strip()
    # Between the arguments of a function a comma is no thousands mark.
    return tidied if "(" in tidied else _THOUSANDS.sub("", tidied)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _combined(sign, _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(arg) for arg in args))
        case _:
            raise ValueError(f"{ast.unparse(node)} is no arithmetic")


def _combined(sign: ast.operator, left: Any, right: Any) -> Any:
    # A tower of powers would hold the machine for hours.
    if isinstance(sign, ast.Pow) and (
        abs(right) > _HIGHEST_POWER or abs(left) > 10**_HIGHEST_POWER
    ):
        raise ValueError("the power is too high")
    return _BINARY[type(sign)](left, right)
