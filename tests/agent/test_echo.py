"""A reply in which only the engine speaks is no answer: the model is asked again."""

from collections.abc import Sequence

import pytest

from strategies.agent.config import Limits
from strategies.agent.interface.events import ModelCallFinished, RunFinished
from strategies.agent.interface.ports import ModelDelta, ModelError, ToolOutcome
from strategies.agent.model.echo import EchoParser
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.prompt.wording import ENGLISH
from strategies.protocols.base import ReasoningSoFar, Text
from strategies.protocols.registry import TEXT_PROTOCOLS
from tests.agent.fakes import (
    TONGUES,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    Wanted,
    play,
    says,
    shown,
    slow,
    tool,
)

_WRONG = Wanted("wether", {"q": "Lisbon"})
_RIGHT = Wanted("weather", {"q": "Lisbon"})
_TOLD = "There is no tool named wether. Call one of these: weather. Did you mean weather?"
_SUNNY = "It is sunny."


def _spelled(text: str) -> list[Step]:
    """Say a text in pieces of one character."""
    return [*(ModelDelta(text=sign) for sign in text), *says("")]


def _final(tongue: Tongue, text: str) -> list[Step]:
    return _spelled(f"Final Answer: {text}" if tongue.name == "react" else text)


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize(
    "echo",
    [
        _TOLD,
        "There is no tool named wether.",
        f"\n {_TOLD}\n",
        f"<tool_response>\n{_TOLD}",
    ],
)
def test_remark_said_again_is_asked_anew(tongue: Tongue, echo: str) -> None:
    """The reader sees none of it, and the model is asked again."""
    model = ScriptedModel(tongue.reply("", [_WRONG]), _final(tongue, echo), _final(tongue, _SUNNY))
    events = play(model, RecordingToolbox(weather="sunny"), tongue=tongue)

    assert shown(events).strip() == _SUNNY
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer.strip() == _SUNNY
    model.assert_complete()


def test_two_remarks_said_together_are_an_echo() -> None:
    """They stood in one result, in the tags of results."""
    tongue = TONGUES[1]
    bad = '<tool_call>\n{"city": "Lisbon"}\n</tool_call>'
    told = ENGLISH.format_error.format(
        problem='A tool call cannot be read. It must be a JSON object with the keys "name" and'
        ' "arguments".'
    )
    echo = f"<tool_response>\n{told}\n{ENGLISH.nudge}\n</tool_response>\n"
    model = ScriptedModel(says(bad), says(told), _spelled(echo))
    events = play(model, RecordingToolbox(weather="sunny"), tongue=tongue)

    assert ENGLISH.nudge not in shown(events)
    assert told not in shown(events)
    model.assert_complete()


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize(
    "answer",
    [
        f"{_TOLD} So I cannot say.",
        "There is no tool named wether, sadly.",
        "There is no",
        "weather",
    ],
)
def test_answer_that_begins_like_a_remark_is_shown_whole(tongue: Tongue, answer: str) -> None:
    """And so is a word of it that is no sentence."""
    model = ScriptedModel(tongue.reply("", [_WRONG]), _final(tongue, answer))
    events = play(model, RecordingToolbox(weather="sunny"), tongue=tongue)

    assert shown(events).strip() == answer
    assert isinstance(events[-1], RunFinished)


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_what_the_model_wrote_itself_is_an_answer(tongue: Tongue) -> None:
    """A remark on arguments quotes them."""
    mood = Wanted("tell", {"n": "Lisbon. It is sunny. Ok"})
    model = ScriptedModel(tongue.reply("", [mood]), _final(tongue, _SUNNY))
    events = play(model, RecordingToolbox(tool("tell", n="integer"), tell="x"), tongue=tongue)

    assert shown(events).strip() == _SUNNY


def test_text_before_a_call_that_breaks_off_is_shown_with_the_call() -> None:
    """The call was written behind text that the reader sees, so it is given back as broken."""
    tongue = TONGUES[1]
    cut = [ModelDelta(text='weather\n<tool_call>\n{"name": "weather", "arg'), ModelError("reset")]
    model = ScriptedModel(tongue.reply("", [_WRONG]), cut, says(_SUNNY))
    events = play(model, RecordingToolbox(weather="sunny"), tongue=tongue)

    assert isinstance(events[-1], RunFinished)
    assert _SUNNY in shown(events)


