"""A run as the reader and the editor of the app see it."""

import base64
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.interface.events import (
    CallFinished,
    CallQueued,
    CallStarted,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    Noticed,
    PlanFinished,
    PlannedStep,
    PlanStarted,
    ReasoningShown,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    TextShown,
    ToolCall,
)
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.log_data import LIMIT
from strategies.dify.outputs.log_tree import LogTree
from strategies.dify.outputs.narrator import Narrator
from strategies.dify.transport.frames import as_json
from strategies.protocols.native.finish_reason import Ending
from tests.dify.logs import Ticking, Told, assert_whole, told

USAGE = Usage(total_tokens=15, total_price=Decimal("1E-7"))
ASKED = [RoundStarted(1), ModelCallStarted("gpt-4o", "a/b/c")]


def call(name: str = "search", call_id: str = "c1", **arguments: object) -> ToolCall:
    """Plan a call."""
    return ToolCall(call_id, name, arguments, json.dumps(arguments, default=str))


def done(planned: ToolCall, text: str = "found", error: str = "", **others: Any) -> CallFinished:
    """Give a call its result."""
    times = {name: others.pop(name) for name in ("seconds_waited", "seconds_run") if name in others}
    return CallFinished(planned, ToolOutcome(text=text, error=error, **others), **times)


def thought(*calls: ToolCall, text: str = "", **others: Any) -> ModelCallFinished:
    """Finish the model's reply."""
    return ModelCallFinished(text, others.pop("reasoning", ""), calls, USAGE, **others)


def one_round(number: int, *shown: Event) -> list[Event]:
    """Play a round without calls."""
    started: list[Event] = [RoundStarted(number), ModelCallStarted("m", "a/b/c")]
    return [*started, *shown, thought(), RoundFinished(number, "", (), USAGE)]


def with_call(*finished: CallFinished) -> Told:
    """Play a round in which these calls are made after the reply."""
    events: list[Event] = [*ASKED, thought(*(one.call for one in finished))]
    for one in finished:
        events += [CallStarted(one.call, "a/tools"), one]
    return told([*events, RoundFinished(1, "", finished, USAGE)])


# -- the reader's text --------------------------------------------------------------------

THINKS = ReasoningShown
SAYS = TextShown


@dataclass(frozen=True, slots=True)
class Case:
    """What is shown in one round and the text that the reader gets."""

    id: str
    shown: list[Event]
    expected: str


TEXTS = [
    Case("text", [SAYS("Hel"), SAYS("lo")], "Hello"),
    Case("reasoning, then text", [THINKS("hm"), SAYS("42")], "<think>hm</think>\n\n42"),
    Case(
        "reasoning in pieces",
        [THINKS("h"), THINKS("m"), SAYS("\n"), SAYS("42")],
        "<think>hm</think>\n\n42",
    ),
    Case("blank reasoning", [THINKS("\n"), THINKS("\n"), SAYS("42")], "42"),
    Case(
        "blank, then reasoning",
        [THINKS("\n"), THINKS("hm"), SAYS("\n4")],
        "<think>\nhm</think>\n\n4",
    ),
    Case("reasoning that never ends", [THINKS("hm")], "<think>hm</think>"),
    Case(
        "twice in a reply",
        [THINKS("a"), SAYS("One"), THINKS("b"), SAYS("Two")],
        "<think>a</think>\n\nOne\n\n<think>b</think>\n\nTwo",
    ),
    Case("blanks are kept within a round", [SAYS("a "), SAYS("\n"), SAYS("b")], "a \nb"),
    Case("nothing", [], ""),
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.id)
def test_reasoning_stands_between_tags_that_close(case: Case) -> None:
    """A block that stays open hides the answer from the reader (W47, dify#27796).

    Dify's page makes HTML of the tags, and what follows without an empty line is no Markdown.
    """
    assert told(one_round(1, *case.shown)).text == case.expected


