"""Whether a run of a task is right: the answer holds the facts, and the right tools ran.

Judged is what the reader is given as the answer: the output `answer`, or else the text without
what stands in <think>. Spelling is forgiven as far as a person would: letter case, Markdown marks,
thousands separators, full-width signs.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, cast

from workbench.base.ports import Json, is_object
from workbench.evaluate.tasks import ANY_TOOL, AnyOf, Fact, Task, Wanted
from workbench.host.record import Run
from workbench.show.transcript import reply

_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_MARKDOWN = re.compile(r"[*`]|(?<![^\W_])_+|_+(?![^\W_])")
_SEPARATORS = re.compile(r"(?<=\d)[,'’ \u2009\u202f](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_FENCE = re.compile(r"```(?:\w+)?\s*(.*?)```", re.DOTALL)
_SENTENCE_END = re.compile(r"\n|(?<=[.!?])\s+|(?<=[。！？])")
_SHORTEST_SENTENCE = 8
_SLACK = 0.500001


def final_answer(run: Run) -> str:
    """What the reader of a run takes for the answer."""
    answer = run.variables.get("answer")
    if answer is not None and not isinstance(answer, str):
        return json.dumps(answer, ensure_ascii=False)
    return (answer or _THINKING.sub("", run.text)).strip()


def mistakes(task: Task, run: Run, earlier: Sequence[Run] = ()) -> list[str]:
    """Say what is wrong with a run, a sentence each; nothing when it is right.

    `earlier` are the turns before it, whose tools' results it may quote.
    """
    answer = final_answer(run)
    return [
        # What merely breaks a rule of Dify's page is `run`'s to say: the answer was there.
        *([f"The run failed: {run.error.rstrip('.')}."] if run.error else []),
        *_wrong_answer(task, answer),
        *_wrong_json(task, answer),
        *_wrong_calls(task, run),
        *_own_words(task, answer, run, earlier),
    ]


def holds(text: str, fact: Fact) -> bool:
    """Whether a text holds a word or a number, however it is spelled.

    A whole number must stand there as such; one with decimals may have been written with more.
    """
    plain = normalised(text)
    if isinstance(fact, str):
        return _holds_words(plain, normalised(fact))
    slack = 0.0 if isinstance(fact, int) else _SLACK * 10.0 ** -_decimals(fact)
    return any(abs(number - fact) <= slack for number in _numbers(plain))


def normalised(text: str) -> str:
    """Write a text without what is only spelling."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("−", "-").replace("’", "'")
    plain = _SEPARATORS.sub("", _MARKDOWN.sub("", plain))
    return " ".join(plain.split())


def _holds_words(text: str, words: str) -> bool:
    # "no" is not in "know"; between other scripts' signs there are no such borders.
    before = r"(?<![a-z0-9])" if words[:1].isascii() and words[:1].isalnum() else ""
    after = r"(?![a-z0-9])" if words[-1:].isascii() and words[-1:].isalnum() else ""
    return re.search(before + re.escape(words) + after, text) is not None


def _numbers(text: str) -> Iterator[float]:
    for found in _NUMBER.finditer(text):
        number = float(found[0])
        yield number
        # "pages 10-12" holds 12, not its negative.
        if number < 0:
            yield -number


def _decimals(number: float) -> int:
    return len(f"{number}".partition(".")[2])


def _wrong_answer(task: Task, answer: str) -> Iterator[str]:
    if not answer:
        yield "There is no answer."
        return
    for spellings in task.answer:
        if not any(holds(answer, fact) for fact in spellings):
            yield f"The answer does not hold {_either(spellings)}."
    for fact in task.answer_not:
        if holds(answer, fact):
            yield f"The answer holds {fact!r}, which it must not."


def _wrong_json(task: Task, answer: str) -> Iterator[str]:
    if task.answer_json is None or not answer:
        return
    value = _as_json(answer)
    if not is_object(value):
        yield "The answer is not a JSON object."
        return
    for name, wanted in task.answer_json.items():
        if not _same(value.get(name), wanted):
            given = json.dumps(value.get(name), ensure_ascii=False)
            yield f"The answer's {name!r} is {given}, not {json.dumps(wanted, ensure_ascii=False)}."


