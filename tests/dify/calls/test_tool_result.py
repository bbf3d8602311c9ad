"""What a tool sends, as the model reads it and as it goes on to the reader."""

import base64
import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.agent.interface.ports import ToolOutcome
from strategies.dify.calls.tool_result import ToolResult
from tests.dify.entities import cpu_seconds, odd_objects, odd_values

type Sent = dict[str, Any]


def text(said: Any) -> Sent:
    """A text message."""
    return {"type": "text", "message": {"text": said}, "meta": None}


def json_object(value: Any) -> Sent:
    """A JSON message."""
    return {"type": "json", "message": {"json_object": value}, "meta": None}


def variable(name: str, value: Any, *, stream: bool = False) -> Sent:
    """A variable message."""
    body = {"variable_name": name, "variable_value": value, "stream": stream}
    return {"type": "variable", "message": body}


def linked(kind: str, url: str, **meta: Any) -> Sent:
    """A message that names a file."""
    return {"type": kind, "message": {"text": url}, "meta": meta}


def blob(content: bytes, **meta: Any) -> Sent:
    """A file in one piece."""
    return {"type": "blob", "message": {"blob": base64.b64encode(content).decode()}, "meta": meta}


def collected(*messages: Any, workflow: bool = False) -> ToolOutcome:
    """Collect messages."""
    result = ToolResult(repeats_text_as_json=workflow)
    for message in messages:
        result.add(message)
    return result.outcome()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Messages of a tool and what the model reads."""

    id: str
    sent: list[Any]
    expected: str


BOTH = {"city": "Köln", "days": [1, 2]}
BOB = {"name": "Bob"}
ONCE = [
    Case(id="text", sent=[text("sunny")], expected="sunny"),
    Case(id="texts", sent=[text("sun"), text("ny")], expected="sun\nny"),
    Case(id="JSON", sent=[json_object(BOTH)], expected='{"city":"Köln","days":[1,2]}'),
    Case(
        id="compact text and the same JSON",
        sent=[text('{"city":"Köln","days":[1,2]}'), json_object(BOTH)],
        expected='{"city":"Köln","days":[1,2]}',
    ),
    Case(
        id="with other spacing, order and escapes",
        sent=[json_object(BOTH), text('{ "days": [1, 2],\n "city": "K\\u00f6ln" }')],
        expected='{ "days": [1, 2],\n "city": "K\\u00f6ln" }',
    ),
    Case(
        id="text in pieces",
        sent=[text('{"city":"Köln",'), text('"days":[1,2]}'), json_object(BOTH)],
        expected='{"city":"Köln",\n"days":[1,2]}',
    ),
    Case(
        id="two texts and their two JSONs",
        sent=[text('{"a": 1}'), json_object({"a": 1}), text('{"b": 2}'), json_object({"b": 2})],
        expected='{"a": 1}\n{"b": 2}',
    ),
    Case(
        id="JSON inside the text",
        sent=[text('The weather: {"city": "Köln", "days": [1, 2]}.'), json_object(BOTH)],
        expected='The weather: {"city": "Köln", "days": [1, 2]}.',
    ),
    Case(
        id="text wrapped by an MCP server",
        sent=[text("sunny"), json_object({"result": "sunny"})],
        expected="sunny",
    ),
    Case(
        id="text again as a variable",
        sent=[text("sunny"), variable("result", "sunny")],
        expected="sunny",
    ),
    Case(
        id="variables that the JSON holds",
        sent=[text('{"a": 1, "b": [2]}'), variable("a", 1), variable("b", [2])],
        expected='{"a": 1, "b": [2]}',
    ),
    Case(
        id="rows of an MCP server and the same list as a variable",
        sent=[json_object(BOB), json_object(BOB), variable("result", [BOB, BOB])],
        expected='[{"name":"Bob"},{"name":"Bob"}]',
    ),
    Case(
        id="one row and the same list",
        sent=[json_object(BOB), variable("result", [BOB])],
        expected='[{"name":"Bob"}]',
    ),
    Case(
        id="texts and the same list as a variable",
        sent=[text("a"), text("b"), variable("result", ["a", "b"])],
        expected="a\nb",
    ),
    Case(
        id="numbers and the same list as a variable",
        sent=[text("12"), text("3"), text("45"), variable("result", [12, 3, 45])],
        expected="12\n3\n45",
    ),
    Case(
        id="a list of lists, which Dify writes as Python does",
        sent=[text("[1, 'a', None]"), variable("result", [1, "a", None])],
        expected="[1, 'a', None]",
    ),
    Case(
        id="a list in a text and as rows",
        sent=[text('[{"name": "Bob"}, {"name": "Bob"}]'), json_object(BOB), json_object(BOB)],
        expected='[{"name": "Bob"}, {"name": "Bob"}]',
    ),
    Case(
        id="fields of the only object as variables",
        sent=[json_object({"a": 1, "b": 2}), variable("a", 1), variable("b", 2)],
        expected='{"a":1,"b":2}',
    ),
    Case(id="text and other JSON", sent=[text("ok"), json_object([1])], expected="ok\n[1]"),
    Case(id="a number that is in the text", sent=[text("15"), json_object(5)], expected="15\n5"),
    Case(id="empty JSON beside text", sent=[text("ok"), json_object({})], expected="ok"),
]


@pytest.mark.parametrize("case", ONCE, ids=lambda case: case.id)
def test_what_is_said_twice_is_told_once(case: Case) -> None:
    """API tools, workflows and MCP servers send one result in several forms (T7, dify#22618)."""
    assert collected(*case.sent).text == case.expected


EACH = [
    Case(
        id="equal rows",
        sent=[json_object(BOB), json_object(BOB)],
        expected='{"name":"Bob"}\n{"name":"Bob"}',
    ),
    Case(id="equal texts", sent=[text("Bob"), text("Bob")], expected="Bob\nBob"),
    Case(id="numbers in texts", sent=[text("12"), text("3"), text("45")], expected="12\n3\n45"),
    Case(
        id="a second equal row that no text holds",
        sent=[text('{"name": "Bob"}'), json_object(BOB), json_object(BOB)],
        expected='{"name": "Bob"}\n{"name":"Bob"}',
    ),
    Case(
        id="a second equal row beside a sentence that holds one",
        sent=[text('First: {"name": "Bob"}.'), json_object(BOB), json_object(BOB)],
        expected='First: {"name": "Bob"}.\n{"name":"Bob"}',
    ),
    Case(
        id="a variable that only some rows hold",
        sent=[json_object(BOB), json_object({"name": "Eve"}), variable("name", "Bob")],
        expected='{"name":"Bob"}\n{"name":"Eve"}\nname: Bob',
    ),
    Case(
        id="a list with fewer rows",
        sent=[json_object(BOB), json_object(BOB), variable("result", [BOB])],
        expected='{"name":"Bob"}\n{"name":"Bob"}\nresult: [{"name":"Bob"}]',
    ),
    Case(id="true beside 1", sent=[text("1"), variable("ok", True)], expected="1\nok: true"),  # noqa: FBT003
    Case(id="an empty list", sent=[variable("result", [])], expected="result: []"),
]


@pytest.mark.parametrize("case", EACH, ids=lambda case: case.id)
def test_what_only_looks_alike_is_told_as_often_as_it_is(case: Case) -> None:
    """A second "Bob" was dropped, and sums went wrong without a trace."""
    assert collected(*case.sent).text == case.expected


KEPT_VALUES = [
    "".join(f"{n:x}Zq9" for n in range(200)),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    f"https://store.test/a.pdf?X-Amz-Signature={'4f2a9c' * 120}",
    base64.b64encode(os.urandom(3_000)).decode(),
    f"data:text/csv;base64,{base64.b64encode(b'a,b' * 400).decode()}",
]


@pytest.mark.parametrize("value", KEPT_VALUES, ids=["page token", "JWT", "link", "file", "text"])
def test_what_a_model_must_hand_on_stays(value: str) -> None:
    """Tokens, signed links and contents of files, in text, JSON and variables."""
    for sent in (text(value), json_object({"v": value}), variable("v", value)):
        assert value in collected(sent).text


def test_a_workflow_says_in_json_what_it_said_in_text() -> None:
    """It sends its outputs as text and as JSON, in forms that need not be equal."""
    sent = [text("The answer is 42."), json_object({"text": "The answer is 42.", "n": 1})]

    assert collected(*sent, workflow=True).text == "The answer is 42."
    assert collected(sent[1], workflow=True).text == '{"text":"The answer is 42.","n":1}'


KINDS = [
    Case(id="link", sent=[linked("link", "https://x.org/a")], expected="Link: https://x.org/a"),
    Case(
        id="whole variable",
        sent=[variable("score", 1), variable("score", {"a": [None, True]})],
        expected='score: {"a":[null,true]}',
    ),
    Case(
        id="streamed variable",
        sent=[variable("said", "one ", stream=True), variable("said", "two", stream=True)],
        expected="said: one two",
    ),
    Case(
        id="log, which a later one replaces",
        sent=[
            {"type": "log", "message": {"id": "1", "label": "Step", "status": "start"}},
            {"type": "log", "message": {"id": "1", "label": "Step", "status": "success"}},
        ],
        expected='Log: {"label":"Step","status":"success"}',
    ),
    Case(
        id="steps beside a result, which are for the builder",
        sent=[{"type": "log", "message": {"id": "1", "label": "Step"}}, text("Done.")],
        expected="Done.",
    ),
    Case(
        id="knowledge",
        sent=[{"type": "retriever_resources", "message": {"context": "Facts."}}],
        expected="Facts.",
    ),
    Case(
        id="knowledge without context",
        sent=[{"type": "retriever_resources", "message": {"retriever_resources": []}}],
        expected='{"retriever_resources":[]}',
    ),
    Case(
        id="unknown type",
        sent=[{"type": "hologram", "message": {"x": 1}}],
        expected='hologram: {"x":1}',
    ),
    Case(
        id="file object",
        sent=[{"type": "file", "message": {}, "meta": {"file": {"name": "a.pdf"}}}],
        expected='file: {"file":{"name":"a.pdf"}}',
    ),
    Case(id="no type", sent=[{"message": {"x": 1}}], expected='message: {"x":1}'),
    Case(id="text null", sent=[text(None)], expected="(the tool returned nothing)"),
    Case(id="text that is an object", sent=[text({"a": 1})], expected='{"a": 1}'),
    Case(
        id="messages null",
        sent=[{"type": "text", "message": None}, {"type": "json", "message": None, "meta": None}],
        expected="(the tool returned nothing)",
    ),
    Case(id="nothing", sent=[], expected="(the tool returned nothing)"),
    Case(
        id="numbers that JSON lacks",
        sent=[json_object({"a": float("nan"), "b": float("-inf"), "d": {1: (2,)}})],
        expected='{"a":null,"b":null,"d":{"1":[2]}}',
    ),
]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case.id)
def test_every_type_of_message_reaches_the_model(case: Case) -> None:
    """Whatever a tool sends can be read, as JSON and not as Python writes it (W24)."""
    assert collected(*case.sent).text == case.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCase:
    """A message with a file, what goes on to the reader, and how the model hears of it."""

    id: str
    sent: Sent
    kind: str
    told: str