def test_the_tag_that_closes_leaves_with_the_text_that_follows() -> None:
    """A message of its own would hold the answer back by ten milliseconds."""
    assert told(one_round(1, THINKS("hm"), SAYS("42"))).texts == ["<think>hm", "</think>\n\n42"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Let me look.", "It is 42.", "Let me look.\n\nIt is 42."),
        ("Let me look. ", "It is 42.", "Let me look. \n\nIt is 42."),
        ("Let me look.\n", "It is 42.", "Let me look.\n\nIt is 42."),
        ("Let me look.\n\n", "It is 42.", "Let me look.\n\nIt is 42."),
        ("Let me look.", "\n\nIt is 42.", "Let me look.\n\nIt is 42."),
        ("", "It is 42.", "It is 42."),
        (" \n", "It is 42.", " \nIt is 42."),
        ("It is 42.", "\n", "It is 42."),
        ("Code:", "    indented", "Code:\n\n    indented"),
    ],
)
def test_text_of_two_rounds_does_not_run_together(first: str, second: str, expected: str) -> None:
    """Nor does a round without text leave empty lines, as it did officially (W45)."""
    events = [*one_round(1, SAYS(first)), *one_round(2), *one_round(3, SAYS(second))]

    assert told(events).text == expected


def with_calls(*shown: Event) -> str:
    """Play a reply in which calls stand between what is shown; then a round that says `Done.`."""
    return told([*one_round(1, *shown), *one_round(2, SAYS("Done."))]).text


CALLED = CallStarted(call(), "p")
APART = [
    Case("before and after a call", [SAYS("Look."), CALLED, SAYS("So.")], "Look.\n\nSo.\n\nDone."),
    Case(
        "a call that waits for its place",
        [SAYS("Look."), CallQueued(call()), SAYS("So.")],
        "Look.\n\nSo.\n\nDone.",
    ),
    Case(
        "a word within which a tool comes back and another begins",
        [
            CALLED,
            CallQueued(call("b", "2")),
            SAYS("Wo"),
            done(call()),
            CallStarted(call("b", "2"), ""),
            SAYS("rd."),
        ],
        "Word.\n\nDone.",
    ),
    Case(
        "two thoughts",
        [THINKS("first"), CALLED, THINKS("second"), SAYS("So.")],
        "<think>first\n\nsecond</think>\n\nSo.\n\nDone.",
    ),
    Case(
        "a code fence left open before the tools",
        [SAYS("So:\n```python\nprint(1)"), CALLED],
        "So:\n```python\nprint(1)\n```\n\nDone.",
    ),
    Case(
        "a code fence in tildes, left open with its line ended",
        [SAYS("~~~~\n```\nx\n"), CALLED],
        "~~~~\n```\nx\n~~~~\n\nDone.",
    ),
    Case(
        "a code fence that the reply closes after the call",
        [SAYS("```json\n"), CALLED, SAYS("``"), SAYS("`\nSo.")],
        "```json\n```\nSo.\n\nDone.",
    ),
    Case(
        "a code fence whose first line was not complete",
        [SAYS("```json"), CALLED, SAYS("\n```\nSo.")],
        "```json\n```\nSo.\n\nDone.",
    ),
    Case(
        "a code fence whose end is all that follows",
        [SAYS("```json\n"), CALLED, SAYS("```")],
        "```json\n```\n\nDone.",
    ),
    Case("a code fence that is closed", [SAYS("```\nx\n```"), CALLED], "```\nx\n```\n\nDone."),
    Case("code within a line", [SAYS("use ```x``` so"), CALLED], "use ```x``` so\n\nDone."),
    Case(
        "a code fence left open in a thought",
        [THINKS("try\n```\nx"), SAYS("So.")],
        "<think>try\n```\nx\n```\n</think>\n\nSo.\n\nDone.",
    ),
]


