"""Short ways to say what was fed to a parser and what came out, at every chunking."""

from collections.abc import Sequence

from strategies.protocols.base import (
    BrokenCall,
    Call,
    FormatError,
    Reasoning,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.registry import TEXT_PROTOCOLS
from tests.protocols.cases import join_text, read_all, ways_to_cut


def tool(name: str, **properties: object) -> ToolSpec:
    """Describe a tool; each keyword is a parameter and its schema, or the name of its type."""
    schemas = {
        key: {"type": schema} if isinstance(schema, str) else schema
        for key, schema in properties.items()
    }
    return ToolSpec(
        name=name,
        description=f"Does {name}.",
        parameters={"type": "object", "properties": schemas},
    )


TOOLS = (
    tool("get_weather", city="string", days="integer"),
    tool("write_file", path="string", content="string"),
    tool("python", code="string"),
    tool("now"),
)


def parser_of(
    protocol: str, tools: Sequence[ToolSpec] = TOOLS, *, starts_in_reasoning: bool | None = False
) -> ReplyParser:
    """Make a parser by the name of its protocol; `leak` is the text of a native reply."""
    if protocol == "leak":
        return leak_parser(tools, starts_in_reasoning=starts_in_reasoning)
    return TEXT_PROTOCOLS[protocol].parser(tools, starts_in_reasoning=starts_in_reasoning)


def events_of(
    protocol: str,
    text: str,
    tools: Sequence[ToolSpec] = TOOLS,
    *,
    starts_in_reasoning: bool | None = False,
    cut_short: bool = False,
) -> list[ReplyEvent]:
    """Parse a reply at every chunking, check that all agree, and return the joined events."""

    def read(pieces: Sequence[str]) -> list[ReplyEvent]:
        parser = parser_of(protocol, tools, starts_in_reasoning=starts_in_reasoning)
        return join_text(read_all(parser, pieces, cut_short=cut_short))

    whole = read([text])
    for pieces in ways_to_cut(text):
        assert read(pieces) == whole, pieces

    return whole


def shown(events: Sequence[ReplyEvent]) -> str:
    """Return the text that the user sees."""
    return "".join(event.text for event in events if isinstance(event, Text))


def thought(events: Sequence[ReplyEvent]) -> str:
    """Return the reasoning."""
    return "".join(event.text for event in events if isinstance(event, Reasoning))


def called(events: Sequence[ReplyEvent]) -> list[tuple[str, dict[str, object]]]:
    """Return the calls that would be run."""
    return [(event.name, dict(event.arguments)) for event in events if isinstance(event, Call)]


def broken(events: Sequence[ReplyEvent]) -> list[BrokenCall]:
    """Return the calls that must not be run."""
    return [event for event in events if isinstance(event, BrokenCall)]


def problems(events: Sequence[ReplyEvent]) -> list[str]:
    """Return the format errors."""
    return [event.problem for event in events if isinstance(event, FormatError)]
