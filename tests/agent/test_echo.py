"""A reply in which only the engine speaks is no answer: the model is asked again."""

from collections.abc import Sequence

import pytest

from strategies.agent.config import Limits
from strategies.agent.events import RunFinished
from strategies.agent.ports import ModelDelta, ModelError
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
    "echo", [_TOLD, "There is no tool named wether.", f"\n {_TOLD}\n", f"<tool_response>\n{_TOLD}"]
)
def test_remark_said_again_is_asked_anew(tongue: Tongue, echo: str) -> None:
    """The reader sees none of it, and the model is asked again."""
    model = ScriptedModel(tongue.reply("", [_WRONG]), _final(tongue, echo), _final(tongue, _SUNNY))
    events = play(model, RecordingToolbox(weather="sunny"), tongue=tongue)

    assert shown(events).strip() == _SUNNY
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer.strip() == _SUNNY
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


def test_nothing_but_echoes_ends_without_an_answer() -> None:
    """Nothing was found that could stand for one, and the reader is told so."""
    model = ScriptedModel(TONGUES[0].reply("", [_WRONG]), says(_TOLD), says(_TOLD))
    events = play(model, RecordingToolbox(weather="sunny"))

    assert shown(events) == "The model gave no answer."
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "empty_reply"