@pytest.mark.parametrize("case", APART, ids=lambda case: case.id)
def test_what_stands_apart_does_not_run_together(case: Case) -> None:
    """Text around a call, two thoughts, and what comes after an unclosed fence."""
    assert with_calls(*case.shown) == case.expected


@given(st.lists(st.integers(1, 5), max_size=12))
def test_a_fence_is_closed_however_the_text_is_cut(cuts: list[int]) -> None:
    """A model's pieces may end anywhere, also within the fence."""
    said, pieces = "So:\n```py\nx = 1\n", list[Event]()
    for length in [*cuts, len(said)]:
        pieces.append(SAYS(said[:length]))
        said = said[length:]

    assert with_calls(*pieces, CALLED) == "So:\n```py\nx = 1\n```\n\nDone."


def test_a_bare_fence_in_the_next_round_opens_one() -> None:
    """It does not close what the round before left open."""
    events = [*one_round(1, SAYS("```\na"), CALLED), *one_round(2, SAYS("```\nb\n```"))]

    assert told(events).text == "```\na\n```\n\n```\nb\n```"


def test_reasoning_of_a_later_round_begins_a_paragraph() -> None:
    """Not at the end of a sentence of the round before."""
    events = [*one_round(1, SAYS("Look.")), *one_round(2, THINKS("\n"), THINKS("hm"), SAYS("42"))]

    assert told(events).text == "Look.\n\n<think>\nhm</think>\n\n42"


def test_an_answer_that_the_engine_made_begins_a_paragraph() -> None:
    """It is shown after its round has ended."""
    events = [*one_round(1, SAYS("Look.")), SAYS("found"), RunFinished("found", "answered", USAGE)]

    assert told(events).text == "Look.\n\nfound"


def test_files_reach_the_reader_while_the_model_still_speaks() -> None:
    """A picture need not wait for the logs."""
    planned = call()
    link = {"type": "image_link", "message": {"text": "/files/tools/x.png"}, "meta": None}
    content = base64.b64encode(b"drawn").decode()
    blob = {"type": "blob", "message": {"blob": content}, "meta": {"mime_type": "image/png"}}
    events: list[Event] = [*ASKED, CallStarted(planned, "p"), done(planned, forwarded=(link,))]
    early = told(events)
    late = told([*events, thought(planned, files=(blob,))])

    assert early.messages[-1] == link
    assert [one["type"] for one in late.messages if one["type"] != "log"] == [
        "image_link",
        "blob_chunk",
        "blob_chunk",
    ]


# -- the log tree -------------------------------------------------------------------------


def test_the_folded_tree_tells_what_was_done_and_where_it_failed() -> None:
    """Dify shows neither a mark of success nor the error, only the label (W42)."""
    first, second = call("weather", "a"), call("search", "b")
    seen = with_call(done(first, "sunny"), done(second, "oh", error="timed out after 120 s"))

    assert seen.labels == [
        "ROUND 1 → ✗ search, weather",
        "gpt-4o Thought → 15 tokens",
        "CALL weather → sunny",
        "✗ CALL search → timed out after 120 s",
    ]
    assert [log["status"] for log in seen.tree] == ["success", "success", "success", "error"]
    assert_whole(seen)


def test_tools_are_called_as_the_builder_calls_them() -> None:
    """The name for the model stands in the data, where it is the model's own word."""
    planned = call("maps_tool")
    finished, round_over = done(planned), RoundFinished(1, "", (done(planned),), USAGE)
    events = [*ASKED, thought(planned), CallStarted(planned, "p"), finished, round_over]
    seen = told(events, {"maps_tool": "路线"})

    assert seen.labels == ["ROUND 1 → 路线", "gpt-4o Thought → 15 tokens", "CALL 路线 → found"]
    assert seen.tree[-1]["data"]["output"]["tool_call_name"] == "maps_tool"


