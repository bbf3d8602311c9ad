"""What stands in an opened log: small, readable, without secrets, at no cost."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.agent.failures.redaction import _SECRETS, _mask, redacted  # pyright: ignore[reportPrivateUsage]
from strategies.dify.outputs.log_data import LIMIT, capped, one_line
from tests.dify.entities import cpu_seconds, odd_objects


def nested(depth: int) -> Any:
    """Nest an object."""
    value: Any = "deep"
    for _ in range(depth):
        value = {"a": [value]}
    return value


def size(value: Any) -> int:
    """Count the bytes of a value as JSON; also proves that it can be written."""
    return len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())


@dataclass(frozen=True, slots=True)
class Case:
    """Data that is too large for a log."""

    id: str
    found: dict[str, Any]


LARGE = [
    Case("20 MB of text", {"output": "hello wörld " * 1_700_000, "error": ""}),
    Case("20 MB of Chinese", {"output": "漢字" * 3_500_000}),
    Case("20 MB of escapes", {"output": '"\\\n' * 7_000_000}),
    Case("control characters", {"output": "\x01" * 1_000_000}),
    Case("half characters", {"output": "\ud83d" * 1_000_000}),
    Case("wide list", {"rows": list(range(1_000_000))}),
    Case("wide list of texts", {"rows": ["漢字" * 5_000] * 10_000}),
    Case("wide object", {str(n): n for n in range(200_000)}),
    Case("wide and deep", {"rows": [[{str(n): ["x"] * 90 for n in range(90)}] * 90] * 90}),
    Case("huge keys", {"k" * 1_000_000 + str(n): "v" for n in range(10)}),
    Case("deep nesting", nested(5_000)),
    Case("many secrets", {"output": "token " * 1_000_000}),
    Case("dashes", {"output": "a-" * 1_000_000}),
    Case("addresses", {"output": "abc://" * 1_000_000}),
    Case("dots", {"output": "eyJaaaaaaaa." * 1_000_000}),
    Case("huge number", {"n": 10**5_000}),
    Case("odd values", {"a": float("nan"), "b": b"x" * 1_000_000, "c": object(), "d": (1, {2})}),
]


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.id)
def test_data_of_any_size_and_shape_is_capped(case: Case) -> None:
    """Dify keeps every log twice, in the outputs and in the metadata."""
    shown = capped(case.found)

    assert 0 < size(shown) <= LIMIT
    assert "left_out" not in shown


@pytest.mark.timed
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.id)
def test_capping_costs_a_few_milliseconds_at_most(case: Case) -> None:
    """A result of 20 MB is cut before anything else is done with it."""
    capped(case.found)
    best = min(cpu_seconds(lambda: capped(case.found)) for _ in range(5))

    # Some 3 ms for a long text, 18 for lists in lists in lists; more on a busy machine.
    assert best < 0.5


def test_data_that_fits_stays_as_it_is() -> None:
    """Nothing is shortened without need, whatever its shape."""
    found = {"output": "x" * 8_000, "calls": [{"q": "漢字", "n": 1.5, "ok": True, "none": None}]}

    assert capped(found) == found


def test_a_name_takes_the_room_that_it_is_shown_in() -> None:
    """A secret in a name is hidden, and its own length counts for nothing."""
    named = {f"token={number:026d}": 1 for number in range(120)}

    found = capped({f"row {place}": named for place in range(6)})
    assert found == {f"row {place}": {"token=[hidden]": 1} for place in range(6)}


def test_a_long_text_keeps_its_ends_and_says_what_is_missing() -> None:
    """The head tells what a result is, the tail how it ended."""
    [shown] = capped({"output": "begin " + "x" * 100_000 + " end"}).values()

    assert isinstance(shown, str)
    assert shown.startswith("begin ")
    assert shown.endswith(" end")
    assert "characters left out" in shown


def test_a_long_list_says_how_much_is_missing() -> None:
    """A reader must not take the part for the whole."""
    shown: Any = capped({"rows": list(range(1_000))})["rows"]

    assert shown[-1] == f"… {1_000 - len(shown) + 1} more"


def test_small_facts_survive_beside_a_long_text() -> None:
    """The error and the arguments stay readable when the result is long."""
    call = {"tool_call_input": {"city": "Köln"}, "tool_response": "x" * 1_000_000}
    shown: Any = capped({"output": {**call, "meta": {"error": "timed out after 120 s"}}})

    assert shown["output"]["tool_call_input"] == {"city": "Köln"}
    assert shown["output"]["meta"] == {"error": "timed out after 120 s"}


@given(odd_objects("output", "error", "rows", "token"))
def test_whatever_a_log_is_given_can_be_shown(found: dict[str, Any]) -> None:
    """No data of a model or a tool keeps a log from being told."""
    assert size(capped(found)) <= LIMIT


LINES = [
    ("short", 10, "short"),
    ("two\n\n lines", 20, "two lines"),
    ("abcdefghij", 10, "abcdefghij"),
    ("abcdefghijk", 10, "abcdefghi…"),
    ("", 10, ""),
    (" \n ", 10, ""),
    ("half \ud83d a character", 20, "half \ufffd a character"),
    ("key sk-abcdefghijklmnopqrst", 40, "key [hidden]"),
]


@pytest.mark.parametrize(("said", "length", "expected"), LINES)
def test_a_label_is_one_short_line(said: str, length: int, expected: str) -> None:
    """Dify's log tree is some 240 pixels wide."""
    assert one_line(said, length) == expected


