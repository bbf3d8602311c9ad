"""What a model's reply parses into: the protocols' parsers without the loop round them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from strategies.protocols.base import (
    BrokenCall,
    Call,
    CallDelta,
    FormatError,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)
from strategies.protocols.native.finish_reason import is_cut_short
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser
from strategies.protocols.react.words import LabelledThought
from strategies.protocols.registry import TEXT_PROTOCOLS
from workbench.base.ports import Json, UsageError, is_object, objects

NATIVE = "native"
# The case files say which of the two Qwen3-Coder templates they mean; there is one parser.
_OTHER_NAMES = {"qwen3-coder-xml": "qwen3_coder"}


@dataclass(slots=True)
class Parsed:
    """A reply, told apart."""

    text: str = ""
    reasoning: str = ""
    calls: list[Json] = field(default_factory=list[Json])
    errors: list[str] = field(default_factory=list[str])

    def as_json(self) -> Json:
        """Write it as the commands print it."""
        return {
            "text": self.text,
            "reasoning": self.reasoning,
            "calls": self.calls,
            "errors": self.errors,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply as it came in."""

    protocol: str
    pieces: Sequence[str] = ()
    deltas: Sequence[Any] = ()
    tools: Sequence[ToolSpec] = ()
    starts_in_reasoning: bool = False
    cut_short: bool = False


def protocol_names() -> list[str]:
    """Every name that `--protocol` takes."""
    return [NATIVE, *TEXT_PROTOCOLS, *_OTHER_NAMES]


def parse(reply: Reply) -> Parsed:
    """Feed a reply to its parser."""
    parser = _parser(reply)
    events: list[ReplyEvent] = []
    cut_short = reply.cut_short
    for piece in reply.pieces:
        events += parser.feed(piece)
    for delta in objects(reply.deltas):
        events += parser.feed(_text(delta.get("content")), _call_deltas(delta))
        cut_short = cut_short or is_cut_short(str(delta.get("finish_reason") or ""))
    events += parser.close(cut_short=cut_short)
    return _gather(events)


def read_tools(value: Any) -> list[ToolSpec]:
    """Read tools as the case files and OpenAI's requests write them."""
    described = [tool.get("function") or tool for tool in objects(value)]
    return [
        ToolSpec(
            name=str(tool.get("name")),
            description=str(tool.get("description") or ""),
            parameters=tool.get("parameters") or {"type": "object", "properties": {}},
        )
        for tool in described
        if is_object(tool)
    ]


def _parser(reply: Reply) -> ReplyParser:
    if reply.protocol == NATIVE:
        leaks = leak_parser(reply.tools, starts_in_reasoning=reply.starts_in_reasoning)
        return NativeParser(leaks, reply.tools)
    protocol = TEXT_PROTOCOLS.get(_OTHER_NAMES.get(reply.protocol, reply.protocol))
    if protocol is None:
        names = ", ".join(protocol_names())
        raise UsageError(f"There is no protocol {reply.protocol!r}. The protocols are: {names}.")
    return protocol.parser(reply.tools, starts_in_reasoning=reply.starts_in_reasoning)


def _gather(events: Sequence[ReplyEvent]) -> Parsed:
    parsed = Parsed()
    taken: set[str] = set()
    for event in sorted(events, key=_position):
        match event:
            case Text(text):
                parsed.text += text
            case LabelledThought():
                pass  # What stands behind `Thought:` is neither the answer nor a think block.
            case Reasoning(text):
                parsed.reasoning += text
            case ReasoningSoFar(text):
                parsed.text, parsed.reasoning = "", text
            case Call():
                parsed.calls.append(_as_json(event, taken))
            case BrokenCall():
                parsed.errors.append(f"{event.name}: {event.problem}")
            case FormatError(problem):
                parsed.errors.append(problem)
    return parsed


def _position(event: ReplyEvent) -> int:
    # Calls may be complete out of turn. Only they have a place; sorting keeps the rest as it is.
    return event.position if isinstance(event, Call | BrokenCall) else 0


def _as_json(call: Call, taken: set[str]) -> Json:
    # As in a run, every call has an id of its own.
    name = call.id if call.id and call.id not in taken else f"call_{len(taken) + 1}"
    while name in taken:
        name += "_"
    taken.add(name)
    return {"name": call.name, "arguments": _as_written(call), "id": name}


def _as_written(call: Call) -> Any:
    """Return the arguments; the plain text of a ReAct action stays the text that it was."""
    if call.raw.startswith('"'):
        return json.loads(call.raw)
    return dict(call.arguments)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("data") or part.get("text") or "") for part in objects(content))


def _call_deltas(delta: Json) -> list[CallDelta]:
    return [_call_delta(call) for call in objects(delta.get("tool_calls"))]


def _call_delta(call: Json) -> CallDelta:
    function: Json = call.get("function") or {}
    arguments: Any = function.get("arguments")
    index: Any = call.get("index")
    return CallDelta(
        id=str(call.get("id") or ""),
        name=str(function.get("name") or ""),
        arguments=arguments if isinstance(arguments, str) else _written(arguments),
        index=index if isinstance(index, int) else None,
    )


def _written(arguments: Any) -> str:
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
