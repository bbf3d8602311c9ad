"""Replies that nobody would write, cut in ways that nobody would choose."""

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.protocols.base import BrokenCall, Call, Text
from tests.protocols.cases import join_text, read_all
from tests.protocols.replies import parser_of

_SCRAPS = re.findall(
    r"\S+",
    r"""
<tool_call> </tool_call> <function=now> <function=get_weather> </function> <parameter=city>
<parameter=days> <parameter=x> </parameter> </parameter1> <think> </think> <tool_response> <json>
</json> <|im_end|> <tool </ < ``` ` { } [ ] ✿ ✿FUNCTION✿ ✿ARGS✿ ✿RESULT✿ ✿RETURN✿ : ： now name text
1 " ' \ , é 😀 ¶ ¶¶ ␠ ␠ ```json¶ ```py¶ ¶``` a␠<␠b two␠words {"name":"now"} "}}
{"name":"get_weather","arguments":{"city":"x"}} {"name":␠"other",␠"arguments":␠{}}
{"arguments":{"days":1},"name":"get_weather"} {"name":"get_weather","arguments":{"city":"
{'name':␠'now',␠'arguments':␠{'a':␠'it'}}
""",
)


def _unfold(reply: str) -> str:
    return reply.replace("␠", " ").replace("¶", "\n")


_REPLIES = st.lists(st.sampled_from(_SCRAPS), max_size=14).map("".join).map(_unfold)
_PROTOCOLS = st.sampled_from(("hermes", "qwen", "qwen3_coder", "leak"))


@settings(max_examples=1500, deadline=None)
@given(
    protocol=_PROTOCOLS,
    reply=_REPLIES,
    cuts=st.lists(st.integers(0, 200), max_size=8),
    starts_in_reasoning=st.booleans(),
    cut_short=st.booleans(),
)
def test_cuts_change_nothing(
    *,
    protocol: str,
    reply: str,
    cuts: list[int],
    starts_in_reasoning: bool,
    cut_short: bool,
) -> None:
    """Whole, in characters and in random pieces a reply is the same, and nothing raises."""
    places = [0, *sorted(min(cut, len(reply)) for cut in cuts), len(reply)]
    random_pieces = [reply[a:b] for a, b in itertools.pairwise(places)]
    whole, *others = (
        join_text(
            read_all(
                parser_of(protocol, starts_in_reasoning=starts_in_reasoning),
                pieces,
                cut_short=cut_short,
            )
        )
        for pieces in ([reply], list(reply), random_pieces)
    )

    assert others == [whole, whole]


@settings(max_examples=300, deadline=None)
# Characters one by one: whole strings are also drawn from the sources, and so are markers.
@given(
    protocol=_PROTOCOLS,
    reply=st.lists(st.characters(), max_size=60).map("".join),
)
def test_any_text_is_read(protocol: str, reply: str) -> None:
    """Text without markers comes out as it went in, whatever it holds."""
    events = join_text(read_all(parser_of(protocol), list(reply)))

    assert not any(isinstance(event, Call | BrokenCall) for event in events)
    if protocol != "qwen":
        assert events == ([Text(reply)] if reply else [])
