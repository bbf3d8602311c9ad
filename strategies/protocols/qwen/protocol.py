"""The qwen protocol: calls between ✿ markers, for Qwen models before 2.5.

Its turns do not alternate. The model is to go on writing right after ✿RETURN✿, but chat servers
cannot continue an assistant's turn; so question, replies and results are one user turn that breaks
off at ✿RETURN✿, and the model's reply is the continuation.
"""

import json
import re
from collections.abc import Sequence

from strategies.protocols.base import (
    Exchange,
    IsQuoted,
    Language,
    ReplyParser,
    ToolSpec,
    Turn,
    never_quoted,
)
from strategies.protocols.qwen.grammar import qwen_grammar
from strategies.protocols.qwen.marks import ARGS, FUNCTION, RESULT, RETURN
from strategies.protocols.stream.reader import ReplyReader
from strategies.protocols.writing.escaping import escaped_markers
from strategies.protocols.writing.in_one_turn import in_one_turn
from strategies.protocols.writing.rendering import tool_sections

_INSTRUCTIONS: dict[Language, str] = {
    "en": """\
# Tools

## Tools that you can use

{tools}

## How to use them

Whenever a tool helps, write these lines into your reply, as often as needed:

✿FUNCTION✿: name of one tool, exactly as above
✿ARGS✿: its arguments as one JSON object
✿RESULT✿: what the tool returned; you never write this yourself
✿RETURN✿: your reply to the user, once the results are enough

A call of {name} begins like this:

{begun}""",
    "zh": """\
# 工具

## 可以使用的工具

{tools}

## 使用方法

凡是工具能帮上忙的地方，就在回复中写下这几行，次数不限：

✿FUNCTION✿: 上面某个工具的名称，一字不差
✿ARGS✿: 该工具的参数，写成一个 JSON 对象
✿RESULT✿: 工具返回的内容，由系统填写，你不要写
✿RETURN✿: 结果足够之后，给用户的回复

调用 {name} 时，是这样开头的：

{begun}""",
}
_WRITTEN_ON = re.compile(r"(?:^|\})[ \t]*(?=✿(?:RESULT|RETURN)✿)", re.MULTILINE)
_PARAMETERS: dict[Language, str] = {"en": "Its parameters: ", "zh": "参数："}


class Qwen:
    """Speaks the qwen protocol; a `TextProtocol`."""

    name = "qwen"
    stop: tuple[str, ...] = (RESULT, RETURN)
    as_results = staticmethod(in_one_turn)

    def parser(
        self,
        tools: Sequence[ToolSpec],
        *,
        starts_in_reasoning: bool | None = False,
        is_quoted: IsQuoted = never_quoted,
    ) -> ReplyParser:
        """Make the parser of one reply."""
        grammar = qwen_grammar(tools, is_quoted)
        return ReplyReader(grammar, starts_in_reasoning=starts_in_reasoning)

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Describe the tools and the form of a call."""
        if not tools:
            return ""
        sections = tool_sections(tools, _PARAMETERS[language])
        name, begun = _begun_call(tools)
        return _INSTRUCTIONS[language].format(tools=sections, name=name, begun=begun)

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write the whole run as one user turn that breaks off where the model goes on."""
        if not exchanges:
            return [Turn("user", question)]
        parts = [question, "\n\n"]
        for number, exchange in enumerate(exchanges):
            reply = _until_stop_word(exchange.reply)
            parts += [_joint(reply) if number else "", reply]
            parts += ["" if reply.endswith("\n") else "\n"]
            parts += [f"{RESULT}: {escaped_markers(result.text)}\n" for result in exchange.results]
            parts += [RETURN]
        return [Turn("user", "".join(parts))]


QWEN = Qwen()


def _begun_call(tools: Sequence[ToolSpec]) -> tuple[str, str]:
    """Write the beginning of a call as a sample; return its tool, too.

    With the form alone a model that was not trained on it writes the tool's name for FUNCTION. A
    whole call with arguments would be copied as it stands ("What a small model showed" in
    docs/evaluation.md).
    """
    tool = next((one for one in tools if one.properties), tools[0])
    required = tool.parameters.get("required")
    needed = [one for one in tool.properties if isinstance(required, list) and one in required]
    key = next(iter([*needed, *tool.properties]), "")
    written = escaped_markers(json.dumps(key, ensure_ascii=False))
    return tool.name, f"{FUNCTION}: {tool.name}\n{ARGS}: {{" + (f"{written}: " if key else "}")


def _until_stop_word(reply: str) -> str:
    """Cut a reply where the stop words end it at servers that know them.

    What a model writes on past its call is a result that it made up; the real one follows.
    """
    call = reply.find(FUNCTION)
    written_on = _WRITTEN_ON.search(reply, call) if call >= 0 else None
    return reply[: written_on.end()] if written_on else reply


def _joint(reply: str) -> str:
    """Join ✿RETURN✿ and the reply that went on there: most begin with the colon themselves."""
    bare = reply.lstrip()
    if bare.startswith((":", "：")):
        return ""
    return "\n" if bare.startswith((FUNCTION, ARGS)) else ": "
