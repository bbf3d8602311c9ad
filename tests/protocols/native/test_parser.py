"""Native tool calls, merged from what providers make of them."""

import json
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.protocols.base import (
    BrokenCall,
    Call,
    CallDelta,
    FormatError,
    Reasoning,
    ReplyEvent,
    Text,
    ToolSpec,
)
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser
from tests.protocols.cases import PEER_CASES, canonical

type Chunk = tuple[str, Sequence[CallDelta]]


class _PlainText:
    """A text parser that finds nothing in the text."""

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        del deltas
        return [Text(text)]

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        del cut_short
        return []


def _tools(*names: str) -> list[ToolSpec]:
    return [ToolSpec(name=name, description="") for name in names]


def _parser(*names: str) -> NativeParser:
    return NativeParser(_PlainText(), _tools(*names))


def _delta(
    arguments: str = "", name: str = "", call_id: str = "", index: int | None = None
) -> CallDelta:
    return CallDelta(id=call_id, name=name, arguments=arguments, index=index)


def _merge(
    *chunks: Sequence[CallDelta] | CallDelta, names: Sequence[str] = (), cut_short: bool = False
) -> list[ReplyEvent]:
    parser = _parser(*names)
    events: list[ReplyEvent] = []
    for chunk in chunks:
        events += parser.feed("", [chunk] if isinstance(chunk, CallDelta) else chunk)
    return events + parser.close(cut_short=cut_short)


def _calls(events: Sequence[ReplyEvent]) -> list[tuple[str, dict[str, object]]]:
    """Return the calls in the order in which the model wrote them."""
    calls = [event for event in events if isinstance(event, Call)]
    return [
        (call.name, dict(call.arguments)) for call in sorted(calls, key=lambda one: one.position)
    ]


# ---- the peers' cases


def _peer_lines(*tiers: str) -> list[Any]:
    path = PEER_CASES / "native.jsonl"
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(line, id=line["id"]) for line in lines if line["tier"] in tiers]


def _flat(content: Any) -> str:
    """Join the parts of a content list, as the adapter to Dify does."""
    if isinstance(content, list):
        parts = cast("list[dict[str, str]]", content)
        return "".join(part.get("data", "") for part in parts if part["type"] == "text")
    return content or ""


def _peer_delta(call: dict[str, Any]) -> CallDelta:
    function: dict[str, Any] = call.get("function") or {}
    return CallDelta(
        id=call.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
        index=call.get("index"),
    )


def _read_peer(line: dict[str, Any]) -> list[ReplyEvent]:
    tools = _tools(*{call["name"]: None for call in line["expected"]["calls"]})
    parser = NativeParser(leak_parser(tools), tools)
    events: list[ReplyEvent] = []
    finish = ""
    for delta in line["deltas"]:
        piece: dict[str, Any] = delta or {}
        finish = piece.get("finish_reason") or finish
        calls = cast("list[dict[str, Any]]", piece.get("tool_calls") or [])
        deltas = [_peer_delta(call) for call in calls]
        events += parser.feed(_flat(piece.get("content")), deltas)
    return events + parser.close(cut_short=finish == "length")


@pytest.mark.parametrize("line", _peer_lines("must", "should"))
def test_peer_deltas_are_merged(line: dict[str, Any]) -> None:
    """Calls, their ids and the text come out as providers meant them."""
    events = _read_peer(line)

    wanted = line["expected"]
    assert _calls(events) == [(call["name"], call["arguments"]) for call in wanted["calls"]]
    ids = [event.id for event in events if isinstance(event, Call)]
    assert {call["id"] for call in wanted["calls"] if call["id"]} <= set(ids)
    text = "".join(event.text for event in events if isinstance(event, Text))
    assert text.split() == wanted["text"].split()


@pytest.mark.parametrize("line", _peer_lines("may"))
def test_policy_deltas_invent_nothing(line: dict[str, Any]) -> None:
    """Where peers disagree, no other call comes out than they allow."""
    allowed = {canonical(call["arguments"]) for call in line["expected"]["calls"]}

    assert {canonical(arguments) for _, arguments in _calls(_read_peer(line))} <= allowed