ROW = 25
LABELS = [
    ("weather", "sunny", "", "CALL weather → sunny"),
    ("timezone_converter", "sunny", "", "CALL timezone_co… → sunny"),
    ("timezone_converter", "ok", "", "CALL timezone_conve… → ok"),
    ("timezone_converter", "x", "timed out", "✗ CALL timezone_co… → timed out"),
]


@pytest.mark.parametrize(("name", "said", "error", "label"), LABELS)
def test_a_long_name_gives_way_to_what_happened(
    name: str, said: str, error: str, label: str
) -> None:
    """Dify's row shows some 25 characters: the mark of a failure and the arrow are among them."""
    told_label = with_call(done(call(name), said, error)).labels[-1]

    assert told_label == label
    assert "→" in told_label[:ROW]


def opened(log: dict[str, Any]) -> str:
    """What Dify shows of an opened row: eight lines of JSON, keys in alphabetical order."""
    written = json.dumps(log["data"], ensure_ascii=False, indent=2, sort_keys=True)
    return "\n".join(written.splitlines()[:8])


def test_an_opened_call_shows_arguments_and_result_in_eight_lines() -> None:
    """However many arguments there are, and how long it waited and ran beside them."""
    arguments = {f"argument_{n}": {"n": n} for n in range(9)}
    planned = call("search", "c1", **arguments)
    well = with_call(done(planned, "line 1\nline 2", seconds_waited=0.5, seconds_run=1.25)).tree[-1]
    badly = with_call(done(planned, "no\n\nThe tool failed.", error="no")).tree[-1]

    assert "argument_8" in opened(well)
    assert "line 2" in opened(well)
    assert (well["data"]["seconds_waited"], well["data"]["seconds_run"]) == (0.5, 1.25)
    assert "argument_8" in opened(badly)
    assert '"error": "no"' in opened(badly)
    assert r"no\n\nThe tool failed." in opened(badly)


def test_one_token_and_one_step_are_not_many() -> None:
    """Counted as one counts things."""
    finished = ModelCallFinished("Hi", "", (), Usage(total_tokens=1))
    steps = (PlannedStep(id=1, task="Look"),)

    assert told([*ASKED, finished]).labels[-1] == "gpt-4o Thought → 1 token"
    assert told([PlanStarted(0), PlanFinished(0, steps, USAGE)]).labels == ["PLAN → 1 step"]


def test_no_log_holds_a_blank_field() -> None:
    """They would take the lines of what a reader looks for."""
    for log in with_call(done(call()), done(call("b", "2"), "x", "no")).logs:
        written = json.dumps(log["data"])
        assert [blank for blank in ('""', "[]", "null") if f": {blank}" in written] == []


def test_currencies_are_told_side_by_side() -> None:
    """Dollars and yuan make no sum; Dify gets the main one, the log and `json` both."""
    dollars = Usage(total_tokens=10, total_price=Decimal("0.01"), currency="USD")
    yuan = Usage(total_tokens=5, total_price=Decimal("0.2"), currency="RMB", cached_tokens=4)
    both = dollars + yuan
    seen = told(
        [*ASKED, thought(), RoundFinished(1, "x", (), both), RunFinished("x", "answered", both)]
    )
    totals = seen.messages[-1]["message"]["json_object"]

    assert totals["execution_metadata"]["total_price"] == "0.01"
    assert totals["execution_metadata"]["currency"] == "USD"
    assert totals["execution_metadata"]["total_tokens"] == 15
    assert totals["prices"] == seen.tree[0]["data"]["prices"] == "0.01 USD + 0.2 RMB"
    assert totals["cached_tokens"] == 4


def test_tokens_from_a_cache_stand_in_the_log() -> None:
    """Where the provider says how many there were."""
    usage = Usage(total_tokens=56, cached_tokens=40)
    seen = told([*ASKED, ModelCallFinished("x", "", (), usage)])

    assert seen.tree[-1]["data"]["cached_tokens"] == 40