KEPT = "/files/tools/0f3c.png"
FILES = [
    FileCase(
        id="picture that Dify keeps",
        sent=linked("image_link", KEPT, tool_file_id="0f3c", mime_type="image/png"),
        kind="image_link",
        told="0f3c.png (image/png)",
    ),
    FileCase(
        id="other file that Dify keeps",
        sent=linked("binary_link", "/files/tools/9.pdf?sign=x", tool_file_id="9", filename="a.pdf"),
        kind="binary_link",
        told="a.pdf",
    ),
    FileCase(
        id="file of a workflow, sent as a link",
        sent=linked("link", "https://d.org/files/tools/9.docx?sign=x"),
        kind="binary_link",
        told="9.docx",
    ),
    FileCase(
        id="picture elsewhere",
        sent=linked("image", "https://x.org/a/cat.png?size=2"),
        kind="image",
        told="cat.png (image)",
    ),
    FileCase(
        id="picture elsewhere under the wrong type",
        sent=linked("image_link", "https://x.org/cat.png"),
        kind="image",
        told="cat.png (image)",
    ),
    FileCase(
        id="picture in its own address",
        sent=linked("image", "data:image/png;base64,aGVsbG8="),
        kind="blob",
        told="image.png (image/png, 5 bytes)",
    ),
    FileCase(
        id="bytes",
        sent=blob(b"hello", mime_type="text/plain", filename="a.txt"),
        kind="blob",
        told="a.txt (text/plain, 5 bytes)",
    ),
    FileCase(
        id="bytes that are no text",
        sent={"type": "blob", "message": {"blob": b"hello"}, "meta": None},
        kind="blob",
        told="file (5 bytes)",
    ),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.id)