def test_two_calls_of_one_delta_are_two() -> None:
    """Also where the first is broken and the second is JSON inside JSON."""
    events = _merge(
        [
            _delta('{"q": "a"', "f", "c1"),
            _delta(json.dumps('{"q": "b"}'), "f", "c2"),
        ],
        names=["f"],
    )

    assert sorted(event.id for event in events if isinstance(event, Call | BrokenCall)) == [
        "c1",
        "c2",
    ]


# ---- when a call is told


def test_call_is_told_with_its_last_character() -> None:
    """The tool starts while the model still writes."""
    parser = _parser("f")

    assert parser.feed("", [_delta('{"a": ', "f", "1")]) == []
    assert parser.feed("", [_delta("1}")]) == [
        Call(name="f", arguments={"a": 1}, id="1", raw='{"a": 1}')
    ]
    assert parser.feed("", [_delta("", "f", "1"), _delta('{"a": 1}', "f", "1")]) == []
    assert parser.close() == []


def test_calls_are_told_as_they_are_complete_and_know_their_order() -> None:
    """A later call that is complete earlier does not wait for the first one."""
    events = _merge(
        _delta('{"b":', "beta", "b", 1),
        _delta('{"a":', "alpha", "a", 0),
        _delta("2}", index=1),
        _delta("1}", index=0),
    )

    told = [event for event in events if isinstance(event, Call)]
    assert [call.name for call in told] == ["beta", "alpha"]
    assert [name for name, _ in _calls(events)] == ["alpha", "beta"]


def test_call_without_arguments_waits_for_the_end() -> None:
    """Arguments may come after other calls were opened; only the end shows that none do."""
    parser = _parser("f", "g")

    assert parser.feed("", [_delta("", "f", "1", 0), _delta("", "g", "2", 1)]) == []
    assert _calls(parser.feed("", [_delta('{"a": 1}', index=0)])) == [("f", {"a": 1})]
    assert _calls(parser.close()) == [("g", {})]


# ---- what providers do to arguments


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_fragments_are_joined_at_every_size(size: int) -> None:
    """W40: a call in pieces is one call; its first piece is not parsed alone."""
    raw = '{"q": "a}\\"{b", "n": [1, {"x": "é"}]}'
    pieces = [_delta(raw[at : at + size]) for at in range(0, len(raw), size)]

    assert _calls(_merge(_delta("", "f", "1"), *pieces)) == [("f", json.loads(raw))]


def test_equal_pieces_are_not_dropped() -> None:
    """W21: "1" and "1" are 11, "aa" and "aa" are aaaa."""
    pieces = ['{"n": ', "1", "1", ', "s": "', "aa", "aa", '"', "}"]

    assert _calls(_merge(_delta("", "f", "1"), *map(_delta, pieces))) == [
        ("f", {"n": 11, "s": "aaaa"})
    ]


def test_pieces_of_the_last_chunk_make_no_nameless_call() -> None:
    """W48: `{"a"` and `:1}` are one call, not a nameless `:1}`."""
    events = _merge(_delta('{"a"', "f", "1"), [_delta(":1}")])

    assert events == [Call(name="f", arguments={"a": 1}, id="1", raw='{"a":1}')]


def test_snapshots_of_growing_arguments_are_one_call() -> None:
    """Azure repeats all that came before in every chunk."""
    raw = '{"city": "Paris", "days": {"from": 1, "to": 2}}'
    snapshots = [_delta(raw[:length], "f", "1") for length in range(1, len(raw) + 1)]

    assert _calls(_merge(*snapshots, snapshots[-1])) == [("f", json.loads(raw))]


def test_snapshot_is_told_as_soon_as_it_cannot_be_a_fragment() -> None:
    """A whole object that repeats what came before is final."""
    parser = _parser("f")

    assert parser.feed("", [_delta('{"city', "f", "1")]) == []
    assert _calls(parser.feed("", [_delta('{"city": "Rome"}', "f", "1")])) == [
        ("f", {"city": "Rome"})
    ]


def test_fragment_that_looks_like_a_snapshot_is_no_call_of_its_own() -> None:
    """`{"a": ` and `{"a": 1}` may still become `{"a": {"a": 1}}`."""
    parser = _parser("f")

    assert parser.feed("", [_delta('{"a": ', "f", "1")]) == []
    assert parser.feed("", [_delta('{"a": 1}')]) == []
    assert _calls(parser.feed("", [_delta("}")])) == [("f", {"a": {"a": 1}})]


