"""The demo model: rules that pick tools by the question's words and report what they gave.

It stands in for a real model where there is none, and says so in its answers. With native tools in
the request it calls those; without, it reads from the system prompt which text protocol is spoken
there and writes its calls in it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workbench.base.ports import Json, objects
from workbench.model.demo_json import asked_shape, filled

_GO_ON = "continue"
_ASKING = "Let me ask my tools."
_INTRODUCTION = "I am Rondo's rule-based demo model"
_CITIES = {
    "tokyo": "Asia/Tokyo",
    "beijing": "Asia/Shanghai",
    "shanghai": "Asia/Shanghai",
    "london": "Europe/London",
    "berlin": "Europe/Berlin",
    "paris": "Europe/Paris",
    "madrid": "Europe/Madrid",
    "lisbon": "Europe/Lisbon",
    "new york": "America/New_York",
    "san francisco": "America/Los_Angeles",
    "são paulo": "America/Sao_Paulo",
    "sydney": "Australia/Sydney",
    "delhi": "Asia/Kolkata",
    "东京": "Asia/Tokyo",
    "北京": "Asia/Shanghai",
    "上海": "Asia/Shanghai",
    "伦敦": "Europe/London",
    "东京都": "Asia/Tokyo",
}
_TIME_WORDS = re.compile(r"\b(time|clock|hour|date|day)\b|时间|几点|日期", re.IGNORECASE)
_NUMBER = r"\d+(?:\.\d+)?"
_SUM = re.compile(rf"\(*{_NUMBER}\)*(?:\s*[-+*/×·÷−^%]\s*\(*{_NUMBER}\)*)+")
_WORDED = ((r"\btimes\b|\bmultiplied by\b", "*"), (r"\bplus\b", "+"), (r"\bminus\b", "-"))
_PASSAGE = re.compile(r"<passage>\n\[(\d+)\].*\n([\s\S]*?)\n</passage>")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_COMMON = frozenset(
    {"what", "which", "when", "where", "does", "many", "much", "have", "with", "that"}
)
_MOST_CITED = 3
_FOLDED = re.compile(
    r"^The tool (\S+) was called with (.*) and returned:\n([\s\S]*?)(?=\n\n|\Z)", re.MULTILINE
)
_FOLDED_CHINESE = re.compile(
    r"^工具 (\S+) 以参数 (.*) 被调用，返回结果如下：\n([\s\S]*?)(?=\n\n|\Z)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that the model wants."""

    tool: str
    arguments: Mapping[str, Any] | str
    """As a text they are written as they stand."""

    @property
    def raw(self) -> str:
        """The arguments as JSON, or as they stand."""
        given = self.arguments
        return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: text, and calls where the request offers native tools."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class _TextFormat:
    marker: str
    names: re.Pattern[str]
    write: Callable[[Sequence[ToolCall]], str]
    result: re.Pattern[str]


def reply(body: Json) -> Reply:
    """Answer a chat completion request."""
    messages = objects(body.get("messages"))
    if body.get("tools"):
        return _reply_natively(messages, objects(body["tools"]))
    if form := _text_format(messages):
        return _reply_in(form, messages)
    found = [result for message in messages for result in _folded(_text(message))]
    return Reply(_answer(found, messages))


def written(call: ToolCall, messages: list[Json]) -> str:
    """Write a call in the form that the messages ask for; as JSON where they ask for none."""
    form = _text_format(messages)
    return form.write([call]) if form else _json(call)


def _text_format(messages: list[Json]) -> _TextFormat | None:
    system = _system(messages)
    return next((form for form in _TEXT_FORMATS if form.marker in system), None)


def _system(messages: list[Json]) -> str:
    return "\n".join(_text(message) for message in messages if message["role"] == "system")


def _reply_natively(messages: list[Json], tools: list[Json]) -> Reply:
    names = {
        call.get("id"): call["function"]["name"]
        for message in messages
        for call in objects(message.get("tool_calls"))
    }
    # What stands before the question was found in an earlier turn of the conversation.
    asked = max(_places_of_questions(messages), default=0)
    found = [
        f"{names.get(message.get('tool_call_id'), 'a tool')}: {_text(message)}"
        for message in messages[asked:]
        if message["role"] == "tool"
    ]
    if found:
        return Reply(_answer(found, messages))
    schemas: dict[str, Json] = {
        str(tool["function"]["name"]): tool["function"].get("parameters") or {} for tool in tools
    }
    calls = plan(_question(messages), schemas)
    if not calls:
        return Reply(_answer([], messages))
    return Reply(f"{_ASKING} ", tuple(calls))


def _reply_in(form: _TextFormat, messages: list[Json]) -> Reply:
    after = "\n".join(_text(message) for message in messages if message["role"] != "system")
    found = [match.strip() for match in form.result.findall(after)]
    schemas: dict[str, Json] = {name: {} for name in form.names.findall(_system(messages))}
    calls = plan(_question(messages), schemas)
    # ReAct calls one tool a step; in the others all calls stand in the first reply.
    left = calls[len(found) :] if form is _REACT or not found else []
    if not left:
        return Reply(_closing(form, _answer(found, messages)))
    return Reply(f"{_ASKING}\n{form.write(left)}")


def plan(question: str, schemas: Mapping[str, Json]) -> list[ToolCall]:
    """Choose tools by the question's words."""
    calls: list[ToolCall] = []
    for name, schema in schemas.items():
        lowered = name.lower()
        if "time" in lowered and "convert" not in lowered:
            calls += [_tool_call(name, schema, "timezone", zone) for zone in _zones(question)]
        elif "calc" in lowered:
            calls += [_tool_call(name, schema, "expression", each) for each in _sums(question)]
        elif re.search(rf"\b{re.escape(name)}\b", question):
            calls.append(_tool_call(name, schema, "query", question))
    return calls