def test_a_file_goes_to_the_reader_once_and_the_model_hears_of_it(case: FileCase) -> None:
    """Also a file that is no picture, which the SDK cannot even parse (sdk#383, T5)."""
    outcome = collected(case.sent, case.sent)

    assert [message["type"] for message in outcome.forwarded] == [case.kind]
    assert outcome.text == f"File made for the user: {case.told}"


LOST = [
    linked("binary_link", "https://x.org/a.pdf"),
    linked("image_link", ""),
    linked("image", "not an address"),
]


@pytest.mark.parametrize("sent", LOST)
def test_a_file_that_dify_does_not_keep_is_no_file(sent: Sent) -> None:
    """Forwarding it would fail the whole node with ToolFileNotFoundError."""
    outcome = collected(sent)

    assert outcome.forwarded == ()
    assert outcome.text.startswith("Link: ")


def in_pieces(content: bytes, size: int = 8192) -> list[Sent]:
    """Write a file in pieces, with its end."""
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return [
        {
            "type": "blob_chunk",
            "message": {"id": "1", "blob": base64.b64encode(piece).decode(), "end": not piece},
            "meta": {"mime_type": "a/b"},
        }
        for piece in [*pieces, b""]
    ]


@pytest.mark.timed
def test_a_file_in_pieces_arrives_whole() -> None:
    """Fifteen megabytes, byte for byte, without holding the process at any piece."""
    content = os.urandom(15 * 1024 * 1024)
    result = ToolResult()
    slowest = max(cpu_seconds(lambda m=m: result.add(m)) for m in in_pieces(content))
    [forwarded] = result.outcome().forwarded
    message: Any = forwarded["message"]

    assert base64.b64decode(message["blob"]) == content
    assert slowest < 1


