"""The ReAct protocol: thoughts, actions and observations as plain labelled text.

Nothing but text is needed, so the oldest and smallest models can follow it. Observations go back
as user turns; the model must not write them itself.
"""

import re
from collections.abc import Sequence

from strategies.protocols.base import Exchange, Language, ReplyParser, ToolSpec, Turn
from strategies.protocols.closing import in_one_turn
from strategies.protocols.escaping import escaped_markers
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.react.reader import ReactReader
from strategies.protocols.rendering import tool_lines

_LABELS = re.compile(
    r"^[ \t]*[*#>_]*[ \t]*(?:t(?=hought)|o(?=bservation)|a(?=ction)|f(?=inal[ _]?answer))",
    re.IGNORECASE | re.MULTILINE,
)
_BREAK = "\u200b"
_INSTRUCTIONS: dict[Language, str] = {
    "en": """\
You can work with tools. Every line here tells one tool's name, its purpose and a JSON Schema of \
its parameters:
{tools}

Go step by step. A step that needs a tool has these three lines and ends after the third:
Thought: what you know and what is still missing
Action: the name of one tool, exactly as above
Action Input: a JSON object with the tool's parameters

The tool's result then reaches you as a message that begins with Observation. Never write an \
observation yourself. As soon as nothing is missing, finish with these two lines:
Thought: why you can answer now
Final Answer: your answer to the user, in the user's language""",
    "zh": """\
你可以借助工具完成任务。下面一行一个工具，写明名称、用途和参数的 JSON Schema：
{tools}

请一步一步来。需要工具的一步写成下面三行，写完第三行就停：
Thought: 已经知道什么，还缺什么
Action: 一个工具的名称，与上面完全一致
Action Input: 含有该工具参数的 JSON 对象

工具的返回内容会以 Observation 开头的消息交给你，不要自己编写 Observation。
一旦不再缺少信息，就用下面两行结束：
Thought: 为什么现在可以回答
Final Answer: 给用户的回答，使用用户的语言""",
}


class React:
    """Speaks the ReAct protocol; a `TextProtocol`."""

    name = "react"
    stop: tuple[str, ...] = ("\nObservation:",)
    closing = staticmethod(in_one_turn)

    def parser(
        self, tools: Sequence[ToolSpec], *, starts_in_reasoning: bool = False
    ) -> ReplyParser:
        """Make the parser of one reply."""
        apart = leak_parser((), starts_in_reasoning=starts_in_reasoning)
        return ReactReader(apart, tools)

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Describe the tools and the steps."""
        return _INSTRUCTIONS[language].format(tools=tool_lines(tools)) if tools else ""

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write every round as the reply and one user turn with its observations."""
        turns = [Turn("user", question)]
        for exchange in exchanges:
            told = "\n".join(f"Observation: {_harmless(one.text)}" for one in exchange.results)
            turns += [Turn("assistant", exchange.reply), Turn("user", told)]
        return turns


REACT = React()


def _harmless(text: str) -> str:
    """Break every label that a tool wrote at the start of a line."""
    return _LABELS.sub(lambda found: found[0] + _BREAK, escaped_markers(text))
