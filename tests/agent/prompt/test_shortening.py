"""Cutting long text to head and tail."""

import json

from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.prompt.shortening import cut, cut_arguments


def test_short_text_stays() -> None:
    """What fits is not touched."""
    assert cut("all of it", 9) == "all of it"


def test_a_cut_says_how_much_is_missing() -> None:
    """Head, note and tail: the count is of the characters that are gone."""
    text = "a" * 5_000 + "b" * 5_000
    short = cut(text, 1_000)
    kept = short.count("a") + short.count("b")

    assert short.startswith("aaa")
    assert short.endswith("bbb")
    assert "characters left out" in short
    head, _, rest = short.partition("\n[… ")
    note, _, tail = rest.partition(" …]\n")
    assert note == f"{10_000 - len(head) - len(tail):,} of 10,000 characters left out"
    assert kept >= 900


@given(st.text(max_size=300), st.integers(0, 320))
def test_a_cut_keeps_its_limit_and_is_final(text: str, limit: int) -> None:
    """A cut is never longer than allowed, and cutting again changes nothing."""
    short = cut(text, limit)

    assert len(short) <= limit or short == text
    assert cut(short, limit) == short


@given(st.integers(0, 200))
def test_no_cut_inside_a_pair_or_a_joined_emoji(limit: int) -> None:
    """A surrogate pair from broken JSON stays whole, and so does a family of emoji."""
    for unit in ("\ud83d\ude00", "👩‍👩‍👧"):
        short = cut(unit * 100, limit)

        assert short.count("\ud83d") == short.count("\ude00")
        assert not short.endswith("\u200d")


def test_arguments_stay_an_object() -> None:
    """Only the long strings inside change; what is not valid JSON stays as it is."""
    arguments = json.dumps(
        {"path": "a.txt", "lines": ["x" * 5_000, 7], "deep": {"text": "y" * 900}}
    )
    short = json.loads(cut_arguments(arguments, 200))

    assert short["path"] == "a.txt"
    assert short["lines"][1] == 7
    assert len(short["lines"][0]) <= 200
    assert len(short["deep"]["text"]) <= 200
    assert cut_arguments("{no json", 3) == "{no json"
