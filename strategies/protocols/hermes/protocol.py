"""The hermes protocol: calls as JSON in `<tool_call>` tags.

Nous Hermes brought it up and Qwen2.5, Qwen3 and many others were trained on it, which makes it the
best guess for a model without native calls. Results go back as user turns.
"""

from strategies.protocols.base import Language
from strategies.protocols.tagged.protocol import TagProtocol

_INSTRUCTIONS: dict[Language, str] = {
    "en": """\
# Tools

These tools are yours to use. Every line tells one tool's name, its purpose and a JSON Schema of \
its parameters:
<tools>
{tools}
</tools>

A tool runs when you write its name and arguments as JSON in this form:
<tool_call>
{{"name": "NAME_OF_THE_TOOL", "arguments": {{"PARAMETER": "VALUE"}}}}
</tool_call>

- Tools that do not need each other's results can run together: write one such block for each.
- Stop writing after your last block. What the tools return reaches you in <tool_response> \
blocks; never make up a result yourself.
- Use no other tools than these, and give every required parameter.
- Once you know enough, reply to the user directly, without such a block.""",
    "zh": """\
# 工具

下面这些工具供你使用，一行一个，写明名称、用途和参数的 JSON Schema：
<tools>
{tools}
</tools>

要运行某个工具，就按这个格式用 JSON 写出它的名称和参数：
<tool_call>
{{"name": "工具名称", "arguments": {{"参数名": "参数值"}}}}
</tool_call>

- 互不依赖的工具可以同时运行：每个工具各写一段。
- 写完最后一段就停笔。工具的返回内容会放在 <tool_response> 里交给你，不要自己编造。
- 只用上面列出的工具，必填参数一个都不能少。
- 信息足够时，直接回答用户，不要再写这样的段落。""",
}

HERMES = TagProtocol(name="hermes", told=_INSTRUCTIONS)