@pytest.mark.parametrize("size", [1, 3, 7, 80])
def test_no_cut_of_a_reply_moves_its_text(size: int) -> None:
    """What is held back leaves before all that follows it, blank lines included."""
    said = "<think>Hm.</think>There is no tool\n\n\nhere.\n\nThere is no more.\n"
    pieces = [ModelDelta(text=said[at : at + size]) for at in range(0, len(said), size)]
    model = ScriptedModel(TONGUES[1].reply("", [_WRONG]), [*pieces, *says("")])
    events = play(model, RecordingToolbox(weather="sunny"), tongue=TONGUES[1])

    assert shown(events).strip() == said.replace("<think>Hm.</think>", "").strip()


def test_echo_before_a_call_is_not_shown() -> None:
    """The call counts."""
    tongue = TONGUES[1]
    model = ScriptedModel(tongue.reply("", [_WRONG]), tongue.reply(_TOLD, [_RIGHT]), says(_SUNNY))
    toolbox = RecordingToolbox(weather="sunny")
    events = play(model, toolbox, tongue=tongue)

    assert shown(events).strip() == _SUNNY
    assert [name for name, _ in toolbox.calls] == ["weather"]


@pytest.mark.parametrize("echo", ["Tools can no longer be called.", "(no reply)"])
def test_request_for_the_answer_is_no_answer(echo: str) -> None:
    """What the tools found is given instead."""
    tongue = TONGUES[0]
    model = ScriptedModel(tongue.reply("", [_RIGHT]), says(echo))
    events = play(model, RecordingToolbox(weather="sunny"), limits=Limits(rounds=2))

    assert isinstance(events[-1], RunFinished)
    assert (
        events[-1].answer == "The model gave no answer. This is what the tools returned:\n\nsunny"
    )
    assert echo not in shown(events)


def test_what_a_tool_said_is_an_answer() -> None:
    """Also when the engine has told it again, with the hint that it will not change."""
    tongue = TONGUES[0]
    calls: Sequence[list[Step]] = [tongue.reply("", [_RIGHT]) for _ in range(4)]
    model = ScriptedModel(*calls, says("sunny."))
    events = play(model, RecordingToolbox(weather="sunny."))

    assert shown(events) == "sunny."


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize(
    ("outcome", "echo"),
    [
        (
            ToolOutcome(text="locked\n\nThe tool failed.", error="x", remark="The tool failed."),
            "The tool failed.",
        ),
        (ToolOutcome(text="(nothing)", remark="(nothing)"), "(nothing)"),
    ],
    ids=["failed", "nothing"],
)
def test_what_the_engine_said_of_a_call_that_ran_is_no_answer(
    tongue: Tongue, outcome: ToolOutcome, echo: str
) -> None:
    """That it failed, or that it returned nothing; what the tool itself said may be one."""
    replies = [tongue.reply("", [_RIGHT]), _final(tongue, echo), _final(tongue, "locked")]
    model = ScriptedModel(*replies)
    events = play(model, RecordingToolbox(weather=lambda _: outcome), tongue=tongue)

    assert shown(events).strip() == "locked"


def test_that_a_tool_timed_out_is_no_answer() -> None:
    """The model is to say what that means for the question."""
    replies = [TONGUES[0].reply("", [_RIGHT]), says("timed out after 0.05 s"), says("No weather.")]
    toolbox = RecordingToolbox(weather=slow(0.5))
    events = play(ScriptedModel(*replies), toolbox, limits=Limits(tool_seconds=0.05))

    assert shown(events) == "No weather."


@pytest.mark.parametrize("before", ["", "<think>Hm.</think>"])
def test_an_echo_stands_in_the_log_of_its_model_call(before: str) -> None:
    """What the reader does not see can be looked up."""
    model = ScriptedModel(TONGUES[0].reply("", [_WRONG]), says(before + _TOLD), says(_SUNNY))
    events = play(model, RecordingToolbox(weather="sunny"))
    told = [event.text for event in events if isinstance(event, ModelCallFinished)]

    assert told == ["", _TOLD, _SUNNY]


