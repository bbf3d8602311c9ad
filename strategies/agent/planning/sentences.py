"""What is said to a model that plans, that carries out a step, and that answers from the steps."""

import re
from dataclasses import dataclass

from strategies.agent.prompt.wording import CHINESE, ENGLISH
from strategies.protocols.base import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """One language's sentences; `<…>` are filled by `filled`, because JSON has braces."""

    plan: str
    revise: str
    step: str
    task: str
    results: str
    answer: str
    failed: str
    unreadable: str
    no_rounds: str
    stopped: str


_FORM = (
    '{"steps": [{"id": 1, "task": "…", "tools": ["…"], "after": []}, '
    '{"id": 2, "task": "…", "tools": ["…"], "after": []}, '
    '{"id": 3, "task": "…", "tools": ["…"], "after": [1, 2]}]}'
)

_ENGLISH = Sentences(
    plan=(
        "You plan before anything is done. These tools will carry out the plan; "
        "they cannot be called in this reply:\n<tools>\n\n"
        f"Reply with nothing but a plan as JSON:\n{_FORM}\n"
        "Each task says all that is needed to do it, with every name and number: whoever does it "
        "sees neither the question nor the other steps. `tools` names the tools it uses. `after` "
        "lists the ids of the steps whose results it needs; steps that do not need one another run "
        "at the same time. Write as few steps as possible, and none for writing the answer.\n"
        "Where no tool is needed, as for a greeting, reply with "
        '{"steps": [], "answer": the answer}.'
    ),
    revise=(
        "This has been done so far:\n\n<results>\n\n"
        "Not all went as planned. Reply with nothing but a plan as JSON, in the same form, of the "
        'steps that are still to be done; {"steps": []} if the results are enough. '
        "`after` may also name the steps above."
    ),
    step=(
        "You carry out one step of a larger plan. Do this task alone and reply with its result: "
        "all facts and figures that were found, briefly. If it cannot be done, or what you find "
        "makes the rest of the plan pointless, begin your reply with UNEXPECTED: and say why."
    ),
    task="<task>\n\nResults that you can build on:\n\n<results>",
    results="Step <id>: <task>\nResult: <result>",
    answer=f"<question>\n\nThis has been found out:\n\n<results>\n\n{ENGLISH.answer_now}",
    failed="(failed) <error>",
    unreadable="The model's plan could not be read.",
    no_rounds="not run, because the model calls of this run are used up",
    stopped="not run, because the time for this run is nearly over",
)

_CHINESE = Sentences(
    plan=(
        "在执行之前先制定计划。以下工具将用于执行计划，本次回复中不能调用：\n<tools>\n\n"
        f"只回复一个 JSON 计划：\n{_FORM}\n"
        "每个 task 要写明完成它所需的一切，包括所有名称和数字：执行者看不到问题，也看不到其他步骤。"
        "tools 列出该步骤使用的工具。after 列出它需要其结果的步骤 id；互不依赖的步骤会同时执行。"
        "步骤尽量少，不要为撰写回答单列步骤。\n"
        '不需要任何工具时（例如问候），请回复 {"steps": [], "answer": 回答}。'
    ),
    revise=(
        "目前已完成：\n\n<results>\n\n"
        "有些步骤没有按计划进行。请按同样的格式只回复一个 JSON 计划，列出仍需执行的步骤；"
        '如果已有结果足够，请回复 {"steps": []}。after 也可以引用上面的步骤。'
    ),
    step=(
        "你负责一个更大计划中的一个步骤。只完成这项任务，并简要回复其结果：找到的所有事实和数字。"
        "如果无法完成，或所得结果使其余计划失去意义，请以 UNEXPECTED: 开头并说明原因。"
    ),
    task="<task>\n\n可以使用的已有结果：\n\n<results>",
    results="步骤 <id>：<task>\n结果：<result>",
    answer=f"<question>\n\n已查明：\n\n<results>\n\n{CHINESE.answer_now}",
    failed="（失败）<error>",
    unreadable="无法读取模型的计划。",
    no_rounds="没有执行，因为本次运行的模型调用次数已用完",
    stopped="没有执行，因为本次运行的时间即将用完",
)


def filled(sentence: str, **values: str) -> str:
    """Fill a sentence; what looks like a place in a value is none."""
    return re.sub(r"<(\w+)>", lambda place: values[place[1]], sentence)


def sentences_for(language: Language) -> Sentences:
    """Return the sentences of a language."""
    return _CHINESE if language == "zh" else _ENGLISH
