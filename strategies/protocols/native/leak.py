"""The text of a reply in native mode, where calls should come as deltas but sometimes leak.

A call in tags or as JSON is run if it names a declared tool and is all that the reply says, or all
that it ends with (`NativeCalls`); everything else is plain text, markers and all: here the model
was never told of them, so it can only be talking about them.
"""

from collections.abc import Sequence

from strategies.protocols.base import BrokenCall, Call, ReplyParser, ToolSpec
from strategies.protocols.native.brought_in import NOTHING, BroughtIn
from strategies.protocols.stream.judgement import NativeCalls
from strategies.protocols.stream.reader import ReplyReader
from strategies.protocols.tagged.grammar import leak_grammar


def leak_parser(
    tools: Sequence[ToolSpec],
    *,
    starts_in_reasoning: bool | None = False,
    brought_in: BroughtIn = NOTHING,
) -> ReplyParser:
    """Make the parser of one reply's text channel; without tools it only splits reasoning off.

    `brought_in`: what others have said to the model: a call that stands there is only quoted.
    """

    def is_quoted(call: Call | BrokenCall, written: str) -> bool:
        return brought_in.holds(call, written)

    judge = NativeCalls(is_quoted)
    return ReplyReader(leak_grammar(tools), judge, starts_in_reasoning=starts_in_reasoning)
