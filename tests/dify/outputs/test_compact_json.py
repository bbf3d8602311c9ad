"""JSON for a model: compact, valid, and no longer than asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.outputs.compact_json import compact
from tests.dify.entities import odd_values

plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner | st.text()),
)


@given(plain)
def test_json_is_written_as_it_is(value: Any) -> None:
    """The same value comes back, and no blank is wasted."""
    written = compact(value)

    assert json.loads(written) == value
    assert written == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(odd_values)
def test_whatever_python_holds_becomes_json(value: Any) -> None:
    """Bytes and numbers that JSON lacks, too; text stands for itself."""
    written = compact(value)

    assert isinstance(value, str) or json.loads(written) == json.loads(compact([value]))[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_null(value: float) -> None:
    """Python would write NaN, which no other reader takes (W4)."""
    assert compact({"n": value}) == '{"n":null}'


def test_writing_stops_at_the_limit_and_says_so() -> None:
    """What is left out is said, so that nobody takes the part for the whole."""
    written = compact(list(range(1_000_000)), 1_000)

    assert written.startswith("[0,1,2,")
    assert written.endswith("… (the rest is left out)")
    assert len(written) < 1_100


def test_nothing_behind_the_limit_is_looked_at() -> None:
    """The rest of a huge result would only hold the process."""
    looked_at: list[str] = []

    class Odd:
        def __str__(self) -> str:
            looked_at.append("odd")
            return "odd"

    rows = [{"a": "x" * 50}] * 100

    assert "odd" not in compact([*rows, Odd()], 1_000)
    assert looked_at == []
    assert "odd" in compact([*rows, Odd()])


def deep() -> Any:
    """Nest a list five thousand times."""
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [deep(), [10**5_000]], ids=["deep", "a huge number"])
def test_what_python_cannot_write_is_left_out_and_said(value: Any) -> None:
    """Nesting without end, and numbers of thousands of digits: an error of Python each."""
    assert compact(value).endswith("… (the rest is left out)")