@pytest.mark.timed
def test_a_label_of_a_long_text_costs_nothing() -> None:
    """Only its beginning is looked at."""
    said = "long text " * 2_000_000

    assert min(cpu_seconds(lambda: one_line(said, 60)) for _ in range(5)) < 0.2


SECRETS = [
    Case("api_key", {"api_key": "4711"}),
    Case("apiKey", {"apiKey": "4711"}),
    Case("X-Api-Key", {"headers": {"X-Api-Key": "4711"}}),
    Case("access token", {"accessToken": "4711"}),
    Case("password", {"db": {"db_password": "4711"}}),
    Case("authorization", {"Authorization": ["4711"]}),
    Case("OpenAI key in text", {"output": "use sk-proj-4711abcdefgh4711 now"}),
    Case("bearer in text", {"output": "curl -H 'Authorization: Bearer 4711abcdefgh' x"}),
    Case("JSON in text", {"output": '{"client_secret": "4711abcdefgh"}'}),
    Case("assignment in text", {"output": "export API_KEY=4711abcdefgh"}),
    Case("address in text", {"output": "postgres://user:4711@db/x"}),
    Case("web token in text", {"output": "eyJhbGciOiJI4711.eyJzdWIiOiIx4711.c2ln4711"}),
    Case("GitHub token", {"list": ["ghp_4711abcdefghijklmnop4711"]}),
    Case("as a key", {"sk-4711abcdefghijklmnop": 1}),
]


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: case.id)
def test_secrets_are_hidden_in_logs(case: Case) -> None:
    """Every editor of the app can open a log."""
    shown = json.dumps(capped(case.found))

    assert "4711" not in shown
    assert "[hidden]" in shown


HARMLESS = [
    {"max_tokens": 4711, "total_tokens": 12, "next_page_token": "abcdefgh1234"},
    {"output": "The token economy: a basic income. Password rules are in the handbook."},
    {"key": "value of a plain key", "author": "Auth Author", "monkey": "banana"},
    {"output": "The task-force met at https://example.org:8080/a/b and sk-8 left."},
    {"api_key": "", "password": None},
    {"output": "password: required string; Unexpected token: identifier; Bearer token expired"},
    {"output": "next_page_token=abc123def456 and basic authentication is needed"},
]


@pytest.mark.parametrize("found", HARMLESS)
def test_what_is_no_secret_stays(found: dict[str, Any]) -> None:
    """A log in which everything is hidden helps nobody."""
    assert capped(found) == found


def test_a_secret_at_the_cut_is_hidden_whole() -> None:
    """Cut in half, it would no longer look like one."""
    key = "sk-" + "4711" * 20
    for before in range(5_900, 6_500, 5):
        shown = json.dumps(capped({"output": "x " * (before // 2) + key + " y" * 50_000}))
        assert "47114711" not in shown


fragments = st.lists(
    st.sampled_from(
        [
            *(
                "sk-",
                "pk_",
                "app-",
                "xoxb-",
                "AKIA",
                "AIza",
                "eyJ",
                "bearer ",
                "Basic ",
                "key",
                "=",
            ),
            *(
                "token",
                ": ",
                "pass",
                "word",
                "a.b",
                "://",
                "u:p",
                "@",
                "-",
                "_",
                " ",
                "\n",
                "tokenſ",
            ),
            *(
                "ſecret: ",
                "toKen=",
                "BASıC ",
                "basİc ",
                "credentİals:",
                "4711abcdefgh",
                "abcdefghijklmnopqrstuvwx",
                "漢字",
                '"',
            ),
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=1_000)
@given(fragments)
def test_looking_before_masking_misses_nothing(said: str) -> None:
    """Nearly every text is told to be harmless at a glance; the pattern is what counts."""
    masked = _SECRETS.sub(_mask, said)

    assert redacted(said) == masked
