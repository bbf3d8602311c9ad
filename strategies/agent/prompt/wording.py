"""The sentences that the engine says to the model and, where a run ends oddly, to the reader.

Chosen by the language of the question, as the protocols' instructions are. Everything that a model
reads of ours outside the protocols stands in this file.
"""

from dataclasses import dataclass

from strategies.protocols.base import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's sentences; `{…}` are filled by `str.format`."""

    answer_now: str
    call_returned: str
    placeholder: str
    no_reply: str
    format_error: str
    nudge: str
    unknown_tool: str
    nearest_tool: str
    no_tools: str
    broken_arguments: str
    refused_arguments: str
    tool_timed_out: str
    not_started: str
    stopped: str
    misshapen: str
    no_shape: str
    must_call: str
    must_call_any: str
    repeated: str
    refused_repeat: str
    empty_answer: str
    empty_answer_with_results: str
    time_limit: str


ENGLISH = Wording(
    answer_now=(
        "No more tools can be called. Answer the question now with what is known so far, "
        "and say plainly what is missing."
    ),
    call_returned="The tool {name} was called with {arguments} and returned:\n{result}",
    placeholder="(tools were called)",
    no_reply="(nothing was said)",
    format_error=(
        "A tool call in your reply could not be read: {problem} "
        "Write the call again in the right form, or answer without it."
    ),
    nudge="Your reply was empty. Answer the question, or call a tool.",
    unknown_tool="There is no tool named {name}. The tools are: {names}.",
    nearest_tool=" Did you mean {nearest}?",
    no_tools="There is no tool named {name}, and no tools are offered.",
    broken_arguments=(
        "The tool was not run, because its arguments could not be read: {problem} "
        "Call it again with one JSON object as its arguments."
    ),
    refused_arguments="The tool was not run. Mend these arguments and call it again: {problems}.",
    tool_timed_out="timed out after {seconds} s",
    not_started="The tool was not run, because the time for this run is nearly over.",
    stopped="stopped, because the time for this run is nearly over",
    misshapen=(
        "Your answer does not have the JSON form that was asked for: {problems}. "
        "Answer again with the mended JSON alone."
    ),
    no_shape="The model's answer does not fit the parameter `answer_schema`: {problems}.",
    must_call="Call the tool {name} before you answer.",
    must_call_any="Call at least one tool before you answer.",
    repeated="(This is the earlier result: the tool was already called with these arguments.)",
    refused_repeat=(
        "The tool was not run: it has been called with the same arguments several times and the "
        "result will not change. Answer with what is known."
    ),
    empty_answer="The model gave no answer.",
    empty_answer_with_results="The model gave no answer. This is what the tools returned:",
    time_limit="The time limit of {seconds} s was reached before the model had answered.",
)

CHINESE = Wording(
    answer_now="不能再调用任何工具。请根据目前已知的信息立即回答问题，并明确说明还缺少什么。",
    call_returned="工具 {name} 以参数 {arguments} 被调用，返回结果如下：\n{result}",
    placeholder="（已调用工具）",
    no_reply="（没有回复）",
    format_error=(
        "回复中的一个工具调用无法读取：{problem} 请用正确的格式重新写出该调用，或不用工具直接回答。"
    ),
    nudge="你的回复是空的。请回答问题，或调用工具。",
    unknown_tool="没有名为 {name} 的工具。可用的工具有：{names}。",
    nearest_tool="你想调用的是 {nearest} 吗？",
    no_tools="没有名为 {name} 的工具，当前也没有可用的工具。",
    broken_arguments=(
        "工具没有运行，因为参数无法读取：{problem} 请用一个 JSON 对象作为参数重新调用。"
    ),
    refused_arguments="工具没有运行。请修正以下参数后重新调用：{problems}。",
    tool_timed_out="{seconds} 秒后超时",
    not_started="工具没有运行，因为本次运行的时间即将用完。",
    stopped="已停止，因为本次运行的时间即将用完",
    misshapen="你的回答不符合所要求的 JSON 格式：{problems}。请只用修正后的 JSON 重新回答。",
    no_shape="模型的回答不符合参数 `answer_schema`：{problems}。",
    must_call="回答之前必须先调用工具 {name}。",
    must_call_any="回答之前必须先调用至少一个工具。",
    repeated="（这是之前的结果：该工具已用相同的参数调用过。）",
    refused_repeat="工具没有运行：它已用相同的参数被调用多次，结果不会改变。请根据已知的信息回答。",
    empty_answer="模型没有给出回答。",
    empty_answer_with_results="模型没有给出回答。以下是工具返回的内容：",
    time_limit="在模型回答之前已达到 {seconds} 秒的时间限制。",
)


def wording_for(language: Language) -> Wording:
    """Return the sentences of a language."""
    return CHINESE if language == "zh" else ENGLISH