def test_a_call_that_broke_off_is_not_written_into_the_log() -> None:
    """It may hold a password where nothing tells that it is one."""
    tongue = TONGUES[3]
    cut = "<tool_call>\n<function=login>\n<parameter=password>\nhunter2\n</para"
    model = ScriptedModel([ModelDelta(text=cut), ModelError("reset")], says(_SUNNY))
    events = play(model, RecordingToolbox(tool("login", password="string")), tongue=tongue)  # noqa: S106 - the type of a parameter

    assert "hunter2" not in str([e.text for e in events if isinstance(e, ModelCallFinished)])


@pytest.mark.parametrize("answer", ["<", "<tool", "timed out after 30 s"])
def test_what_is_no_echo_is_shown(answer: str) -> None:
    """A sign that begins a tag, and what a tool said itself beside a call that timed out."""
    results = iter(
        (
            ToolOutcome(text="timed out after 30 s", remark="timed out after 30 s"),
            ToolOutcome(text="Log of job 7:\ntimed out after 30 s"),
        )
    )
    calls = [Wanted("weather", {"q": "a"}), Wanted("weather", {"q": "b"})]
    replies = [TONGUES[0].reply("", [one]) for one in calls]
    model = ScriptedModel(*replies, says(answer))
    events = play(model, RecordingToolbox(weather=lambda _: next(results)))

    assert shown(events) == answer


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize("own", ["Lisbon", "4127 * 389."])
def test_an_echo_with_a_value_of_the_models_own_is_an_echo(tongue: Tongue, own: str) -> None:
    """The 0.5B model wrote it where the engine had said that the value is required."""
    toolbox = RecordingToolbox(tool("count", n="integer"), count="12")
    echo = f"count was not run. Correct these arguments and call it again: n: {own}"
    wrong = Wanted("count", {"n": "many"})
    model = ScriptedModel(tongue.reply("", [wrong]), _final(tongue, echo), _final(tongue, _SUNNY))
    events = play(model, toolbox, tongue=tongue)

    assert shown(events).strip() == _SUNNY


def test_what_was_said_of_two_failures_is_an_echo() -> None:
    """One of them in the words of the other, and more."""
    long = "The tool failed. It did not say why."
    results = iter(
        (
            ToolOutcome(text="locked\n\nThe tool failed.", error="x", remark="The tool failed."),
            ToolOutcome(text=long, error="x", remark=long),
        )
    )
    replies = [TONGUES[0].reply("", [Wanted("weather", {"q": q})]) for q in "ab"]
    model = ScriptedModel(*replies, says(long), says(_SUNNY))
    events = play(model, RecordingToolbox(weather=lambda _: next(results)))

    assert shown(events) == _SUNNY


def test_what_was_wrong_is_said_again_behind_an_echo() -> None:
    """With the request to answer: a model that read that alone would begin anew."""
    replies = [TONGUES[1].reply("", [_WRONG]), says(_TOLD), says(_SUNNY)]
    model = ScriptedModel(*replies)
    play(model, RecordingToolbox(weather="sunny"), tongue=TONGUES[1])
    question = model.requests[2].messages[-1]["content"]

    assert question == f"What is new?\n\n{_TOLD} {ENGLISH.nudge}"


def test_an_echo_behind_a_lone_end_of_reasoning_is_heard() -> None:
    """What came before it was no text."""
    record = RoundRecord(content="", visible="", remark=_TOLD)
    told = Conversation(instruction="", history=[], question="?", rounds=(record,))
    parser = EchoParser(TEXT_PROTOCOLS["hermes"].parser((), starts_in_reasoning=None), told)
    events = [*parser.feed(f"I think I know it.</think>{_TOLD}"), *parser.close()]

    kinds = [type(event) for event in events]

    assert kinds == [Text, ReasoningSoFar]
    assert parser.left_out.strip() == _TOLD


def test_nothing_but_echoes_ends_without_an_answer() -> None:
    """Nothing was found that could stand for one, and the reader is told so."""
    model = ScriptedModel(TONGUES[0].reply("", [_WRONG]), says(_TOLD), says(_TOLD))
    events = play(model, RecordingToolbox(weather="sunny"))

    assert shown(events) == "The model gave no answer."
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "empty_reply"