def test_a_file_whose_end_never_came_is_told() -> None:
    """The model must not speak of a file that is not there."""
    outcome = collected(*in_pieces(b"half of it")[:-1])

    assert outcome.forwarded == ()
    assert outcome.text == "A file did not arrive whole and is left out."


@pytest.mark.parametrize("odd", ["漢字", "a", None, {}])
def test_a_piece_that_is_no_base64_does_no_harm(odd: Any) -> None:
    """Whatever stands where the bytes should be."""
    outcome = collected({"type": "blob_chunk", "message": {"id": "1", "blob": odd, "end": True}})

    assert outcome.text


def test_what_came_before_a_failure_is_kept() -> None:
    """The model can use half a result, and the reader gets the files that were made."""
    result = ToolResult()
    result.add(text("Page 1: sunny"))
    result.add(linked("image_link", KEPT, tool_file_id="0f3c"))
    outcome = result.failed("read tool response failed: request failed: page 2 is gone")

    assert outcome.text.startswith("Page 1: sunny\n")
    assert outcome.text.endswith("\n\npage 2 is gone\n\nThe tool failed.")
    assert outcome.error == "page 2 is gone"
    assert len(outcome.forwarded) == 1


def test_the_model_reads_the_whole_error_and_the_label_a_line() -> None:
    """Every entry of the list, with its paths, fields and hints."""
    entries = [
        {"loc": ["body", "rows", n, "city"], "msg": "Field required", "hint": "see /data/x.csv"}
        for n in range(30)
    ]
    problem = json.dumps({"errors": entries})
    wrapped = json.dumps(
        {"args": {"traceback": "x"}, "error_type": "ValidationError", "message": problem}
    )
    outcome = ToolResult().failed(
        f"read tool response failed: request failed: req_id: 4f2a PluginInvokeError: {wrapped}"
    )

    assert outcome.text == f"ValidationError: {problem}\n\nThe tool failed."
    assert outcome.error == "Field required"


