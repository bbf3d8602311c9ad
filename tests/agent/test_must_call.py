"""A run whose first reply is to call a tool: how that is said, and how a reply goes on from it."""

import json
from collections.abc import Sequence

import pytest
from strategies.agent.resuming import made_whole
from strategies.protocols.opening import LOOK_AHEAD, OPENINGS

from strategies.agent.ports import ModelDelta
from strategies.agent.prompt.formats import MustCall, NativeFormat, TextFormat
from strategies.protocols.base import CallDelta, Language
from strategies.protocols.registry import TEXT_PROTOCOLS
from tests.agent.fakes import (
    USAGE,
    RecordingToolbox,
    ScriptedModel,
    Tongue,
    Wanted,
    hermes_reply,
    native_reply,
    play,
    qwen3_coder_reply,
    qwen_reply,
    react_reply,
    says,
    shown,
)

LONG = "search_all_the_papers_of_the_company_and_its_archives"
ARGUMENTS = {"q": "lamps"}
JSON = json.dumps(ARGUMENTS)
CODER = "<parameter=q>\nlamps\n</parameter>\n</function>\n</tool_call>"

REPLIES = {
    "hermes": hermes_reply,
    "qwen": qwen_reply,
    "qwen3_coder": qwen3_coder_reply,
    "react": react_reply,
}


def tongue(protocol: str, name: str = "", language: Language = "en") -> Tongue:
    """Speak a text protocol, and ask for a call."""
    text_format = TextFormat(
        protocol=TEXT_PROTOCOLS[protocol], language=language, must_call=MustCall(name)
    )
    return Tongue(protocol, text_format, REPLIES[protocol])


def system(model: ScriptedModel, request: int = 0) -> str:
    """The system prompt that a model was given."""
    return str(model.requests[request].messages[0]["content"])


def pieces(text: str, size: int) -> list[ModelDelta]:
    """A reply in pieces of that size."""
    return [ModelDelta(text=text[at : at + size]) for at in range(0, len(text), size)]


def calls_of(protocol: str, opened: str, written: str, size: int) -> list[dict[str, object]]:
    """The calls that a run makes when its first reply, opened for the model, is this one."""
    model = ScriptedModel([*pieces(written, size), ModelDelta(usage=USAGE)], says("Done."))
    toolbox = RecordingToolbox(**{"search": "found", LONG: "found"})
    play(model, toolbox, tongue=tongue(protocol, opened))
    return [{"name": name, **arguments} for name, arguments in toolbox.calls]


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize(
    ("protocol", "name", "written"),
    [
        ("hermes", "search", f"{JSON}}}\n</tool_call>"),
        ("qwen", "search", JSON),
        ("qwen", "search", f"✿ARGS✿: {JSON}"),
        ("qwen3_coder", "search", CODER),
        ("qwen3_coder", "search", f"<function=search>\n{CODER}"),
    ],
)
def test_a_reply_that_goes_on_from_a_named_call_is_read_as_the_call(
    protocol: str, name: str, written: str, size: int
) -> None:
    """The model writes only what is missing."""
    assert calls_of(protocol, name, written, size) == [{"name": "search", **ARGUMENTS}]


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("name", ["search", LONG])
@pytest.mark.parametrize(
    ("protocol", "form"),
    [
        ("hermes", '{{"name": "{name}", "arguments": {json}}}\n</tool_call>'),
        ("qwen", "{name}\n✿ARGS✿: {json}"),
        ("qwen3_coder", "{name}>\n{coder}"),
        ("qwen3_coder", "<function={name}>\n{coder}"),
    ],
)
def test_a_reply_that_goes_on_from_an_open_call_is_read_as_the_call(
    protocol: str, form: str, name: str, size: int
) -> None:
    """The model chooses the tool, whose name may be longer than the look ahead."""
    written = form.format(name=name, json=JSON, coder=CODER)

    assert calls_of(protocol, "", written, size) == [{"name": name, **ARGUMENTS}]


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("opened", ["", "search"])
@pytest.mark.parametrize("protocol", OPENINGS)
def test_a_reply_that_begins_anew_is_read_as_it_is(protocol: str, opened: str, size: int) -> None:
    """Some servers close the opening and let the model write the whole call."""
    whole = REPLIES[protocol]("", [Wanted("search", ARGUMENTS)])
    written = "".join(step.text for step in whole if isinstance(step, ModelDelta))

    assert calls_of(protocol, opened, written, size) == [{"name": "search", **ARGUMENTS}]