def _tool_call(tool: str, schema: Json, usual: str, value: str) -> ToolCall:
    properties: Json = schema.get("properties") or {usual: {}}
    names = list(properties)
    return ToolCall(tool, {usual if usual in names else names[0]: value})


def _zones(question: str) -> list[str]:
    if not _TIME_WORDS.search(question):
        return []
    lowered = question.lower()
    return list(dict.fromkeys(zone for city, zone in _CITIES.items() if city in lowered)) or ["UTC"]


def _sums(question: str) -> list[str]:
    for worded, sign in _WORDED:
        question = re.sub(worded, sign, question, flags=re.IGNORECASE)
    dates = re.compile(r"\d{4}-\d{2}-\d{2}")
    return [match.group().strip() for match in _SUM.finditer(dates.sub(" ", question))]


def _answer(found: list[str], messages: list[Json]) -> str:
    question = _question(messages)
    texts = [_text(message) for message in messages]
    cited = _cited(question, "\n".join(texts))
    schema = asked_shape(texts)
    if schema is not None:
        return json.dumps(filled(schema, found or cited or [question]), ensure_ascii=False)
    told = [
        f"{_INTRODUCTION}, and this is what {who} me:\n\n"
        + "\n".join(f"- {line}" for line in lines)
        for who, lines in (("the tools told", found), ("the passages tell", cited))
        if lines
    ]
    return "\n\n".join(told) or _no_tools()


def _cited(question: str, text: str) -> list[str]:
    """Choose the sentences of passages that share the most words with the question."""
    asked = _words(question)
    scored = [
        (len(asked & _words(sentence)), f"{sentence.strip()} [{number}]")
        for number, passage in _PASSAGE.findall(text)
        for sentence in _SENTENCE.split(passage)
    ]
    highest = max((score for score, _ in scored), default=0)
    return [line for score, line in scored if score and score == highest][:_MOST_CITED]


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w{4,}", text.lower()) if word not in _COMMON}


def _no_tools() -> str:
    return (
        f"{_INTRODUCTION}: I can only ask tools for the time in a city and for sums,"
        " and none of them fits this question. Name a real model with --base-url and --model."
    )


def _folded(text: str) -> list[str]:
    return [
        f"{name}: {result.strip()}"
        for pattern in (_FOLDED, _FOLDED_CHINESE)
        for name, _, result in pattern.findall(text)
    ]


def _question(messages: list[Json]) -> str:
    asked = [_text(messages[place]) for place in _places_of_questions(messages)]
    # In some protocols the run so far stands behind the question, in the same turn.
    return asked[-1].partition(f"\n\n{_ASKING}")[0] if asked else ""


def _places_of_questions(messages: list[Json]) -> list[int]:
    # A user who speaks after an empty reply only asks for a better one, and ReAct's to go on.
    return [
        place
        for place, (before, message) in enumerate(pairwise([{"role": "system"}, *messages]))
        if message["role"] == "user"
        and _text(message) != _GO_ON
        and not (before["role"] == "assistant" and not _text(before).strip())
    ]


def _text(message: Json) -> str:
    content: Any = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text") or "") for part in objects(content))


def _closing(form: _TextFormat, answer: str) -> str:
    return f"Thought: I know enough.\nFinal Answer: {answer}" if form is _REACT else answer


def _hermes(calls: Sequence[ToolCall]) -> str:
    return "\n".join(f"<tool_call>\n{_json(call)}\n</tool_call>" for call in calls)


def _json(call: ToolCall) -> str:
    name = json.dumps(call.tool, ensure_ascii=False)
    return f'{{"name": {name}, "arguments": {call.raw}}}'


def _qwen(calls: Sequence[ToolCall]) -> str:
    return "\n".join(f"✿FUNCTION✿: {call.tool}\n✿ARGS✿: {call.raw}" for call in calls)


def _qwen3_coder(calls: Sequence[ToolCall]) -> str:
    return "\n".join(
        f"<tool_call>\n<function={call.tool}>\n{_parameters(call)}</function>\n</tool_call>"
        for call in calls
    )


def _parameters(call: ToolCall) -> str:
    given = call.arguments
    if isinstance(given, str):
        return f"{given}\n"
    return "".join(f"<parameter={name}>\n{value}\n</parameter>\n" for name, value in given.items())


def _react(calls: Sequence[ToolCall]) -> str:
    first = calls[0]
    return f"Thought: I should use a tool.\nAction: {first.tool}\nAction Input: {first.raw}"


_NAMED = re.compile(r'(?:"name": ?"|<name>\s*)([\w-]+)')
_REACT = _TextFormat(
    '"Final Answer"',
    _NAMED,
    _react,
    re.compile(rf"Observation: ([\s\S]*?)(?=\n(?:Observation:|{_ASKING}|{_GO_ON}\b)|\Z)"),
)
_TOOL_RESPONSE = re.compile(r"<tool_response>([\s\S]*?)</tool_response>")
_TEXT_FORMATS = (
    _TextFormat("<function=", _NAMED, _qwen3_coder, _TOOL_RESPONSE),
    _TextFormat(
        "✿FUNCTION✿",
        re.compile(r"^#+ ([\w-]+)$", re.MULTILINE),
        _qwen,
        re.compile(r"✿RESULT✿:? ?([\s\S]*?)(?=✿|\Z)"),
    ),
    _TextFormat("<tool_call>", _NAMED, _hermes, _TOOL_RESPONSE),
    _REACT,
)