def test_an_error_without_a_sentence_is_shown_as_it_is() -> None:
    """A label that says nothing would hide what there is."""
    assert ToolResult().failed('{"city": ["required"]}').error == '{"city": ["required"]}'


def test_a_traceback_of_the_tool_is_whole_for_the_model_and_short_in_the_label() -> None:
    """A tool that runs code is worth nothing without it."""
    traceback = "Traceback (most recent call last):\n  File \"/app/x.py\", line 1\nKeyError: 'city'"
    outcome = ToolResult().failed(traceback)

    assert outcome.text == f"{traceback}\n\nThe tool failed."
    assert outcome.error == "KeyError: 'city'"


SAID_OF_TOOLS = [
    "[Errno 2] No such file or directory: '/data/report.csv'",
    "invocation exited without response after 250 seconds",
    "Connection reset by peer",
    "password: required string, token: Unexpected identifier",
    "request failed: 404 for https://api.test/items?page_token=abc123def456",
]


@pytest.mark.parametrize("said", SAID_OF_TOOLS)
def test_nothing_else_of_an_error_is_reworded(said: str) -> None:
    """Nor is any tool's error told as the model's."""
    outcome = ToolResult().failed(f"read tool response failed: request failed: {said}")

    assert outcome.text == f"{said}\n\nThe tool failed."
    assert "model" not in outcome.error


def test_an_error_holds_no_secret() -> None:
    """Keys, bearer tokens and passwords in addresses are hidden, what stands around them stays."""
    outcome = ToolResult().failed(
        "401 for postgres://bob:pa55@word@db.test/x with Authorization: Bearer abcd1234efgh "
        "and api_key=sk-abcdefghijklmnop, hint: renew at https://x.test/keys"
    )

    assert outcome.text == (
        "401 for postgres://bob:[hidden]@db.test/x with Authorization: Bearer "
        "[hidden] and api_key=[hidden], hint: renew at https://x.test/keys\n\nThe tool failed."
    )
    assert "pa55" not in outcome.error


def test_a_failure_without_words_still_says_that_it_failed() -> None:
    """A blank error would be no error."""
    outcome = ToolResult().failed("")

    assert outcome.text == "The tool failed. It did not say why."
    assert outcome.error


def test_a_huge_error_is_bounded_like_any_result() -> None:
    """Its end, which often holds the reason, stays."""
    outcome = ToolResult().failed("x" * 5_000_000 + " the reason")

    assert len(outcome.text) < 1_000_000
    assert outcome.text.endswith(" the reason\n\nThe tool failed.")


@pytest.mark.timed
def test_a_huge_text_costs_next_to_nothing() -> None:
    """Twenty megabytes of JSON in a text are not parsed to compare them; the ends are kept."""
    huge = json.dumps({"rows": ["x" * 20] * 800_000})
    outcomes: list[ToolOutcome] = []
    sent = [text(huge), json_object({"rows": ["x"]})]
    seconds = cpu_seconds(lambda: outcomes.append(collected(*sent)))

    assert seconds < 0.5
    assert len(outcomes[0].text) <= 1_000_000
    assert outcomes[0].text.startswith(huge[:1000])
    assert outcomes[0].text.endswith(huge[-1000:])


