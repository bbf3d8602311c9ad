"""When a run is right: facts however they are spelled, tools that ran, and nobody's echo."""

import time
from typing import Any

import pytest

from workbench.base.ports import Json
from workbench.evaluate.judge import final_answer, holds, mistakes
from workbench.evaluate.tasks import Fact, Task, Wanted
from workbench.host.record import Run
from workbench.runtimes.limits import DAEMON


def message(kind: str, **body: Any) -> Json:
    """One message of the plugin."""
    return {"type": kind, "message": body}


def run(
    answer: Any,
    *,
    text: str = "",
    calls: tuple[tuple[str, Json], ...] = (),
    result: str = "24 °C",
    turns: tuple[tuple[str, str], ...] | None = None,
) -> Run:
    """A run with tool calls, and model calls as prompt and reply."""
    made = Run("one", DAEMON)
    for name, arguments in calls:
        call = made.begin_call("tool", {"tool": name, "tool_parameters": arguments})
        call.pieces.append(message("text", text=result))
    for prompt, reply in [("Q", str(answer))] if turns is None else turns:
        messages: list[Json] = [{"role": "user", "content": prompt}]
        call = made.begin_call("llm", {"prompt_messages": messages})
        call.pieces.append({"delta": {"message": {"content": reply, "tool_calls": []}}})
    made.take(message("text", text=text), time.monotonic())
    if answer is not None:
        named = {"variable_name": "answer", "variable_value": answer, "stream": False}
        made.take(message("variable", **named), time.monotonic())
    made.end()
    return made


def task(question: str = "Q", **others: Any) -> Task:
    """A task."""
    return Task(name="t", kind="", question=question, **others)


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        ("It is 24°C there.", 24),
        ("**24.0** degrees", 24),
        ("1,605,403", 1605403),
        ("1 605 403 exactly", 1605403),
        ("about 52.918 dollars", 52.92),
        ("between 10-12", 12),
        ("minus −3 degrees", -3),
        ("The ORDER is *shipped*.", "order is shipped"),
        ("`order_status`", "order_status"),
        ("now：０３:15", "03:15"),
        ("里斯本现在晴。", "晴"),
        ("I couldn’t find it", "couldn't find"),
    ],
)
def test_a_fact_is_found_however_it_is_spelled(answer: str, fact: Fact) -> None:
    """As a person would read it."""
    assert holds(answer, fact)


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        ("It is 240 degrees.", 24),
        ("version 1.24", 24),
        ("24.6 degrees", 24),
        ("52.8", 52.92),
        ("I know that", "no"),
        ("sunnyvale", "sunny"),
        ("A1042", "1042"),
    ],
)
def test_what_only_looks_alike_is_another_fact(answer: str, fact: Fact) -> None:
    """Parts of longer words and numbers do not count."""
    assert not holds(answer, fact)


def test_the_answer_is_the_output_or_else_the_text_without_thoughts() -> None:
    """What the reader takes for it."""
    assert final_answer(run("24", text="I look. 24")) == "24"
    assert final_answer(run(None, text="<think>maybe 25</think>24")) == "24"
    assert final_answer(run({"a": 1})) == '{"a": 1}'


def test_right_is_an_answer_with_the_facts_and_the_calls() -> None:
    """Every fact in one of its spellings, every call with its arguments."""
    wanted = task(
        answer=((24,), ("sunny", "clear")),
        calls=(Wanted(tool="weather", arguments={"city": ("Lisbon",)}),),
    )
    called = (("weather", {"city": "Lisbon, Portugal"}),)

    assert mistakes(wanted, run("24 and clear", calls=called)) == []
    assert mistakes(wanted, run("24 and rain", calls=called)) == [
        "The answer does not hold 'sunny' or 'clear'."
    ]
    assert mistakes(wanted, run("24 and sunny", calls=(("weather", {"city": "Oslo"}),))) == [
        "weather with city: 'Lisbon' did not run."
    ]


def test_what_must_not_be_is_wrong() -> None:
    """Words, a tool, or any tool."""
    forbidden = task(answer=((24,),), answer_not=("snow",), calls_not=("delete",))

    assert mistakes(forbidden, run("24, snow", calls=(("delete", {}),))) == [
        "The answer holds 'snow', which it must not.",
        "delete ran, which it must not.",
    ]
    assert mistakes(task(calls_not=("any",)), run("Hello, you", calls=(("weather", {}),))) == [
        "No tool was needed, but weather ran."
    ]


def test_a_run_that_failed_or_said_nothing_is_wrong() -> None:
    """With its reason."""
    failed = run(None)
    failed.error = "it broke"

    assert mistakes(task(), failed) == ["The run failed: it broke.", "There is no answer."]


def test_a_structured_answer_is_compared_field_by_field() -> None:
    """A fence around it is forgiven, a wrong or missing field is not."""
    wanted = task(answer_json={"city": "Oslo", "celsius": 3, "tags": ["cold"]})
    right = '{"city": "OSLO", "celsius": 3.0, "tags": ["Cold"], "more": 1}'

    assert mistakes(wanted, run(right)) == []
    assert mistakes(wanted, run(f"```json\n{right}\n```")) == []
    assert mistakes(wanted, run('{"city": "Oslo", "celsius": 4}')) == [
        "The answer's 'celsius' is 4, not 3.",
        "The answer's 'tags' is null, not [\"cold\"].",
    ]
    assert mistakes(wanted, run("It is cold.")) == ["The answer is not a JSON object."]


def test_words_that_only_the_plugin_said_are_no_answer() -> None:
    """Neither a model nor a tool wrote them."""
    alone = run("I could not finish in time.", turns=(("Q", "calling …"),))

    assert mistakes(task(), alone) == [
        "The answer is the plugin's own words: no model and no tool said it."
    ]


def test_an_answer_that_two_replies_make_up_is_the_models() -> None:
    """The first was cut off; the second began with its last words, which are said once."""
    joined = run(
        "The disk was full. The batch stopped in the night of Friday.",
        turns=(("Q", "The disk was full. The batch stopped"), ("Go on", "stopped in the night …")),
    )

    assert mistakes(task(), joined) == []


def test_an_imitated_sentence_of_the_plugin_is_no_answer() -> None:
    """It stood in the prompt before the model said it, and is not the task's nor a tool's."""
    imitated = run(
        "(tools were called)",
        turns=(("Q", "calls"), ("Q (tools were called) Result: 24", "(tools were called)")),
    )

    assert mistakes(task(), imitated) == ["The answer repeats what the plugin told the model."]


def test_a_tools_result_the_question_and_earlier_words_may_be_repeated() -> None:
    """They are somebody's, although the prompt holds them."""
    line = "Lisbon has 24 degrees"
    of_tool = run(line, calls=(("weather", {}),), result=line, turns=((f"Q {line}", line),))
    of_question = run(line, turns=((f"Q {line}", line),))
    of_model = run(line, turns=(("Q", line), (f"Q {line}", line)))

    assert mistakes(task(), of_tool) == []
    assert mistakes(task(question=f"Repeat: {line}"), of_question) == []
    assert mistakes(task(), of_model) == []


def test_an_answer_may_quote_what_an_earlier_turn_found() -> None:
    """A remembered result stands in the prompt, and is nobody's echo."""
    result = "Lisbon: 24 °C and sunny all day"
    earlier = run("It is warm.", calls=(("weather", {"city": "Lisbon"}),), result=result)
    later = run(result, turns=((f"It was said: {result}", result),))

    assert mistakes(task(answer=((24,),)), later, [earlier]) == []
    assert mistakes(task(answer=((24,),)), later) != []
