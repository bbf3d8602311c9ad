"""A text protocol whose calls stand in `<tool_call>` tags and whose results go back as user turns.

The tagged protocols differ in what they ask the model to write, not in what is read: a model that
was taught one form falls into another often enough.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strategies.protocols.base import (
    Exchange,
    IsQuoted,
    Language,
    ReplyParser,
    ToolSpec,
    Turn,
    never_quoted,
)
from strategies.protocols.stream.judgement import TextCalls
from strategies.protocols.stream.reader import ReplyReader
from strategies.protocols.tagged.grammar import tag_grammar
from strategies.protocols.writing.escaping import escaped_markers
from strategies.protocols.writing.in_one_turn import in_one_turn
from strategies.protocols.writing.rendering import tool_lines

_INVENTED = re.compile(r"(</(?:tool_call|function)>)\s*<tool_response>[\s\S]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagProtocol:
    """Speaks one of them; a `TextProtocol`."""

    name: str
    told: Mapping[Language, str]
    """The instructions, with `{tools}` for the list of the tools."""
    stop: tuple[str, ...] = ()
    as_results = staticmethod(in_one_turn)

    def parser(
        self,
        tools: Sequence[ToolSpec],
        *,
        starts_in_reasoning: bool | None = False,
        is_quoted: IsQuoted = never_quoted,
    ) -> ReplyParser:
        """Make the parser of one reply."""
        judge = TextCalls(is_quoted)
        return ReplyReader(tag_grammar(tools), judge, starts_in_reasoning=starts_in_reasoning)

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Describe the tools and the form of a call."""
        return self.told[language].format(tools=tool_lines(tools)) if tools else ""

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write every round as the reply and one user turn with its results.

        A reply ends before a result that the model made up: the true one follows.
        """
        turns = [Turn("user", question)]
        for exchange in exchanges:
            results = (escaped_markers(result.text) for result in exchange.results)
            told = "\n".join(f"<tool_response>\n{text}\n</tool_response>" for text in results)
            turns += [Turn("assistant", _INVENTED.sub(r"\1", exchange.reply)), Turn("user", told)]
        return turns