def test_the_error_stands_in_the_error_and_in_the_data() -> None:
    """Dify never shows the field `error`."""
    seen = with_call(done(call(), "no\n\nThe tool failed.", error="no"))
    log = seen.tree[-1]

    assert log["error"] == "no"
    assert log["data"]["error"] == "no"
    assert log["data"]["output"]["tool_response"] == "no\n\nThe tool failed."


def test_a_failed_reply_is_told_in_thought_and_round() -> None:
    """The official strategy left both logs open (W40, W41)."""
    seen = told(
        [
            *ASKED,
            thought(text="Hel", error="The provider is busy."),
            RoundFinished(1, "Hel", (), USAGE, "The provider is busy."),
            RunFailed("The provider is busy.", "error", USAGE),
        ]
    )

    assert seen.labels == [
        "✗ ROUND 1 → The provider is busy.",
        "✗ gpt-4o Thought → The provider is busy.",
    ]
    assert [log["data"]["error"] for log in seen.tree] == ["The provider is busy."] * 2
    assert seen.messages[-1]["message"]["json_object"]["stop_reason"] == "error"
    assert seen.messages[-1]["message"]["json_object"]["execution_metadata"]["total_tokens"] == 15
    assert_whole(seen)


def test_calls_made_while_the_model_speaks_are_told_after_its_thought_with_true_times() -> None:
    """The tree shows them under the round in the order of the recording; no time is invented."""
    planned = call()
    seen = told(
        [*ASKED, CallStarted(planned, "a/tools"), done(planned), SAYS("x"), thought(planned)]
    )
    _, thought_log, call_log = seen.tree

    assert [log["label"].split()[0] for log in seen.logs] == [
        *["ROUND", "gpt-4o", "gpt-4o"],
        *["CALL", "CALL"],
    ]
    assert call_log["metadata"]["started_at"] < thought_log["metadata"]["finished_at"]
    assert call_log["metadata"]["elapsed_time"] == 1.0


def test_only_finishes_of_thought_and_call_name_the_provider() -> None:
    """Each log with it costs Dify thirty milliseconds."""
    seen = with_call(done(call()), done(call("nameless", "c2")))
    providers = [log["metadata"].get("provider") for log in seen.logs]

    assert providers.count("a/b/c") == 1
    assert providers.count("a/tools") == 2
    assert all("provider" not in log["metadata"] for log in seen.logs if log["status"] == "start")


def test_an_unknown_tool_has_no_provider() -> None:
    """An empty one would cost as much as a true one."""
    planned = call("unknown")
    seen = told([*ASKED, thought(planned), CallStarted(planned, ""), done(planned, error="no")])

    assert "provider" not in seen.tree[-1]["metadata"]


def test_two_calls_of_one_tool_are_both_shown() -> None:
    """The official strategy kept the last by name."""
    seen = with_call(done(call(call_id="a", q="one")), done(call(call_id="b", q="two")))
    shown = seen.tree[1]["data"]

    assert shown["tool_name"] == "search;search"
    assert json.loads(shown["tool_input"]) == [{"search": {"q": "one"}}, {"search": {"q": "two"}}]


@pytest.mark.parametrize("call_id", ["round", "thought", "call", "notice x", "🙂"])
def test_an_id_that_the_model_chose_disturbs_no_other_log(call_id: str) -> None:
    """Older models give the tool's name, and a tool may be called anything."""
    seen = with_call(done(call("round", call_id)))

    assert len(seen.tree) == 3
    assert_whole(seen)


def test_what_the_builder_should_know_is_a_log_of_its_own() -> None:
    """Before the first round at the root, within a round under it."""
    seen = told([Noticed("TOOL x ✗ skipped", {"problem": "odd"}), *ASKED, Noticed("HINT", {})])
    before, round_log, _, within = seen.tree

    assert (before["parent_id"], before["label"]) == (None, "TOOL x ✗ skipped")
    assert before["data"] == {"problem": "odd"}
    assert within["parent_id"] == round_log["id"]


