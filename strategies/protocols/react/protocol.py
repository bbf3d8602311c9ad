"""The ReAct protocol: thoughts, actions and observations as labelled text, actions as JSON.

Nothing but text is needed, so the oldest and smallest models can follow it. The answer is an action
as well, so that a model decides in every step between a tool and the answer, and it finds what it
has done with the results in its own text, which it is asked to continue. Both were chosen by what a
small model made of them (docs/evaluation.md); `Action Input:` and `Final Answer:` are read, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

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
from strategies.protocols.writing.escaping import escaped_markers
from strategies.protocols.writing.in_one_turn import in_one_turn
from strategies.protocols.writing.rendering import tool_lines

_INSTRUCTIONS: dict[Language, str] = {
    "en": """\
Help the user as well as you can. You have these tools:

{tools}

You act by writing one JSON object with two keys: "name" is the name of a tool, and "arguments" \
holds its parameters.
"name" can be "Final Answer" or one of: {names}

One action at a time, as here:

```json
{{
  "name": TOOL,
  "arguments": {{PARAMETER: VALUE}}
}}
```

Write in this form:

Question: what the user asks
Thought: what has been found, and what comes next
Action:
```json
ONE JSON OBJECT
```
Observation: what the tool returned
... (Thought, Action and Observation come as often as needed)
Thought: I know what to answer
Action:
```json
{{
  "name": "Final Answer",
  "arguments": {answer}
}}
```

Remember: always reply with one valid JSON object for a single action. Answer directly where no \
tool is needed.""",
    "zh": """\
请尽力帮助用户。你有以下工具：

{tools}

你通过写一个 JSON 对象来行动，它有两个键："name" 是工具的名称，"arguments" 是它的参数。
"name" 可以是 "Final Answer"，或以下之一：{names}

每次只做一个行动，例如：

```json
{{
  "name": TOOL,
  "arguments": {{PARAMETER: VALUE}}
}}
```

请按下面的格式书写：

Question: 用户的问题
Thought: 已经查到了什么，接下来做什么
Action:
```json
一个 JSON 对象
```
Observation: 工具返回的内容
……（Thought、Action 和 Observation 可以重复多次）
Thought: 我知道怎么回答了
Action:
```json
{{
  "name": "Final Answer",
  "arguments": {answer}
}}
```

请记住：每次回复都只写一个有效的 JSON 对象，只做一个行动。不需要工具时直接回答。""",
}
_ANSWER: dict[Language, str] = {
    "en": '{"answer": the whole answer, with what was found}',
    "zh": '{"answer": 完整的回答，写明查到的内容}',
}
_SHAPED_ANSWER = "{PARAMETER: VALUE}"
_DESCRIPTION: dict[Language, str] = {
    "en": "Give the answer, with what was found.",
    "zh": "给出回答，写明查到的内容。",
}
_GO_ON = "continue"


class React:
    """Speaks the ReAct protocol; a `TextProtocol`."""

    name = "react"
    stop: tuple[str, ...] = ("\nObservation:",)

    def __init__(self, answer: Mapping[str, object] | None = None) -> None:
        """Take the JSON Schema of the object that the answer is to be; None for words."""
        self._answer = answer

    def parser(
        self,
        tools: Sequence[ToolSpec],
        *,
        starts_in_reasoning: bool | None = False,
        is_quoted: IsQuoted = never_quoted,
    ) -> ReplyParser:
        """Make the parser of one reply."""
        apart = leak_parser((), starts_in_reasoning=starts_in_reasoning)
        return ReactReader(apart, tools, is_quoted, is_shaped=self._answer is not None)

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Describe the tools and the steps."""
        if not tools:
            return ""
        told, sample = [*tools], _ANSWER[language]
        if self._answer is not None:
            answer = _DESCRIPTION[language]
            told.append(ToolSpec(name="Final Answer", description=answer, parameters=self._answer))
            sample = _SHAPED_ANSWER
        names = ", ".join(tool.name for tool in tools)
        return _INSTRUCTIONS[language].format(tools=tool_lines(told), names=names, answer=sample)

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write every step with its observations as the model's text, and ask it to continue.

        A reply ends before an observation that the model made up: the true one follows.
        """
        steps = [(Turn("assistant", _step(one)), Turn("user", _GO_ON)) for one in exchanges]
        return [Turn("user", question), *chain.from_iterable(steps)]

    def as_results(
        self, question: str, exchanges: Sequence[Exchange], last_sentence: str
    ) -> list[Turn]:
        """Write what is known as one turn of the user."""
        results = [
            replace(result, text=_escaped(result.text))
            for exchange in exchanges
            for result in exchange.results
        ]
        return in_one_turn(question, [Exchange(reply="", results=tuple(results))], last_sentence)


def _step(exchange: Exchange) -> str:
    observed = [f"Observation: {_escaped(result.text)}" for result in exchange.results]
    return "\n".join([labels.before_observation(exchange.reply).strip(), *observed])


def _escaped(text: str) -> str:
    return labels.escaped(escaped_markers(text))


REACT = React()