def test_growing_list_of_calls_runs_each_once() -> None:
    """Ollama sends the list of all calls so far with every chunk."""
    first, second = _delta('{"x": 1}', "f"), _delta('{"x": 2}', "f")
    third = _delta('{"x": 1}', "g")

    events = _merge([first], [first, second], [first, second, third])

    assert _calls(events) == [("f", {"x": 1}), ("f", {"x": 2}), ("g", {"x": 1})]


@pytest.mark.parametrize("again", [_delta('{"x": 1}', "f", "1"), _delta('{"x":1}', "f")])
def test_whole_call_at_the_end_runs_once(again: CallDelta) -> None:
    """Stepfun streams fragments and then sends the whole call."""
    events = _merge(_delta("", "f", "1"), _delta('{"x": '), _delta("1}"), again)

    assert _calls(events) == [("f", {"x": 1})]


def test_repetition_in_pieces_runs_once() -> None:
    """The same call may come again in fragments, or only its beginning."""
    pieces = [_delta('{"x": ', "f", "1"), _delta("1}", "", "1")]

    assert _calls(_merge(*pieces, *pieces)) == [("f", {"x": 1})]
    assert _merge(*pieces, pieces[0])[1:] == []


def test_glued_arguments_are_several_calls() -> None:
    """Three calls in one argument string, in one piece or in many; equal ones count once."""
    raw = '{"t": "A"}\n{"t": "B"} {"t":"B"},{"t": "C"}'
    wanted = [("f", {"t": "A"}), ("f", {"t": "B"}), ("f", {"t": "C"})]

    assert _calls(_merge(_delta(raw, "f", "1"))) == wanted
    assert _calls(_merge(_delta("", "f", "1"), *map(_delta, raw))) == wanted


def test_closing_brace_too_many_is_ignored() -> None:
    """The brace of vLLM's own envelope slips into the arguments."""
    assert _calls(_merge(_delta('{"x": 1}', "f", "1"), _delta("}"))) == [("f", {"x": 1})]


# ---- what providers do to ids, names and indexes


def test_same_id_for_all_calls_keeps_them_apart() -> None:
    """Constant ids, and the tool's name as the id, with several calls of that tool."""
    constant = _merge(_delta('{"x": 1}', "f", "0"), _delta('{"y": 2}', "g", "0"))
    named = _merge([_delta('{"x": 1}', "f", "f"), _delta('{"x": 2}', "f", "f")])
    streamed = _merge(
        _delta('{"x": ', "f", "0"), _delta("1}", "", "0"), _delta('{"y": ', "g", "0"), _delta("2}")
    )

    assert _calls(constant) == [("f", {"x": 1}), ("g", {"y": 2})]
    assert _calls(named) == [("f", {"x": 1}), ("f", {"x": 2})]
    assert _calls(streamed) == [("f", {"x": 1}), ("g", {"y": 2})]


def test_equal_calls_with_ids_of_their_own_all_run() -> None:
    """langchain#38969: two identical calls are two calls, by id, by index or in one list."""
    by_id = [_delta("{}", "f", "1"), _delta("{}", "f", "2")]
    by_index = [_delta("{}", "f", index=0), _delta("{}", "f", index=1)]
    in_list = [_delta('{"x": 1}', "f", "f"), _delta('{"x": 1}', "f", "f")]

    assert len(_calls(_merge(*by_id))) == 2
    assert len(_calls(_merge(*by_index))) == 2
    assert len(_calls(_merge(in_list))) == 2
    assert len(_calls(_merge(in_list, in_list))) == 2


def test_interleaved_calls_of_one_tool_are_told_apart_by_id() -> None:
    """Pieces of parallel calls of the same tool come in turns."""
    events = _merge(
        _delta('{"k":"', "f", "1"),
        _delta('{"k":"', "f", "2"),
        _delta('a"}', "", "1"),
        _delta('b"}', "", "2"),
    )

    assert _calls(events) == [("f", {"k": "a"}), ("f", {"k": "b"})]