def _as_json(answer: str) -> Any:
    fenced = _FENCE.fullmatch(answer)
    try:
        return json.loads(fenced[1] if fenced else answer)
    except ValueError:
        return None


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return normalised(value) == normalised(wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        pairs = zip(cast("list[Any]", value), cast("list[Any]", wanted), strict=False)
        return len(cast("list[Any]", value)) == len(cast("list[Any]", wanted)) and all(
            _same(one, other) for one, other in pairs
        )
    return bool(value == wanted)


def _wrong_calls(task: Task, run: Run) -> Iterator[str]:
    made = [call.request for call in run.tool_calls]
    for wanted in task.calls:
        if not any(_is_wanted(request, wanted) for request in made):
            yield f"{_described(wanted)} did not run."
    ran = list(dict.fromkeys(str(request.get("tool")) for request in made))
    for name in task.calls_not:
        if name == ANY_TOOL and ran:
            yield f"No tool was needed, but {', '.join(ran)} ran."
        elif name in ran:
            yield f"{name} ran, which it must not."


def _is_wanted(request: Json, wanted: Wanted) -> bool:
    given: Json = request.get("tool_parameters") or {}
    return request.get("tool") == wanted.tool and all(
        any(holds(_as_text(given.get(name, "")), fact) for fact in spellings)
        for name, spellings in wanted.arguments.items()
    )


def _described(wanted: Wanted) -> str:
    if not wanted.arguments:
        return wanted.tool
    told = ", ".join(f"{name}: {_either(each)}" for name, each in wanted.arguments.items())
    return f"{wanted.tool} with {told}"


def _either(spellings: AnyOf) -> str:
    return " or ".join(repr(fact) for fact in spellings)


def _own_words(task: Task, answer: str, run: Run, earlier: Sequence[Run]) -> Iterator[str]:
    """Find answers in which the plugin speaks: those that nobody said, and imitated ones."""
    # One answer may be made of two replies, where the first was cut off.
    told = [_bare(sentence) for sentence in _SENTENCE_END.split(answer)]
    sentences = [sentence for sentence in told if len(sentence) >= _SHORTEST_SENTENCE]
    if not sentences or _as_json(answer) is not None:
        return
    results = (result for each in (*earlier, run) for result in _results(each))
    calls, tools = _exchanges(run), _bare(" ".join(results))
    tools += _bare(" ".join(final_answer(each) for each in earlier))
    said = tools + "".join(reply for _, reply in calls)
    others = tools + _bare(" ".join(_given(task)))
    if not any(sentence in said for sentence in sentences):
        yield "The answer is the plugin's own words: no model and no tool said it."
    elif all(_imitated(sentence, calls, others) for sentence in sentences):
        yield "The answer repeats what the plugin told the model."


def _imitated(sentence: str, calls: Sequence[tuple[str, str]], others: str) -> bool:
    """Whether a sentence stood in a prompt before the model said it, and in nobody else's words."""
    said = others
    for prompt, replied in calls:
        if sentence in said:
            return False
        if sentence in prompt:
            return True
        said += replied
    return False


def _exchanges(run: Run) -> list[tuple[str, str]]:
    """What each model call sent, and what came back."""
    exchanges: list[tuple[str, str]] = []
    for call in run.model_calls:
        answer = reply(call.pieces)
        messages: Sequence[Json] = call.request.get("prompt_messages") or ()
        written = [str(answer["text"]), *(str(each["arguments"]) for each in answer["tool_calls"])]
        # By lines: what only borders on each other there, a call and its result, was not told so.
        lines = chain.from_iterable(_content(message).splitlines() for message in messages)
        sent = "\n".join(map(_bare, lines))
        exchanges.append((sent, _bare(" ".join(written))))
    return exchanges


def _results(run: Run) -> Iterator[str]:
    for call in run.tool_calls:
        yield str(call.error or "")
        for piece in call.pieces:
            body: Json = piece.get("message") or {}
            yield str(body.get("text") or _as_text(body.get("json_object")))


def _given(task: Task) -> Iterator[str]:
    yield task.question
    yield from task.turns
    yield from map(_content, task.history)
    yield from map(_as_text, task.parameters.values())
    for tool in task.tools:
        yield f"{tool.description} {_as_text(tool.schema)}"


def _content(message: Json) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
