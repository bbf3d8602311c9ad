"""What a round sends begins with what the round before it sent, so that a provider's cache holds.

docs/caching.md says the same to builders, and which rounds must differ.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest

from strategies.agent.config import Limits
from strategies.agent.interface.ports import ModelDelta, ModelRequest, ToolOutcome
from strategies.agent.prompt.formats import NativeFormat
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.window.fit import WindowBudget
from tests.agent.fakes import (
    NATIVE,
    TONGUES,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    Wanted,
    play,
    says,
    tool,
)


def sent(request: ModelRequest) -> str:
    """Write a request as a provider reads it: the tools, then one message after the other.

    What ends a message is left out: the qwen protocol goes on within one.
    """
    tools = [[one.name, one.description, one.parameters] for one in request.tools]
    messages = [
        f"\n<{message['role']} {message.get('tool_call_id')}> {message['content']}"
        + "".join(json.dumps(call) for call in _calls(message.get("tool_calls")))
        for message in request.messages
    ]
    return json.dumps(tools) + "".join(messages)


def _calls(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value or ())


def breaks(model: ScriptedModel, *, but_last: int = 0) -> list[int]:
    """Number the requests, from 2 on, that do not begin with the one before them.

    `but_last`: so many messages at its end may differ.
    """
    return [
        number
        for number, (one, following) in enumerate(pairwise(model.requests), 2)
        if not sent(following).startswith(
            sent(replace(one, messages=one.messages[: len(one.messages) - but_last]))
        )
    ]


def busy_rounds(tongue: Tongue) -> list[list[Step]]:
    """Replies of every kind: one call, two calls, an unknown tool, bad arguments, no text, text."""
    return [
        tongue.reply("First I look.", [Wanted("look", {"q": "lamps"}, "c1")]),
        tongue.reply("", [Wanted("look", {"q": "é 灯\n"}, "c2"), Wanted("count", {"n": 3}, "c3")]),
        tongue.reply("Now this.", [Wanted("nowhere", {"q": "x"}, "c4")]),
        tongue.reply("<think>Hm.</think>Again.", [Wanted("count", {"n": "many"}, "c5")]),
        tongue.reply("", [Wanted("look", {"q": "the end"}, "c6")]),
        says("Twelve lamps."),
    ]


def toolbox() -> RecordingToolbox:
    """Two tools; one tells what it was asked for, with markers of protocols in it."""
    return RecordingToolbox(
        tool("look", q="string"),
        tool("count", n="integer"),
        look=lambda asked: ToolOutcome(text=f"{asked['q']}: <tool_call> ✿RESULT✿ Observation: 12"),
        count="12",
    )


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_each_round_begins_with_the_one_before(tongue: Tongue) -> None:
    """Byte for byte, tools included, in every protocol and natively."""
    model = ScriptedModel(*busy_rounds(tongue))
    play(model, toolbox(), tongue=tongue)

    assert len(model.requests) == 6
    # ReAct asks to go on behind its steps: what is said of two vain replies stands before that,
    # until the model has done better.
    assert breaks(model) == ([4, 5, 6] if tongue.name == "react" else [])
    assert breaks(model, but_last=2) == []
    assert all(request.tools == model.requests[0].tools for request in model.requests)


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_remark_is_added_behind(tongue: Tongue) -> None:
    """An empty reply and the request to say something come after what was sent."""
    model = ScriptedModel(
        tongue.reply("", [Wanted("look", {"q": "lamps"}, "c1")]),
        [ModelDelta(text=" ", finish_reason="stop")],
        says("Twelve lamps."),
    )
    play(model, toolbox(), tongue=tongue)

    assert len(model.requests) == 3
    # Both close a round's results with words of their own, which what is said comes before.
    assert breaks(model) == ([3] if tongue.name in {"qwen", "react"} else [])
    assert breaks(model, but_last=2) == []


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_only_the_closing_round_differs(tongue: Tongue) -> None:
    """It declares no tools, so that the model must answer, and providers then want no calls."""
    rounds = busy_rounds(tongue)
    model = ScriptedModel(*rounds[:2], says("Twelve lamps."))
    play(model, toolbox(), tongue=tongue, limits=Limits(rounds=3))

    assert breaks(model) == [3]
    assert not model.requests[2].tools


def test_a_call_that_must_be_made_differs_in_the_first_round_alone() -> None:
    """The system prompt asks for the call; afterwards it would ask for one more."""
    must = Tongue("native", NativeFormat(must_call=MustCall()), NATIVE.reply)
    model = ScriptedModel(*busy_rounds(must))
    play(model, toolbox(), tongue=must)

    assert breaks(model) == [2]


@pytest.mark.parametrize(
    "tongue", [tongue for tongue in TONGUES if tongue.name not in {"qwen", "react"}], ids=str
)
def test_a_full_window_is_emptied_seldom(tongue: Tongue) -> None:
    """Old results are folded for several rounds at once; in between, rounds are only added."""
    rounds = [
        tongue.reply("", [Wanted("look", {"q": f"{number} " + "lamp " * 400}, f"c{number}")])
        for number in range(30)
    ]
    model = ScriptedModel(*rounds, says("Twelve lamps."))
    small = WindowBudget(context_size=12_000)
    play(model, toolbox(), tongue=tongue, limits=Limits(rounds=40), budget=small)

    assert len(model.requests) == 31
    assert 0 < len(breaks(model)) <= 8
