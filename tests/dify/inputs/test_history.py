"""The turns before a run, made fit for any provider."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.inputs.history import clean_history, last_answer, with_media_for
from tests.dify.entities import cpu_seconds, odd_values

IMAGE = {"type": "image", "format": "png", "url": "https://x/y.png", "mime_type": "image/png"}
EARLIER = ("user", "(The conversation began earlier.)")
UNANSWERED = ("assistant", "(No answer was given.)")


def turn(role: str, content: Any) -> dict[str, Any]:
    """Write one message as Dify's memory has it."""
    return {"role": role, "content": content, "name": None}


def cleaned(*turns: tuple[str, Any]) -> list[tuple[Any, Any]]:
    """Clean a history and return roles and contents."""
    kept = clean_history(turn(role, content) for role, content in turns)
    return [(message["role"], message["content"]) for message in kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A history as Dify has it and as a provider gets it."""

    id: str
    turns: list[tuple[str, Any]]
    expected: list[tuple[str, Any]]


CASES = [
    Case(id="nothing", turns=[], expected=[]),
    Case(
        id="one exchange",
        turns=[("user", "Hi"), ("assistant", "Hello")],
        expected=[("user", "Hi"), ("assistant", "Hello")],
    ),
    Case(
        id="begins with an answer",
        turns=[("assistant", "Hello")],
        expected=[EARLIER, ("assistant", "Hello")],
    ),
    Case(
        id="ends with a question",
        turns=[("user", "Hi"), ("assistant", "Hello"), ("user", "And?")],
        expected=[("user", "Hi"), ("assistant", "Hello"), ("user", "And?"), UNANSWERED],
    ),
    Case(
        id="two questions in a row",
        turns=[("user", "A"), ("user", "B"), ("assistant", "C")],
        expected=[("user", "A"), UNANSWERED, ("user", "B"), ("assistant", "C")],
    ),
    Case(
        id="two answers in a row",
        turns=[("user", "A"), ("assistant", "B"), ("assistant", "C")],
        expected=[("user", "A"), ("assistant", "B\n\nC")],
    ),
    Case(
        id="blank turns",
        turns=[("user", "A"), ("assistant", " \n"), ("user", ""), ("assistant", "B")],
        expected=[("user", "A"), ("assistant", "B")],
    ),
    Case(
        id="null content",
        turns=[("user", None), ("assistant", None), ("user", 5)],
        expected=[],
    ),
    Case(
        id="other roles",
        turns=[("system", "S"), ("user", "A"), ("tool", "T"), ("assistant", "B")],
        expected=[("user", "A"), ("assistant", "B")],
    ),
    Case(
        id="question with an image",
        turns=[("user", [IMAGE, {"type": "text", "data": "What is it?"}]), ("assistant", "A cat")],
        expected=[
            ("user", [IMAGE, {"type": "text", "data": "What is it?"}]),
            ("assistant", "A cat"),
        ],
    ),
    Case(
        id="image beside blank text",
        turns=[("user", [IMAGE, {"type": "text", "data": " "}]), ("assistant", "A cat")],
        expected=[("user", [IMAGE]), ("assistant", "A cat")],
    ),
    Case(
        id="parts of nothing",
        turns=[("user", [None, {}, {"type": "text"}, {"type": "image"}]), ("assistant", "A")],
        expected=[EARLIER, ("assistant", "A")],
    ),
    Case(
        id="answer in parts",
        turns=[
            ("user", "A"),
            ("assistant", [{"type": "text", "data": "B"}, {"type": "text"}, IMAGE]),
            ("assistant", [{"type": "text", "data": "C"}]),
        ],
        expected=[("user", "A"), ("assistant", "B\n\nC")],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_roles_alternate_and_nothing_is_empty(case: Case) -> None:
    """Providers want user and assistant in turn, from the user on, and refuse empty messages."""
    assert cleaned(*case.turns) == case.expected


ANSWERS = [
    ("<think>hm</think>42", "42"),
    ("<think>\nhm\n</think>\n\n42", "42"),
    ("Let me look.\n\n<think>hm</think>42", "Let me look.\n\n42"),
    ("<think>a</think>One<think>b</think>Two", "One\n\nTwo"),
    ("<think>a<think>b</think>c</think>42", "42"),
    ("hm</think>42", "42"),
    ("<think>never closed, 42", "never closed, 42"),
    ("  indented as it was\n", "  indented as it was\n"),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_reasoning_of_older_turns_is_left_out(answer: str, expected: str) -> None:
    """It costs tokens, and models are told to see only their own of this run (T12)."""
    assert cleaned(("user", "A"), ("assistant", answer)) == [("user", "A"), ("assistant", expected)]


def test_an_answer_of_reasoning_alone_is_no_answer() -> None:
    """A run that broke off while the model thought."""
    assert cleaned(("user", "A"), ("assistant", "<think>hm</think>")) == [("user", "A"), UNANSWERED]


@pytest.mark.timed
def test_many_tags_cost_no_more_than_their_length() -> None:
    """A long answer full of opening tags must not hold the process."""
    answer = "<think>" * 100_000

    assert cpu_seconds(lambda: cleaned(("user", "A"), ("assistant", answer))) < 2


texts = st.sampled_from(["", " ", "Hi", "<think>", "</think>", "<think>x</think>y"])
parts = odd_values | st.fixed_dictionaries({"type": st.just("text"), "data": texts})
contents: st.SearchStrategy[Any] = texts | odd_values | st.lists(parts | st.just(IMAGE))
roles = st.sampled_from(["user", "assistant", "system", "tool", ""])
turns: st.SearchStrategy[list[tuple[str, Any]]] = st.lists(st.tuples(roles, contents))


def test_the_last_answer_is_what_the_user_read() -> None:
    """Without thoughts, and also where the question that follows stands there already."""
    turns = [("user", "Hi"), ("assistant", "<think>A</think>Hello"), ("user", "And?")]
    assert last_answer(turn(role, content) for role, content in turns) == "Hello"
    assert last_answer([]) == ""


@given(turns)
def test_every_history_alternates(history: list[tuple[str, Any]]) -> None:
    """From the user to the assistant, whatever Dify's memory has cut off or never got."""
    kept = [role for role, _ in cleaned(*history)]

    assert kept == ["user", "assistant"] * (len(kept) // 2)


@given(turns)
def test_a_clean_history_stays_as_it_is(history: list[tuple[str, Any]]) -> None:
    """The provider's prompt cache keeps its prefix from turn to turn."""
    once = clean_history(turn(role, content) for role, content in history)

    assert clean_history(once) == once


def user_turn(*parts: dict[str, Any]) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": list(parts), "name": None}


PICTURE = {"type": "image", "base64_data": "A" * 100, "mime_type": "image/png", "filename": "a.png"}
SOUND = {"type": "audio", "base64_data": "A" * 100, "mime_type": "audio/mpeg"}
WORDS = {"type": "text", "data": "What is it?"}


def test_media_of_earlier_turns_that_a_model_cannot_take_become_words() -> None:
    """What is left is text alone where nothing else is left."""
    told = with_media_for([user_turn(PICTURE, SOUND, WORDS)], set())

    assert told == [
        {
            "role": "user",
            "content": "[image: a.png, image/png]\n[audio: audio/mpeg]\nWhat is it?",
            "name": None,
        }
    ]


def test_media_that_a_model_can_take_stay() -> None:
    """Only the parts that the features do not allow are replaced, and text stays untouched."""
    plain = {"role": "assistant", "content": "Hi", "name": None}
    told = with_media_for([user_turn(PICTURE, SOUND, WORDS), plain], {"vision"})

    assert told[0]["content"] == [PICTURE, {"type": "text", "data": "[audio: audio/mpeg]"}, WORDS]
    assert told[1] is plain


def test_of_too_many_media_the_newest_stay() -> None:
    """The history's files have a share of the request; older ones are named."""
    beside = [{"type": "image", "base64_data": "x" * (3_500_000 - 200)}]
    told = with_media_for(
        [user_turn(PICTURE), user_turn(PICTURE), user_turn(PICTURE)], {"vision"}, beside=beside
    )

    contents = [message["content"] for message in told]
    assert contents == ["[image: a.png, image/png]", [PICTURE], [PICTURE]]
