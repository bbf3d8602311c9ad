"""A run as JSON lines: what each holds, live and afterwards."""

import json
from collections import Counter

from workbench.base.output import plain
from workbench.base.ports import AnswerError, Json
from workbench.bench.bench import RunSetup
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    says,
    text_output,
    tool,
    tool_call,
)
from workbench.host.daemon import Host
from workbench.show import transcript

SETUP = RunSetup(question="Hi", model="demo", tools=["clock"], protocol="native")


def told(
    host: Host, model: ScriptedModel, toolbox: ScriptedTools, query: str = "Hi"
) -> tuple[list[Json], list[Json]]:
    """A run's lines while it went on, and those written afterwards."""
    run = host.start(ask(query, tool("clock")), model=model, tools=toolbox)
    live = list(transcript.lines(run, SETUP))
    return live, transcript.whole(run, SETUP)


def test_live_and_afterwards_the_same_is_told(tiny: Host) -> None:
    """Every line once; calls before their answers, the sum last."""
    model = ScriptedModel(calls(tool_call("clock", {"q": "now"})), says("Noon", pieces=2))
    live, whole = told(tiny, model, ScriptedTools(clock=[text_output("12:00")]))

    assert Counter(map(written, live)) == Counter(map(written, whole))
    assert live[0]["type"] == "begin"
    assert live[-1]["type"] == "end"
    assert [line["at"] for line in whole[:-1]] == sorted(line["at"] for line in whole[:-1])


def written(line: Json) -> str:
    """A line as it is printed."""
    return json.dumps(line, sort_keys=True, default=plain)


def test_calls_are_told_with_what_was_asked_and_answered(tiny: Host) -> None:
    """The model's fragments put together, the tool's messages as they came."""
    fragments = [*calls(tool_call("clock", '{"q": '), tool_call("", '"now"}'), text="Let me see")]
    live, _ = told(
        tiny, ScriptedModel(fragments, says("Noon")), ScriptedTools(clock=[text_output("12:00")])
    )
    first = next(line for line in live if line["type"] == "answer" and line["kind"] == "llm")
    asked = next(line for line in live if line["type"] == "call" and line["kind"] == "llm")

    assert first["call"] == asked["call"] == 1
    assert asked["asked"]["prompt_messages"]
    assert first["answer"]["text"] == "Let me see"
    assert first["answer"]["tool_calls"][0]["name"] == "clock"
    assert first["answer"]["tool_calls"][0]["arguments"] == '{"q": "now"}'
    assert first["answer"]["usage"]["total_tokens"] == 15
    assert first["pieces"] == len(fragments)


def test_a_failed_call_is_told_with_its_error(tiny: Host) -> None:
    """In the words in which the plugin heard of it."""
    live, _ = told(tiny, ScriptedModel([AnswerError("overloaded")]), ScriptedTools())
    answer = next(line for line in live if line["type"] == "answer")

    assert "overloaded" in answer["error"]
    assert "overloaded" in live[-1]["failure"]


def test_long_texts_are_cut_wherever_they_stand() -> None:
    """A picture in base64 would make a saved run unreadable."""
    long = "a" * 30_000
    cut = transcript.shortened({"messages": [{"content": long, "n": 1}]})["messages"][0]["content"]

    assert len(cut) < 11_000
    assert "10000 characters left out" in cut
    assert transcript.shortened({"short": ["text", None, 1]}) == {"short": ["text", None, 1]}
