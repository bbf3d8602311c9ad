"""The ReAct protocol: thoughts, actions and observations as plain labelled text.

Nothing but text is needed, so the oldest and smallest models can follow it. The whole run stands in
one turn of the user, as the form was taught: in turns apart, a small model overlooks that it has
the result, and calls again.
"""

from collections.abc import Sequence
from dataclasses import replace

from strategies.protocols.base import (
    Exchange,
    IsQuoted,
    Language,
    ReplyParser,
    ToolSpec,
    Turn,
    never_quoted,
)
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.react import labels
from strategies.protocols.react.reader import ReactReader
from strategies.protocols.writing.closing import in_one_turn
from strategies.protocols.writing.escaping import escaped_markers
from strategies.protocols.writing.rendering import tool_lines

_INSTRUCTIONS: dict[Language, str] = {
    "en": """\
You answer questions, and these tools help you. Every line tells one tool's name, its purpose and \
a JSON Schema of its parameters:
{tools}

Write line by line in this form:

Thought: your own words on what you need to find out next
Action: the tool to use, one of [{names}]
Action Input: the tool's parameters, as a JSON object
Observation: what the tool returned; this line is given to you, so stop before it
... (these four lines come as often as needed)
Thought: I know enough to answer
Final Answer: the answer to the question, in the user's language

Where no tool helps, write the last two lines at once.""",
    "zh": """\
你要回答问题，下面这些工具可以帮助你，一行一个，写明名称、用途和参数的 JSON Schema：
{tools}

请按下面的格式逐行书写：

Thought: 用自己的话说明接下来需要弄清什么
Action: [{names}] 中的一个，只写名称
Action Input: 该工具的参数，写成 JSON 对象
Observation: 工具返回的内容，这一行由系统给出，写到它之前就停
……（以上四行可以重复多次）
Thought: 我已经知道答案了
Final Answer: 给问题的回答，使用用户的语言

如果没有工具能帮上忙，直接写最后两行。""",
}


class React:
    """Speaks the ReAct protocol; a `TextProtocol`."""

    name = "react"
    stop: tuple[str, ...] = ("\nObservation:",)

    def parser(
        self,
        tools: Sequence[ToolSpec],
        *,
        starts_in_reasoning: bool | None = False,
        is_quoted: IsQuoted = never_quoted,
    ) -> ReplyParser:
        """Make the parser of one reply."""
        apart = leak_parser((), starts_in_reasoning=starts_in_reasoning)
        return ReactReader(apart, tools, is_quoted)

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Describe the tools and the steps."""
        if not tools:
            return ""
        names = ", ".join(tool.name for tool in tools)
        return _INSTRUCTIONS[language].format(tools=tool_lines(tools), names=names)

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write the question and all steps as one text, which the model goes on from.

        A reply ends before an observation that the model made up: the true one follows.
        """
        steps = "\n".join(line for exchange in exchanges for line in _step(exchange))
        return [Turn("user", f"{question}\n\n{steps}" if steps else question)]

    def closing(self, question: str, exchanges: Sequence[Exchange], request: str) -> list[Turn]:
        """Write what is known and the request as one turn of the user."""
        results = [
            replace(result, text=_escaped(result.text))
            for exchange in exchanges
            for result in exchange.results
        ]
        return in_one_turn(question, [Exchange(reply="", results=tuple(results))], request)


def _step(exchange: Exchange) -> list[str]:
    observed = [f"Observation: {_escaped(result.text)}" for result in exchange.results]
    return [labels.before_observation(exchange.reply).strip(), *observed]


def _escaped(text: str) -> str:
    return labels.escaped(escaped_markers(text))


REACT = React()