def test_index_beats_an_equal_id() -> None:
    """Different indexes are different calls, whatever the id."""
    events = _merge(
        _delta('{"k":', "f", "0", 0), _delta('{"k":', "f", "0", 1), _delta("1}", index=0),
        _delta("2}", index=1),
    )  # fmt: skip

    assert _calls(events) == [("f", {"k": 1}), ("f", {"k": 2})]


def test_index_zero_for_all_calls_keeps_them_apart() -> None:
    """ollama#15457: every call says index 0."""
    events = _merge(*(_delta(f'{{"x": {n}}}', "f", f"c{n}", 0) for n in range(3)))

    assert _calls(events) == [("f", {"x": 0}), ("f", {"x": 1}), ("f", {"x": 2})]


def test_ids_that_change_on_the_way_do_not_split_a_call() -> None:
    """DashScope gives every fragment another id, with the name or without."""
    nameless = _merge(_delta('{"x"', "f", "a"), _delta(": 1", "", "b"), _delta("}", "", "c"))
    named = _merge(_delta('{"x"', "f", "a"), _delta(": 1", "f", "b"), _delta("}", "f", "c"))

    assert _calls(nameless) == _calls(named) == [("f", {"x": 1})]


def test_late_id_and_late_name_belong_to_the_open_call() -> None:
    """Arguments may come before the name, and the id last."""
    late_id = _merge(_delta('{"a":', "f", index=0), _delta("1}", "", "x", 0))
    late_name = _merge(_delta('{"a": 1}', "", "x"), _delta("", "f", "x"))

    assert late_id == [Call(name="f", arguments={"a": 1}, id="x", raw='{"a":1}')]
    assert _calls(late_name) == [("f", {"a": 1})]


@pytest.mark.parametrize(
    "pieces",
    [["get_", "weather"], ["get_weather", "get_weather"], ["get", "get_wea", "get_weather"]],
)
def test_name_in_pieces_is_one_name(pieces: list[str]) -> None:
    """Names come cut, repeated or growing; SillyTavern#5948 made "ff" of "f"."""
    events = _merge(
        *(_delta("", piece, "1") for piece in pieces), _delta("{}"), names=["get_weather"]
    )

    assert _calls(events) == [("get_weather", {})]


def test_declared_names_one_after_the_other_are_two_calls() -> None:
    """Calls without arguments and without ids, opened one after the other."""
    events = _merge(_delta("", "get"), _delta("", "get_all"), names=["get", "get_all"])

    assert _calls(events) == [("get", {}), ("get_all", {})]


# ---- what must not run


def test_cut_arguments_are_never_run() -> None:
    """W22: with a reason or without, half an object is no call."""
    for cut_short in (False, True):
        [event] = _merge(_delta('{"city": "Par', "f", "1"), cut_short=cut_short)

        assert isinstance(event, BrokenCall)
        assert (event.name, event.id) == ("f", "1")


def test_call_without_arguments_is_not_run_if_the_reply_was_cut() -> None:
    """Claude Code #67765: they may just not have come yet."""
    [event] = _merge(_delta("", "f", "1"), cut_short=True)

    assert isinstance(event, BrokenCall)


def test_finished_call_runs_though_the_reply_was_cut() -> None:
    """Only what was open when the tokens ran out is lost."""
    events = _merge(_delta('{"a": 1}', "f", "1"), _delta('{"b": ', "g", "2"), cut_short=True)

    assert _calls(events) == [("f", {"a": 1})]
    assert [event.name for event in events if isinstance(event, BrokenCall)] == ["g"]


@pytest.mark.parametrize("raw", ["[1]", '"x"', "3", "no json"])
def test_arguments_that_are_no_object_are_refused(raw: str) -> None:
    """W40: `[1]` ended the official plugin's run with a TypeError."""
    [event] = _merge(_delta(raw, "f", "1"))

    assert isinstance(event, BrokenCall)
    assert event.raw == raw


def test_tolerant_arguments_are_read_at_the_end() -> None:
    """Python's literals, null for nothing."""
    assert _calls(_merge(_delta("{'x': None,}", "f", "1"))) == [("f", {"x": None})]
    assert _calls(_merge(_delta("null", "f", "1"))) == [("f", {})]