def test_prices_are_exact_and_written_out() -> None:
    """Dify adds up decimals; an exponent is no price to read."""
    metadata = with_call(done(call())).tree[0]["metadata"]

    assert metadata["total_price"] == "0.0000001"
    assert metadata["total_tokens"] == 15
    assert metadata["currency"] == "USD"


LONG = "word " * 100_000


def test_labels_and_data_of_huge_calls_stay_small() -> None:
    """Names, arguments, results and errors of any length."""
    planned = call("tool\n" * 10_000, q=LONG)
    finished = done(planned, LONG, error=LONG)
    seen = told(
        [
            RoundStarted(1),
            ModelCallStarted("model " * 1_000, "p"),
            thought(planned, text=LONG, reasoning=LONG, error=LONG),
            CallStarted(planned, ""),
            finished,
            RoundFinished(1, LONG, (finished,), USAGE, LONG),
            Noticed(LONG, {"detail": LONG}),
        ]
    )

    assert_whole(seen)
    for log in seen.logs:
        assert "\n" not in log["label"]
        assert len(log["label"]) <= 180
        assert len(log["error"] or "") <= 500
        assert len(json.dumps(log["data"], ensure_ascii=False).encode()) <= LIMIT


def test_secrets_in_arguments_and_results_are_in_no_log() -> None:
    """Neither where they have a name nor where the arguments became text.

    The secret is no hexadecimal number: a log's random id could hold one by chance.
    """
    planned = call(q="x", api_key="4z11", headers={"Authorization": "Bearer 4z11abcdefgh"})
    seen = with_call(
        done(planned, "sent with sk-4z11abcdefghijkl", error="Bearer 4z11abcdefgh was refused")
    )

    assert "4z11" not in json.dumps(seen.messages)
    assert json.loads(seen.tree[1]["data"]["tool_input"])["search"]["q"] == "x"


def test_half_characters_can_be_told() -> None:
    """The SDK's writer would end, and the run with it would never."""
    odd = "\ud83d"
    planned = call(odd, odd, **{odd: [odd]})
    seen = told(
        [
            *ASKED,
            SAYS(odd),
            CallStarted(planned, odd),
            done(planned, odd, odd),
            thought(planned, text=odd, reasoning=odd),
            Noticed(odd, {odd: odd}),
            RunFailed(odd, "error", USAGE),
        ]
    )

    assert as_json(seen.messages)


def test_breaking_off_finishes_what_is_open_from_the_inside() -> None:
    """Dify draws a spinner for ever at a log that is not finished (W40)."""
    narrator, planned, waiting = Narrator(LogTree(Ticking())), call("a", "1"), call("b", "2")
    events: list[Event] = [
        *[*ASKED, THINKS("hm")],
        *[CallStarted(planned, "p"), done(planned), CallStarted(waiting, "p")],
    ]
    seen = Told([message for event in events for message in narrator.messages(event)])
    seen.messages += narrator.break_off("")

    assert_whole(seen)
    assert seen.text == "<think>hm</think>"
    assert seen.labels == [
        "✗ ROUND 1 → The run was broken off.",
        "✗ gpt-4o Thought → The run was broken off.",
        "CALL a → found",
        "✗ CALL b → The run was broken off.",
    ]
    assert list(narrator.break_off("again")) == []


# -- every order that the engine can make -------------------------------------------------

pieces = st.one_of(
    st.builds(TextShown, st.sampled_from(["a", "b ", "\n", ""])),
    st.builds(ReasoningShown, st.sampled_from(["r", " ", "\n"])),
)


