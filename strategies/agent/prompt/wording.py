"""The sentences that the engine says to the model and, where a run ends oddly, to the reader.

Chosen by the language of the question, as the protocols' instructions are. What else a model reads
of ours: the protocols' prompts; `planning/sentences.py`; `schema/answer.py` and
`schema/arguments.py` on what does not fit; `dify/inputs/knowledge.py` on passages;
`dify/inputs/files/wording.py` and `dify/calls/toolbox.py` on files; `dify/calls/tool_result.py` on
results; and the notes of `shortening.py` and `window/draft.py` on what was left out.
"""

from dataclasses import dataclass

from strategies.protocols.base import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's sentences; `{…}` are filled by `str.format`."""

    answer_now: str
    answer_alone: str
    results_heading: str
    format_error: str
    nudge: str
    nudge_without_tools: str
    go_on: str
    unknown_tool: str
    nearest_tool: str
    no_tools: str
    broken_arguments: str
    refused_arguments: str
    tool_timed_out: str
    not_started: str
    stopped: str
    no_progress: str
    stuck: str
    held: str
    nobody_to_ask: str
    not_asked: str
    rejected: str
    known: str
    misshapen: str
    no_shape: str
    must_call: str
    must_call_any: str
    empty_answer: str
    empty_answer_with_results: str
    time_limit: str
    model_silent: str
    model_stalled: str
    both_failed: str
    find_tools: str
    find_tools_words: str
    tools_found: str
    no_tool_found: str


ENGLISH = Wording(
    answer_now="Answer my question now, from these results. Tools can no longer be called.",
    answer_alone=(
        "No tool can be run. Answer as well as you can without, and say what you could not look up."
    ),
    results_heading="Results of the tools:",
    format_error=(
        "A tool call could not be read: {problem} "
        "Call a tool in the right form, or answer the question."
    ),
    nudge="Call a tool, or answer the question.",
    nudge_without_tools="Answer the question.",
    go_on=(
        "Your reply was cut off. Write the rest of it, and nothing else. "
        "Begin with its last words, which were: {end}"
    ),
    unknown_tool="There is no tool named {name}. Call one of these: {names}.",
    nearest_tool=" Did you mean {nearest}?",
    no_tools="There is no tool named {name}, and no tools are offered.",
    broken_arguments=(
        "{name} was not run, because its arguments could not be read: {problem} "
        "Call it again with one JSON object as its arguments."
    ),
    refused_arguments=(
        "{name} was not run. Correct these arguments and call it again: {problems}."
    ),
    tool_timed_out="timed out after {seconds} s",
    not_started="The tool was not run, because the time for this run is nearly over.",
    stopped="stopped, because the time for this run is nearly over",
    no_progress=(
        "This result came {times} times in a row. Use it to answer, or call with other arguments."
    ),
    stuck="Not run again: the result is known. Answer with it.",
    held="{name} was not run yet: the user is asked for approval first.",
    nobody_to_ask=(
        "{name} was not run: it needs the user's approval, and nobody can be asked here. "
        "Go on without it, and say so."
    ),
    not_asked="The user could not be asked, so what needs approval was not run.",
    rejected="(The user did not approve these calls, and they were not run: {calls})",
    known="This has been found out:\n\n{results}",
    misshapen=(
        "Your answer does not have the JSON form that was asked for: {problems}. "
        "Answer again with the corrected JSON alone."
    ),
    no_shape="The model's answer does not fit the parameter `answer_schema`: {problems}.",
    must_call="Call the tool {name} before you answer.",
    must_call_any="Call at least one tool before you answer.",
    empty_answer="The model gave no answer.",
    empty_answer_with_results="The model gave no answer. This is what the tools returned:",
    time_limit="The time limit of {seconds} s was reached before the model had answered.",
    model_silent="The model {model} did not begin to answer in time.",
    model_stalled="The model {model} stopped in the middle of its reply.",
    both_failed="{first} The fallback model failed, too: {second}",
    find_tools=(
        "Finds more tools by words. There are {count} tools, of which only a few are shown{of}. "
        "Search here before you say that something cannot be done."
    ),
    find_tools_words=(
        "What the tool should do, in a few words, such as: create invoice. "
        "Most tools are described in English."
    ),
    tools_found="These tools can be called now, in the same way as the others:",
    no_tool_found="No tool fits these words. Try others, or go on without.",
)

CHINESE = Wording(
    answer_now="请根据以上结果立即回答我的问题。不能再调用工具。",
    answer_alone="没有工具可以运行。请在不使用工具的情况下尽力回答，并说明哪些内容无法查到。",
    results_heading="工具返回的结果：",
    format_error="有一个工具调用无法读取：{problem} 请用正确的格式调用工具，或回答问题。",
    nudge="请调用工具，或回答问题。",
    nudge_without_tools="请回答问题。",
    go_on="你的回复被截断了。请只写出剩余部分，并从已写的最后几个字开始：{end}",
    unknown_tool="没有名为 {name} 的工具。请调用以下工具之一：{names}。",
    nearest_tool="你想调用的是 {nearest} 吗？",
    no_tools="没有名为 {name} 的工具，当前也没有可用的工具。",
    broken_arguments=(
        "{name} 没有运行，因为参数无法读取：{problem} 请用一个 JSON 对象作为参数重新调用。"
    ),
    refused_arguments="{name} 没有运行。请修正以下参数后重新调用：{problems}。",
    tool_timed_out="{seconds} 秒后超时",
    not_started="工具没有运行，因为本次运行的时间即将用完。",
    stopped="已停止，因为本次运行的时间即将用完",
    no_progress="该结果已连续出现 {times} 次。请用它来回答，或换用其他参数。",
    stuck="没有再次运行：结果已知。请用它来回答。",
    held="{name} 尚未运行：需要先征得用户同意。",
    nobody_to_ask=(
        "{name} 没有运行：它需要用户同意，而此处无法询问。请在不使用它的情况下继续，并说明这一点。"
    ),
    not_asked="无法询问用户，因此需要同意的工具没有运行。",
    rejected="（用户没有同意以下调用，它们没有运行：{calls}）",
    known="已查明：\n\n{results}",
    misshapen="你的回答不符合所要求的 JSON 格式：{problems}。请只用修正后的 JSON 重新回答。",
    no_shape="模型的回答不符合参数 `answer_schema`：{problems}。",
    must_call="回答之前必须先调用工具 {name}。",
    must_call_any="回答之前必须先调用至少一个工具。",
    empty_answer="模型没有给出回答。",
    empty_answer_with_results="模型没有给出回答。以下是工具返回的内容：",
    time_limit="在模型回答之前已达到 {seconds} 秒的时间限制。",
    model_silent="模型 {model} 没有及时开始回答。",
    model_stalled="模型 {model} 的回复中途停止了。",
    both_failed="{first} 备用模型也失败了：{second}",
    find_tools=(
        "用关键词查找更多工具。共有 {count} 个工具，目前只显示了其中几个{of}。"
        "在说某事无法完成之前，请先在这里查找。"
    ),
    find_tools_words=(
        "用几个词说明工具应做什么，例如：create invoice。多数工具的说明是英文的，也可用中文。"
    ),
    tools_found="现在可以用同样的方式调用以下工具：",
    no_tool_found="没有符合这些词的工具。请换用其他词，或不用工具继续。",
)


def wording_for(language: Language) -> Wording:
    """Return the sentences of a language."""
    return CHINESE if language == "zh" else ENGLISH
