"""Replies that are cached: the same request gets the same reply, and nothing else does."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from strategies.agent.interface.ports import (
    ModelDelta,
    ModelError,
    ModelRequest,
)
from strategies.agent.interface.usage import Usage
from strategies.dify.storage.replies import CachedModel
from strategies.protocols.base import CallDelta
from tests.agent.fakes import ScriptedModel, Step
from tests.dify.storage.fakes import FakeStorage, eventually, patient_store
from tests.dify.storage.test_places import Clock

REQUEST = ModelRequest(messages=[{"role": "user", "content": "Hi"}], question_index=0)
OTHER = ModelRequest(messages=[{"role": "user", "content": "Ho"}], question_index=0)
DONE = ModelDelta(usage=Usage(total_tokens=5), finish_reason="stop")
HELLO: list[Step] = [ModelDelta(text="Hel"), ModelDelta(text="lo"), DONE]


def body(request: ModelRequest) -> bytes:
    """What decides a reply."""
    return json.dumps([list(map(dict, request.messages)), request.max_tokens]).encode()


def asked(
    storage: FakeStorage,
    request: ModelRequest,
    *replies: Sequence[Step],
    clock: Clock | None = None,
    minutes: float = 10,
) -> list[ModelDelta]:
    """Ask once, in a run of its own; replies that are left were not needed."""
    store = patient_store(storage)
    model = CachedModel(ScriptedModel(*replies), store, minutes, body, clock or Clock())
    deltas = list(model.stream(request))
    store.settle()
    return deltas


def said(deltas: Sequence[ModelDelta]) -> str:
    """The text of a reply."""
    return "".join(delta.text for delta in deltas)


def test_the_same_request_gets_the_same_reply_without_a_model() -> None:
    """It streams, ends as the reply did, and costs nothing."""
    storage = FakeStorage()
    assert said(asked(storage, REQUEST, HELLO)) == "Hello"
    again = asked(storage, REQUEST)
    assert said(again) == "Hello"
    assert again[-1].finish_reason == "stop"
    assert all(delta.usage is None for delta in again)


def test_another_request_is_asked() -> None:
    """One other word, or another limit, is another request."""
    storage = FakeStorage()
    asked(storage, REQUEST, HELLO)
    with pytest.raises(ModelError):
        asked(storage, OTHER)


def test_calls_come_back_as_the_model_wrote_them() -> None:
    """Fragments, their order among the text and their lists stay."""
    storage = FakeStorage()
    calls = [
        ModelDelta(text="a", calls=(CallDelta(id="1", name="f", arguments="{", index=0),)),
        ModelDelta(calls=(CallDelta(arguments="}"), CallDelta(id="2", name="g"))),
        ModelDelta(text="b", finish_reason="tool_calls"),
    ]
    first = asked(storage, REQUEST, calls)
    again = asked(storage, REQUEST)
    assert [delta.calls for delta in again if delta.calls] == [d.calls for d in first if d.calls]
    assert said(again) == "ab"


def test_a_long_reply_still_streams() -> None:
    """A reply from memory comes in pieces, as any other."""
    storage = FakeStorage()
    asked(storage, REQUEST, [ModelDelta(text="word " * 1_000), DONE])
    assert len(asked(storage, REQUEST)) > 20


@pytest.mark.parametrize(
    "reply",
    [
        [ModelDelta(text="Hel"), ModelError("gone")],
        [ModelDelta(text="Hel"), ModelDelta(finish_reason="length")],
        [ModelDelta(text="Hel"), ModelDelta(finish_reason="content_filter")],
        [ModelDelta(text="Hel")],
        [ModelDelta(text=" "), DONE],
        [ModelDelta(text="see", files=({"type": "blob"},)), DONE],
    ],
    ids=["failed", "cut", "filtered", "without an end", "empty", "with a file"],
)
def test_what_is_no_whole_reply_is_not_remembered(reply: list[Step]) -> None:
    """The next request is asked anew."""
    storage = FakeStorage()
    with suppress(ModelError):
        asked(storage, REQUEST, reply)
    assert storage.values == {}


def test_a_reply_that_nobody_read_to_its_end_is_not_remembered() -> None:
    """A run that stops leaves the stream."""
    storage = FakeStorage()
    store = patient_store(storage)
    stream: Iterator[ModelDelta] = CachedModel(
        ScriptedModel(HELLO), store, 10, body, Clock()
    ).stream(REQUEST)
    next(stream)
    del stream
    store.settle()
    assert eventually(lambda: storage.values == {})


def test_a_reply_is_good_for_as_long_as_is_set_when_it_is_asked_for() -> None:
    """Neither a longer setting when it was kept nor one now makes it good for longer."""
    storage, clock = FakeStorage(), Clock()
    asked(storage, REQUEST, HELLO, clock=clock, minutes=60)
    clock.now += 20 * 60
    assert said(asked(storage, REQUEST, clock=clock, minutes=60)) == "Hello"
    with pytest.raises(ModelError):
        asked(storage, REQUEST, clock=clock, minutes=10)
    clock.now += 41 * 60
    with pytest.raises(ModelError):
        asked(storage, REQUEST, clock=clock, minutes=10_080)


def test_a_storage_that_is_refused_leaves_the_model() -> None:
    """Then every reply is asked for."""
    storage = FakeStorage(refuses="permission denied")
    assert said(asked(storage, REQUEST, HELLO)) == "Hello"
    assert said(asked(storage, REQUEST, HELLO)) == "Hello"