def test_guessed_arguments_are_given_back() -> None:
    """A quote that was not escaped leaves open where the value ends."""
    [event] = _merge(_delta('{"q": "say "hi""}', "f", "1"))

    assert isinstance(event, BrokenCall)
    assert r'{"q": "say \"hi\""}' in event.problem


def test_nameless_calls_are_dropped() -> None:
    """Nobody can run them; arguments without a name are an error of form."""
    assert _merge(_delta("", "", "1")) == []
    [event] = _merge(_delta('{"a": 1}', "", "1"))
    assert isinstance(event, FormatError)


# ---- beside the text


def test_call_that_also_leaks_into_the_text_runs_once() -> None:
    """Some servers send the call both ways, in either order."""
    leak = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
    delta = _delta('{"x": 1}', "f", "1")
    leaked: Chunk = (leak, [])
    sent: Chunk = ("", [delta])
    for chunks in ([leaked, sent], [sent, leaked]):
        parser = NativeParser(leak_parser(_tools("f")), _tools("f"))
        events = [event for text, deltas in chunks for event in parser.feed(text, deltas)]

        assert _calls(events + parser.close()) == [("f", {"x": 1})]


def test_text_and_reasoning_pass_through() -> None:
    """What the text parser finds comes out, around the calls."""
    parser = NativeParser(leak_parser(()))
    events = parser.feed("<think>hm</think>Hello ")
    events += parser.feed("", [_delta("{}", "f", "1")])
    events += parser.feed("world") + parser.close()

    assert "".join(event.text for event in events if isinstance(event, Reasoning)) == "hm"
    assert "".join(event.text for event in events if isinstance(event, Text)).split() == [
        "Hello",
        "world",
    ]


# ---- properties


_KEYS = ["index", "id", "both"]
_OBJECTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), max_size=3)


@given(st.lists(_OBJECTS, min_size=1, max_size=4), st.sampled_from(_KEYS), st.data())
def test_interleaved_fragments_come_out_as_they_went_in(
    objects: list[dict[str, object]], key: str, data: st.DataObject
) -> None:
    """Any order of the pieces of several calls gives the same calls."""
    left = {place: json.dumps(one) for place, one in enumerate(objects)}
    deltas = [
        _delta("", "f", f"c{place}" if key != "index" else "", place if key != "id" else None)
        for place in left
    ]
    while left:
        place = data.draw(st.sampled_from(sorted(left)))
        length = data.draw(st.integers(1, len(left[place])))
        piece, left[place] = left[place][:length], left[place][length:]
        if not left[place]:
            del left[place]
        deltas.append(
            _delta(piece, "", f"c{place}" if key == "id" else "", place if key != "id" else None)
        )

    assert _calls(_merge(*deltas)) == [("f", one) for one in objects]


_SCRAPS = st.sampled_from(["", '{"a"', ": 1}", '{"a": 1}', "{}", "null", "[", '"', "}", "x"])
_DELTAS = st.builds(
    _delta,
    _SCRAPS,
    st.sampled_from(["", "f", "g"]),
    st.sampled_from(["", "0", "1"]),
    st.sampled_from([None, 0, 1]),
)


@given(st.lists(st.lists(_DELTAS, max_size=3), max_size=6), st.booleans())
def test_no_deltas_raise(chunks: list[list[CallDelta]], cut_short: bool) -> None:  # noqa: FBT001
    """Whatever comes, calls have a name and an object."""
    for event in _merge(*chunks, cut_short=cut_short):
        assert not isinstance(event, Call) or (event.name and isinstance(event.arguments, dict))


@pytest.mark.timed
def test_cost_is_linear_in_the_arguments() -> None:
    """A long text in fragments of four characters is joined once, not with every fragment."""
    raw = json.dumps({"text": "abc " * 100_000})
    deltas = [_delta(raw[at : at + 4], "", "1") for at in range(0, len(raw), 4)]
    parser = _parser("f")
    started = time.process_time()
    events = parser.feed("", [_delta("", "f", "1")])
    for delta in deltas:
        events += parser.feed("", [delta])

    assert time.process_time() - started < 6
    assert len(events) == 1