@pytest.mark.timed
def test_huge_json_is_written_no_further_than_a_model_reads() -> None:
    """The rest of twenty megabytes would only hold the process."""
    rows = {"rows": [{"name": "x"}] * 2_000_000}
    outcomes: list[ToolOutcome] = []
    seconds = cpu_seconds(lambda: outcomes.append(collected(json_object(rows))))

    assert seconds < 10
    assert 900_000 < len(outcomes[0].text) <= 1_000_000


@pytest.mark.timed
def test_a_variable_streamed_in_many_pieces_is_joined_at_once() -> None:
    """Joining piece by piece would copy twenty megabytes two thousand times."""
    sent = [variable("v", "x" * 10_000, stream=True) for _ in range(2_000)]

    assert cpu_seconds(lambda: collected(*sent)) < 2


@pytest.mark.timed
def test_large_files_are_compared_quickly() -> None:
    """Ten files of ten megabytes, each sent twice."""
    contents = [f"{n:>04}" * 2_500_000 for n in range(10)]
    sent = [{"type": "blob", "message": {"blob": content}, "meta": {}} for content in contents * 2]
    outcomes: list[ToolOutcome] = []
    seconds = cpu_seconds(lambda: outcomes.append(collected(*sent)))

    assert len(outcomes[0].forwarded) == 10
    assert seconds < 3


KINDS_OF_MESSAGES = [
    *["text", "json", "link", "image", "image_link", "binary_link", "blob", "blob_chunk"],
    *["variable", "log", "file", "retriever_resources", "hologram"],
]
kinds = st.sampled_from(KINDS_OF_MESSAGES) | odd_values
bodies = odd_objects("text", "json_object", "blob", "id", "end", "variable_name", "variable_value")
sent = st.fixed_dictionaries(
    {"type": kinds, "message": bodies | odd_values, "meta": bodies | odd_values}
)


@settings(max_examples=50)
@given(st.lists(sent, max_size=5))
def test_whatever_a_tool_sends_is_read(messages: list[Any]) -> None:
    """A tool's odd message is its result, never an end of the run."""
    outcome = collected(*messages)

    assert outcome.text.strip()
    assert outcome.error == ""


def test_a_file_that_dify_will_not_take_is_not_said_to_be_with_the_user() -> None:
    """Else the model promises what nobody has got."""
    whole = collected(blob(bytes(15 * 1024 * 1024), filename="all.zip"))
    more = collected(blob(bytes(15 * 1024 * 1024 + 1), filename="all.zip"))

    assert whole.text.startswith("File made for the user: all.zip")
    assert "too large" in more.text
    assert "shown" not in more.text


PNG = "data:image/png;base64," + "iVBORw0K" * 100
ANSWERS = [
    Case(id="a file", sent=[blob(b"drawn", mime_type="image/png")], expected=""),
    Case(id="a file that is kept", sent=[linked("image", "/files/tools/7.png")], expected=""),
    Case(id="a file too large", sent=[blob(bytes(15 * 1024 * 1024 + 1))], expected=""),
    Case(id="a file inside the text", sent=[text(f"{PNG}\n")], expected=""),
    Case(id="text and a file", sent=[text("Your cat:"), blob(b"drawn")], expected="Your cat:"),
    Case(id="a page", sent=[linked("link", "https://x.test")], expected="Link: https://x.test"),
    Case(id="nothing", sent=[], expected=""),
    Case(id="steps", sent=[{"type": "log", "message": {"id": "1", "label": "x"}}], expected=""),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.id)
def test_a_reader_is_not_told_of_files_that_are_there(case: Case) -> None:
    """Where a result is the answer; the files are passed on as for a model."""
    result = collected(*case.sent)

    assert result.answer == case.expected
    assert result.text.strip()
