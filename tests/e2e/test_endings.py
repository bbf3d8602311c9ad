"""A run always ends well, through the real process: failures, limits, sizes."""

import json
from typing import Any

import pytest

from benchmarks.soak import ALLOWED, growth
from tests.e2e.test_wire import assert_clean
from workbench.bench.scripted import (
    FunctionModel,
    ScriptedModel,
    ScriptedTools,
    Step,
    ask,
    calls,
    chunk,
    says,
    text_output,
    tool,
    tool_call,
    usage,
)
from workbench.host.daemon import Host
from workbench.host.payload import history_message, model_value
from workbench.host.record import Run

BARK = ScriptedTools(look=[text_output("bark")])


def assert_small(run: Run) -> None:
    """No line above 4 MB, in messages or requests."""
    bodies: list[Any] = [*run.messages, *(call.request for call in run.requests)]
    for body in bodies:
        assert len(json.dumps(body, ensure_ascii=False).encode()) < 4_000_000


OBJECT = '{"type": "object", "properties": {"a": {"type": "string"}}}'


@pytest.mark.runtimes("stdio", "stdio-sdk")
@pytest.mark.parametrize(
    ("reply", "others"),
    [
        (calls(tool_call("look", {"q": "y" * 6_000_000})), {}),
        (calls(tool_call("look", {"q": "y" * 3_950_000})), {}),
        (says(json.dumps({"a": "z" * 5_500_000})), {"answer_schema": OBJECT}),
        (says("012345678\n" * 500_000, pieces=2), {}),
        (says("Yes."), {"context": [{"content": f"{n}" + "汉" * 5_000} for n in range(500)]}),
        (says("Yes."), {"context": [{"content": "a", "url": "u" * 6_000_000}]}),
        (says("Yes."), {"instruction": "i" * 6_000_000}),
    ],
    ids=["arguments", "less", "shape", "answer", "passages", "address", "instruction"],
)
def test_no_line_is_too_long(host: Host, reply: list[Step], others: dict[str, Any]) -> None:
    """The daemon would end the process and every run in it."""
    model = ScriptedModel(reply, says("Done."))
    run = host.run(ask("Go", tool("look"), **others), model=model, tools=BARK)

    assert_clean(run)
    assert_small(run)
    assert run.variables["stop_reason"] == "answered"


CUT = RuntimeError("Connection reset by peer")
BROKEN_OFF = "The connection broke while the model was answering."
LOOK = calls(tool_call("look", {"q": "x"}))
NOTHING: list[Step] = [chunk(usage=usage())]


@pytest.mark.parametrize(
    ("begun", "others"),
    [
        (chunk(tool_calls=[tool_call("look", '{"q": "x', "c1")]), {}),
        (chunk('{"a": '), {"answer_schema": OBJECT}),
        (chunk("<think>hm"), {"separate_reasoning": True}),
    ],
    ids=["call", "shape", "reasoning apart"],
)
def test_a_cut_before_anything_was_shown_is_retried(
    host: Host, begun: Any, others: dict[str, Any]
) -> None:
    """Half a call, text that is held back for its shape, reasoning that nobody sees."""
    model = ScriptedModel([begun, CUT], says('{"a": "b"}'))
    run = host.run(ask("Go", tool("look"), **others), model=model, tools=BARK)

    assert_clean(run)
    assert run.text == '{"a": "b"}'
    assert run.tool_calls == []


def test_a_cut_after_text_ends_the_run_with_the_text_kept(host: Host) -> None:
    """Nothing is spliced, and the error is said once."""
    run = host.run(ask("Go"), model=ScriptedModel([chunk("One "), CUT], says("never")))

    assert run.text == "One "
    assert run.error == BROKEN_OFF
    assert run.open_logs == []
    assert run.json == [{"stop_reason": "error"}]


@pytest.mark.parametrize("tools", [(), (tool("look"),)], ids=["certain", "uncertain"])
def test_an_answer_on_error_keeps_what_was_said(host: Host, tools: tuple[Any, ...]) -> None:
    """As text and as the output `answer`."""
    model = ScriptedModel([chunk("One"), CUT])
    run = host.run(ask("Go", *tools, answer_on_error=True), model=model)

    assert_clean(run)
    assert run.text == run.variables["answer"] == f"One\n\n{BROKEN_OFF}"


def test_the_closing_round_is_retried_within_the_last_seconds(host: Host) -> None:
    """What was kept back of the time is there for the answer."""
    busy = RuntimeError("429 rate limit")
    model = ScriptedModel(LOOK, [busy], says("Closed."))
    slow = ScriptedTools(look=[8.5, text_output("late")])
    run = host.run(ask("Go", tool("look"), time_limit=10), model=model, tools=slow)

    assert_clean(run)
    assert run.text == "Closed."
    assert run.variables["stop_reason"] == "time_limit"


