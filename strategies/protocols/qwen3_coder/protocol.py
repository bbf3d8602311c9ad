"""The qwen3_coder protocol: calls as markup, `<function=…><parameter=…>`, without any escaping.

Made for models that write whole files as arguments: no quotes to escape. The types of the values
come from the schema. Results go back as in hermes.
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

A tool runs when you write its name and arguments in this form, tags on lines of their own:
<tool_call>
<function=NAME_OF_THE_TOOL>
<parameter=PARAMETER>
VALUE
</parameter>
</function>
</tool_call>

- Write values as they are, over several lines if need be, without quotes or escapes; objects and \
lists as JSON. Close every tag.
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

要运行某个工具，就按这个格式写出它的名称和参数，标签各占一行：
<tool_call>
<function=工具名称>
<parameter=参数名>
参数值
</parameter>
</function>
</tool_call>

- 参数值照原样写，可以有多行，不加引号，也不转义；对象和列表写成 JSON。每个标签都要闭合。
- 互不依赖的工具可以同时运行：每个工具各写一段。
- 写完最后一段就停笔。工具的返回内容会放在 <tool_response> 里交给你，不要自己编造。
- 只用上面列出的工具，必填参数一个都不能少。
- 信息足够时，直接回答用户，不要再写这样的段落。""",
}

QWEN3_CODER = TagProtocol(name="qwen3_coder", told=_INSTRUCTIONS)
