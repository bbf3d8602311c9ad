"""The text of a reply in native mode, where calls should come as deltas but sometimes leak.

A call in tags or as JSON is run if it names a declared tool and is all that the reply says, or all
that it ends with (`NativeCalls`); everything else is plain text, markers and all: here the model
was never told of them, so it can only be talking about them.
"""

from collections.abc import Sequence

from strategies.protocols.base import IsQuoted, ReplyParser, ToolSpec, never_quoted
from strategies.protocols.stream.judgement import NativeCalls
from strategies.protocols.stream.reader import ReplyReader
from strategies.protocols.tagged.grammar import tag_grammar


def leak_parser(
    tools: Sequence[ToolSpec],
    *,
    starts_in_reasoning: bool | None = False,
    is_quoted: IsQuoted = never_quoted,
) -> ReplyParser:
    """Make the parser of one reply's text channel; without tools it only splits reasoning off."""
    judge = NativeCalls(is_quoted)
    grammar = tag_grammar(tools, taught=False)
    return ReplyReader(grammar, judge, starts_in_reasoning=starts_in_reasoning)