@pytest.mark.parametrize("opened", ["", "search"])
@pytest.mark.parametrize("protocol", OPENINGS)
def test_a_model_that_answers_all_the_same_is_heard(protocol: str, opened: str) -> None:
    """Nothing of the opening gets into an answer, however short."""
    for answer in ("No.", "I need no tool for that, since two and two are four."):
        model = ScriptedModel(says(answer))
        events = play(model, RecordingToolbox(search=""), tongue=tongue(protocol, opened))

        assert shown(events) == answer


def test_an_empty_reply_stays_empty() -> None:
    """No call is made of the opening alone."""
    opening = OPENINGS["hermes"]("search")

    assert list(made_whole(iter([]), opening)) == []
    assert list(made_whole(iter([ModelDelta(usage=USAGE)]), opening)) == [ModelDelta(usage=USAGE)]


def test_what_comes_with_the_text_is_kept() -> None:
    """Native calls, usage and the reason for the end, in their order."""
    opening = OPENINGS["qwen"]("search")
    deltas = [
        ModelDelta(calls=(CallDelta(id="1", name="search", arguments="{}"),)),
        ModelDelta(text=JSON + " " * LOOK_AHEAD),
        ModelDelta(text="end", usage=USAGE, finish_reason="stop"),
    ]
    whole = list(made_whole(iter(deltas), opening))

    assert "".join(delta.text for delta in whole) == f"{opening.text}{deltas[1].text}end"
    assert [delta.calls for delta in whole] == [delta.calls for delta in deltas]
    assert whole[-1] == deltas[-1]


@pytest.mark.parametrize(
    ("name", "language", "said"),
    [("search", "en", "search"), ("search", "zh", "search"), ("", "en", ""), ("", "zh", "")],
)
@pytest.mark.parametrize("protocol", REPLIES)
def test_a_text_protocol_asks_for_the_call_in_the_first_request_only(
    protocol: str, name: str, language: Language, said: str
) -> None:
    """A run that had to call again and again would never answer."""
    spoken = tongue(protocol, name, language)
    model = ScriptedModel(spoken.reply("", [Wanted("search", ARGUMENTS)]), says("Done."))
    play(model, RecordingToolbox(search="found"), tongue=spoken)
    first, second = model.requests

    assert system(model) != system(model, 1)
    assert said in system(model).removeprefix(system(model, 1))
    assert first.messages[first.question]["role"] == "user"
    assert first.opening is not None
    assert second.opening is None
    assert second.messages[-1]["role"] != "assistant"
    assert first.messages[-1]["content"] == first.opening.text


@pytest.mark.parametrize("name", ["search", ""])
def test_natively_the_call_is_asked_for_in_words(name: str) -> None:
    """After the instruction of the builder, in the first request only."""
    spoken = Tongue("native", NativeFormat(must_call=MustCall(name)), native_reply)
    model = ScriptedModel(native_reply("", [Wanted("search", ARGUMENTS)]), says("Done."))
    play(model, RecordingToolbox(search="found"), tongue=spoken, instruction="Be brief.")

    assert system(model).startswith("Be brief.\n\n")
    assert name in system(model)
    assert system(model, 1) == "Be brief."


@pytest.mark.parametrize(
    "spoken",
    [Tongue("native", NativeFormat(must_call=MustCall()), native_reply), tongue("hermes")],
    ids=str,
)
def test_without_tools_no_call_is_asked_for(spoken: Tongue) -> None:
    """There is none to make."""
    model = ScriptedModel(says("Hello."))
    events = play(model, RecordingToolbox(), tongue=spoken)
    roles: Sequence[object] = [message["role"] for message in model.requests[0].messages]

    assert shown(events) == "Hello."
    assert roles == ["system", "user"]
    assert system(model) == "Be brief."
