"""A run whose first reply is to call a tool: how the model is told so."""

from collections.abc import Sequence

import pytest

from strategies.agent.prompt.formats import NativeFormat, TextFormat
from strategies.agent.prompt.must_call import MustCall
from strategies.protocols.base import Language
from strategies.protocols.registry import TEXT_PROTOCOLS
from tests.agent.fakes import (
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

ARGUMENTS = {"q": "lamps"}

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
    assert first.messages[first.question_index]["role"] == "user"
    assert [first.messages[-1]["role"], second.messages[-1]["role"]] == ["user", "user"]


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
