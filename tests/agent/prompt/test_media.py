"""Pictures, sounds and files in words."""

from collections.abc import Mapping

import pytest

from strategies.agent.interface.ports import Message, ModelError
from strategies.agent.loop import Run
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.media import described, without_media
from strategies.agent.prompt.wording import ENGLISH
from tests.agent.fakes import NATIVE, RecordingToolbox, ScriptedModel, about, binding, says, shown

MAP = {"type": "image", "format": "png", "mime_type": "image/png", "filename": "map.png"}


def user(content: object) -> Message:
    """Write a message of the user."""
    return {"role": "user", "content": content, "name": None}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (MAP, "[image: map.png, image/png]"),
        ({"type": "image", "format": "png", "filename": "map.png"}, "[image: map.png]"),
        ({"type": "audio", "format": "mp3"}, "[audio: mp3]"),
        ({"type": "document", "mime_type": "application/pdf"}, "[document: application/pdf]"),
        ({"type": "video"}, "[video]"),
        ({}, "[file]"),
    ],
)
def test_media_have_words(part: Mapping[str, object], words: str) -> None:
    """A medium is named by its kind, its name and its type, as far as they are known."""
    assert described(part) == words


def test_a_reason_goes_to_the_end() -> None:
    """Whoever leaves a medium out says why."""
    assert (
        described(MAP, ", 9 bytes, too large") == "[image: map.png, image/png, 9 bytes, too large]"
    )


def test_a_message_without_its_media_is_text() -> None:
    """Models without vision want a string, also where there are only texts."""
    words = {"type": "text", "data": "What is this?"}

    assert (
        without_media(user([MAP, words]))["content"] == "[image: map.png, image/png]\nWhat is this?"
    )
    assert without_media(user([words]))["content"] == "What is this?"
    assert without_media(user("Hello")) == user("Hello")


def test_a_model_that_refuses_pictures_is_asked_again_in_words() -> None:
    """Those of the question and those of earlier turns are named."""
    model = ScriptedModel([ModelError("this model does not support image input")], says("A map."))
    conversation = Conversation(
        instruction="",
        history=[user([MAP, {"type": "text", "data": "And this?"}])],
        question="What is this?",
        attachments=[MAP],
    )
    run = Run(
        about(conversation, RecordingToolbox()),
        binding(model, NATIVE),
        ENGLISH,
        text_formats=lambda _: NATIVE.format,
    )

    assert shown(list(run.events())) == "A map."
    assert [message["content"] for message in model.requests[1].messages] == [
        "[image: map.png, image/png]\nAnd this?",
        "[image: map.png, image/png]\nWhat is this?",
    ]
