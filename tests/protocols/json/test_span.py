"""The end of one JSON value, found in text that comes in pieces."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.protocols.json.span import JsonSpan, exceeds_depth

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="ab\"'\\{}[]\n é"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("a\"'}]"), inner, max_size=4)
    ),
    max_leaves=12,
)


def _end(text: str, size: int) -> int | None:
    span = JsonSpan()
    for at in range(0, len(text), size):
        end = span.feed(text[at : at + size])
        if end is not None:
            return at + end
    return None


@given(_JSON.filter(lambda value: isinstance(value, list | dict | str)), st.booleans())
def test_end_is_found_at_every_chunking(value: object, as_python: bool) -> None:  # noqa: FBT001
    """Brackets and quotes inside strings do not count, in JSON and in a Python repr."""
    written = repr(value) if as_python else json.dumps(value, ensure_ascii=False)
    text = f" {written}"

    for size in (1, 2, 3, 7, len(text) + 9):
        for rest in ("", " x", "]", "}{", "'", '"'):
            assert _end(text + rest, size) == len(text)


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("scalar", ["12", "-1.5e3", "true", "null"])
def test_scalar_ends_where_something_else_begins(scalar: str, size: int) -> None:
    """Nothing but what follows shows that a number is whole."""
    assert _end(scalar, size) is None
    assert _end(f"{scalar}, 1", size) == len(scalar)
    assert _end(f"{scalar}</x>", size) == len(scalar)


def test_span_tells_where_it_stands() -> None:
    """Depth and string are known between pieces."""
    span = JsonSpan()

    assert span.feed('{"a": [1, "x') is None
    assert (span.depth, span.in_string) == (2, True)
    assert span.feed('\\"y"') is None
    assert (span.depth, span.in_string) == (2, False)
    assert span.feed("]} rest") == 2
    assert span.depth == 0


def test_apostrophe_in_a_bare_word_opens_no_string() -> None:
    """Single quotes count only where a key or a value starts."""
    assert _end("{a: it's, b: 'x}'} more", 1) == 18


@pytest.mark.timed
@pytest.mark.parametrize(
    "text",
    [
        '{"a":"' + "hello world " * 200_000,
        '{"a":"' + "line\\n" * 400_000,
        "[" + '{"a":1},' * 300_000,
        "[" + "1," * 1_200_000,
    ],
    ids=["text", "escapes", "objects", "numbers"],
)
def test_span_is_fast(text: str) -> None:
    """20 MB a second in pieces of a thousand characters, with room for a slow machine."""
    span = JsonSpan()
    started = time.process_time()
    for at in range(0, len(text), 1000):
        span.feed(text[at : at + 1000])

    assert time.process_time() - started < 5


def test_depth_counts_outside_strings_only() -> None:
    """Brackets in strings are text."""
    assert exceeds_depth("[[[]]]", 2)
    assert not exceeds_depth('["[[[[", []]', 2)