@st.composite
def rounds(draw: st.DrawFn, number: int) -> list[Event]:
    """Make a round: replies that fail and are asked again, calls during and after the last."""
    events: list[Event] = [RoundStarted(number)]
    for _ in range(draw(st.integers(0, 2))):
        failed = thought(error="busy")
        events += [ModelCallStarted("m", "p"), *draw(st.lists(pieces, max_size=2)), failed]
    planned = [call("t", f"{number}.{n}") for n in range(draw(st.integers(0, 3)))]
    finished = [done(one, error=draw(st.sampled_from(["", "no"]))) for one in planned]
    order = [CallStarted(one, "p") for one in planned]
    happening: list[Event] = list(order)
    for one in finished:
        at = draw(st.integers(happening.index(CallStarted(one.call, "p")) + 1, len(happening)))
        happening.insert(at, one)
    for piece in draw(st.lists(pieces, max_size=4)):
        happening.insert(draw(st.integers(0, len(happening))), piece)
    shown = [n for n, one in enumerate(happening) if isinstance(one, TextShown | ReasoningShown)]
    starts = [n for n, one in enumerate(happening) if isinstance(one, CallStarted)]
    # All calls are written, and all is said, before the reply is complete; results may come later.
    end = draw(st.integers(max([*shown, *starts], default=-1) + 1, len(happening)))
    happening.insert(end, thought(*planned, error=draw(st.sampled_from(["", "broke"]))))
    result = RoundFinished(number, "", tuple(finished), USAGE)
    return [*events, ModelCallStarted("m", "p"), *happening, result]


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """Make a run of some rounds and an end."""
    events = [event for n in range(1, 4) for event in draw(rounds(n))]
    end = draw(
        st.sampled_from(
            [
                [RunFinished("", "answered", USAGE)],
                [TextShown("made"), RunFinished("made", "answered", USAGE)],
                [RunFailed("It failed.", "error", USAGE)],
            ]
        )
    )
    notices = [Noticed("N", {})] * draw(st.integers(0, 2))
    return [*notices, *events, *end]


def assert_balanced(text: str) -> None:
    """Every think block is closed before the next begins and before the end."""
    tags = re.findall(r"</?think>", text)
    assert tags == ["<think>", "</think>"] * (len(tags) // 2)


@given(runs())
def test_every_run_is_told_whole(events: list[Event]) -> None:
    """Whatever the order: logs whole, tags balanced, the totals last and once."""
    seen = told(events)

    assert_whole(seen)
    assert_balanced(seen.text)
    assert [one["type"] for one in seen.messages].count("json") == 1
    assert seen.messages[-1]["type"] == "json"


@given(runs(), st.integers(0, 60))
def test_a_run_that_breaks_off_anywhere_is_told_whole(events: list[Event], at: int) -> None:
    """An exception in the middle leaves no spinner and no open think block."""
    narrator = Narrator(LogTree(Ticking()))
    seen = Told([one for event in events[:at] for one in narrator.messages(event)])
    seen.messages += narrator.break_off("It broke.")

    assert_whole(seen)
    assert_balanced(seen.text)


def test_it_knows_what_the_calls_told_so_far_have_cost() -> None:
    """So that totals can be sent also when the engine itself breaks off."""
    narrator = Narrator(LogTree(Ticking()))
    for event in [*one_round(1), *one_round(2)]:
        list(narrator.messages(event))

    assert narrator.usage == USAGE + USAGE


@pytest.mark.parametrize(
    ("ending", "said"), [("length", "token limit"), ("content_filter", "content filter")]
)
def test_a_reply_that_was_cut_off_is_marked(ending: Ending, said: str) -> None:
    """In the labels of the thought and of the round, and in their logs."""
    thinking = ModelCallFinished("The lam", "", (), USAGE, ending=ending)
    over = RoundFinished(1, "The lam", (), USAGE, ending=ending)
    labels = json.dumps(told([*ASKED, thinking, over]).messages, ensure_ascii=False)

    assert labels.count("✗") == 2
    assert labels.count(f"cut off {'at' if ending == 'length' else 'by'} the {said}") >= 2
