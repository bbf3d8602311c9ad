"""Requests that stay under a limit of bytes."""

import json
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.agent.interface.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.window.byte_limits import json_size
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.fit import WindowBudget

LIMIT = 3_800_000


def written(value: object) -> int:
    """Count the bytes that the SDK writes."""
    return len(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    )


def shrink(
    messages: list[Message], limit: int, window: ContextWindow | None = None
) -> tuple[list[Message], tuple[str, ...]]:
    """Fit messages, the last of them the question, where tokens are no matter."""
    budget = WindowBudget(context_size=10**9, request_bytes=limit)
    request = ModelRequest(messages=messages, question_index=len(messages) - 1)
    nothing = Conversation(instruction="", history=[], question="")
    sent = (window or ContextWindow("", budget)).fitted(nothing, "open", lambda _: request)
    return list(sent.messages), sent.left_out


def user(content: object) -> Message:
    """Write a message of the user."""
    return {"role": "user", "content": content, "name": None}


def picture(size: int) -> Mapping[str, object]:
    """Write a picture part of some bytes."""
    return {
        "type": "image",
        "format": "png",
        "base64_data": "A" * size,
        "url": "",
        "mime_type": "image/png",
        "filename": "map.png",
    }


def said(text: str) -> Mapping[str, object]:
    """Write a text part."""
    return {"type": "text", "data": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_sizes_are_counted_exactly(value: object) -> None:
    """To the byte what is written, without writing it."""
    assert json_size(value) == written(value)


def test_what_is_escaped_counts_more() -> None:
    """Quotes and line ends take two bytes, other control characters six, Chinese three."""
    assert json_size('"\n\\') == 2 + 6
    assert json_size("\x01") == 2 + 6
    assert json_size("中") == 2 + 3


def test_what_fits_stays() -> None:
    """Nothing is touched below the limit."""
    messages = [user("Hello"), user([picture(100)])]

    assert shrink(messages, 10_000) == (messages, ())


@pytest.mark.timed
def test_a_tool_result_of_twenty_megabytes() -> None:
    """T4: a line above 5 MiB ends the plugin's process and every run in it."""
    messages: list[Message] = [
        {"role": "system", "content": "Be brief.", "name": None},
        user("What does the log say?"),
        {"role": "tool", "content": '"line"\n' * 2_900_000, "name": "log", "tool_call_id": "1"},
    ]
    start = time.process_time()
    shrunk, notes = shrink(messages, LIMIT)

    assert time.process_time() - start < 1
    assert written(shrunk) <= LIMIT
    assert written(shrunk) > LIMIT * 0.8
    assert shrunk[:2] == messages[:2]
    assert shrunk[2]["tool_call_id"] == "1"
    assert "characters left out" in str(shrunk[2]["content"])
    assert notes == ("cut 1 message(s) that were too large to send",)


def test_the_largest_picture_goes_first() -> None:
    """A small picture stays; of the large one the model can read that it was there."""
    messages = [user([picture(900_000), picture(5_000), {"type": "text", "data": "And now?"}])]
    shrunk, notes = shrink(messages, 100_000)
    content = cast("list[object]", shrunk[0]["content"])

    size = json_size(picture(900_000))
    words = f"[image: map.png, image/png, {size:,} bytes, left out because it is too large to send]"
    assert content[0] == said(words)
    assert content[1:] == [picture(5_000), said("And now?")]
    assert len(notes) == 1


def test_huge_arguments_stay_json_and_keep_their_id() -> None:
    """W11: the call is neither lost nor does the question pay for it."""
    arguments = json.dumps({"path": "a.txt", "text": "x" * 500_000})
    call = {"id": "c1", "type": "function", "function": {"name": "write", "arguments": arguments}}
    broken = {"id": "c2", "type": "function", "function": {"name": "w", "arguments": "y" * 500_000}}
    messages: list[Message] = [
        user("Write it."),
        {"role": "assistant", "content": "", "tool_calls": [call, broken]},
    ]
    shrunk, _ = shrink(messages, 50_000)

    assert written(shrunk) <= 50_000
    assert shrunk[0] == messages[0]
    calls = cast("list[dict[str, Any]]", shrunk[1]["tool_calls"])
    assert [call["id"] for call in calls] == ["c1", "c2"]
    assert json.loads(calls[0]["function"]["arguments"])["path"] == "a.txt"
    assert json.loads(calls[1]["function"]["arguments"]) == {}


def test_small_texts_are_left_alone() -> None:
    """Nothing is cut to crumbs, even when there are too many of them."""
    messages = [user("x" * 300)] * 20

    assert shrink(messages, 1_000) == (messages, ())


PARTS = st.lists(
    st.builds(picture, st.integers(0, 3_000)) | st.builds(said, st.text(max_size=2_000)),
    max_size=4,
)
MESSAGES = st.lists(st.builds(user, st.text(max_size=3_000) | PARTS), max_size=6)


@settings(max_examples=60)
@given(MESSAGES, st.integers(6_000, 12_000))
def test_shrunk_messages_fit_and_stay(messages: list[Message], limit: int) -> None:
    """Under the limit afterwards, as many messages as before, and a second time changes nothing."""
    shrunk, _ = shrink(messages, limit)

    assert json_size(shrunk) <= limit
    assert [message["role"] for message in shrunk] == [message["role"] for message in messages]
    assert shrink(shrunk, limit) == (shrunk, ())


def test_what_was_cut_stays_cut_while_rounds_are_added() -> None:
    """More goes than must, so that the next requests begin with this one, for the cache."""
    window = ContextWindow("", WindowBudget(context_size=10**9, request_bytes=100_000))
    nothing = Conversation(instruction="", history=[], question="")
    messages = [user("Which?")]
    rewritten, sent = 0, list[Message]()
    for number in range(40):
        messages += [{"role": "assistant", "content": "Look."}, user(f"{number} " + "x" * 8_000)]
        request = ModelRequest(messages=list(messages), question_index=0)
        fitted = list(window.fitted(nothing, "open", lambda _, given=request: given).messages)
        assert json_size(fitted) <= 100_000
        rewritten += fitted[: len(sent)] != sent
        sent = fitted

    assert 0 < rewritten <= 20
