"""The text of a reply in native mode, where calls should come as deltas but sometimes leak.

A call in tags or as bare JSON is run if it names a declared tool; everything else is plain text,
markers and all: here the model was never told of them, so it can only be talking about them.
"""

from collections.abc import Sequence

from strategies.protocols.base import ReplyParser, ToolSpec
from strategies.protocols.stream.reader import ReplyReader
from strategies.protocols.tagged.grammar import tag_grammar


def leak_parser(tools: Sequence[ToolSpec], *, starts_in_reasoning: bool = False) -> ReplyParser:
    """Make the parser of one reply's text channel; without tools it only splits reasoning off."""
    grammar = tag_grammar(tools, any_name=False, reports=False)
    return ReplyReader(grammar, starts_in_reasoning=starts_in_reasoning)