def test_an_empty_last_reply_ends_with_what_the_tools_found(host: Host) -> None:
    """There are never more model calls than allowed."""
    model = ScriptedModel(LOOK, NOTHING, says("never asked for"))
    run = host.run(ask("Go", tool("look"), maximum_iterations=2), model=model, tools=BARK)

    assert_clean(run)
    assert len(model.requests) == 2
    assert run.text.endswith("bark")


def test_a_model_that_never_stops_calling(host: Host) -> None:
    """T1: tools in every reply, also where none are offered: three calls of the model at most."""
    again = [calls(tool_call("look", {"q": str(n)})) for n in range(5)]
    model = ScriptedModel(*again)
    run = host.run(ask("Go", tool("look"), maximum_iterations=3), model=model, tools=BARK)

    assert_clean(run)
    assert len(model.requests) == 3
    assert "bark" in run.text
    assert run.variables["stop_reason"] == "iteration_limit"


def test_a_misshapen_reply_is_asked_again_after_an_empty_one(host: Host) -> None:
    """Each fault is another."""
    model = ScriptedModel(NOTHING, LOOK, says("In words."), says('{"a": "b"}'))
    run = host.run(ask("Go", tool("look"), answer_schema=OBJECT), model=model, tools=BARK)

    assert_clean(run)
    assert run.variables["structured_output"] == {"a": "b"}


def test_the_same_call_twice_in_one_reply_is_two_calls(host: Host) -> None:
    """None has a result yet that the other could be given."""
    twice = calls(tool_call("look", {"q": "x"}), tool_call("look", {"q": "x"}))
    model = ScriptedModel(twice, says("Seen."))
    run = host.run(ask("Go", tool("look")), model=model, tools=BARK)

    assert_clean(run)
    assert len(run.tool_calls) == 2
    assert [m["content"] for m in model.requests[1]["prompt_messages"][-2:]] == ["bark", "bark"]


def test_a_prompt_that_is_refused_as_too_long_becomes_shorter(host: Host) -> None:
    """By a share where nothing is known, to the window where the provider names it."""
    history = [
        history_message("user" if n % 2 == 0 else "assistant", f"{n} " + "w " * 900)
        for n in range(20)
    ]
    model = ScriptedModel(
        [RuntimeError("prompt is too long")],
        [RuntimeError("This model's maximum context length is 4,096 tokens, you asked for 9000")],
        says("It fits."),
    )
    run = host.run(ask("Go", model=model_value(history=history)), model=model)
    sizes = [len(json.dumps(request)) for request in model.requests]

    assert_clean(run)
    assert sizes[1] < sizes[0] * 0.8
    assert sizes[2] < 4_096 * 4


QWEN_CALL = '✿FUNCTION✿: look\n✿ARGS✿: {"q": "%s"}\n'


def test_a_small_window_in_the_qwen_protocol(host: Host) -> None:
    """Results stand inside one message there; the newest one and the question stay."""
    lengths: list[int] = []

    def reply(request: Any) -> list[Step]:
        said = request["prompt_messages"][-1]["content"]
        number = len(lengths)
        lengths.append(len(said))
        assert "THE QUESTION" in said
        assert not number or f"RESULT {number} " in said
        return says(QWEN_CALL % number) if number < 11 else says("Done.")

    def result(request: Any) -> list[Step]:
        number = int(request["tool_parameters"]["q"]) + 1
        return [text_output(f"RESULT {number} " + "天地玄黄" * 2_000)]

    small = model_value(context_size=2_000, completion_params={"max_tokens": 500})
    run = host.run(
        ask("THE QUESTION", tool("look"), model=small, tool_protocol="qwen", maximum_iterations=20),
        model=FunctionModel(reply),
        tools=ScriptedTools(look=result),
    )

    assert_clean(run)
    assert run.text.strip() == "Done."
    assert max(lengths) < 2_500


def test_what_gave_way_is_told_in_the_log(host: Host) -> None:
    """A builder who wonders why the model forgot something finds it where it happened."""
    asked = [calls(tool_call("look", {"q": str(number)}, f"c{number}")) for number in range(4)]
    small = model_value(context_size=4_000, completion_params={"max_tokens": 500})
    run = host.run(
        ask("Look", tool("look"), model=small, maximum_iterations=9),
        model=ScriptedModel(*asked, says("Done.")),
        tools=ScriptedTools(look=[text_output("some words " * 600)]),
    )
    told = [log["data"].get("left_out") for log in run.logs if "Thought" in log["label"]]

    assert_clean(run)
    assert told[0] is None
    assert told[1] == ["cut 1 tool result(s) to head and tail"]
    assert "folded 2 older tool result(s)" in told[-1]


@pytest.mark.timed
def test_memory_stays_flat(host: Host) -> None:
    """`python -m benchmarks.soak` plays a thousand runs; a fifth of that shows a leak as well."""
    assert growth(host, 200) < ALLOWED
