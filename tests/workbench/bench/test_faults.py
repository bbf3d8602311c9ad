"""Every fault strikes the call it names, in Dify's words."""

import pytest

from workbench.base.ports import AnswerError, Json
from workbench.bench.faults import FaultyModel, FaultyTools, faulty_storage, read_fault
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    chunk,
    says,
    text_output,
    tool_call,
)
from workbench.host.storage import TROUBLES


def model(spec: str, *chunks: Json) -> FaultyModel:
    """A model of two equal replies with one fault."""
    reply = list(chunks) or says("a b c d e", pieces=5)
    return FaultyModel(ScriptedModel(reply, reply), [read_fault(spec)])


@pytest.mark.parametrize("kind", ["429", "500", "503", "401", "400", "context"])
def test_a_failing_call_fails_before_its_first_chunk(kind: str) -> None:
    """Only the named call; the next goes well."""
    faulty = model(f"model:{kind}@1")
    with pytest.raises(AnswerError):
        next(faulty.answer({}))

    assert len(list(faulty.answer({}))) > 1


def test_a_later_call_can_be_named() -> None:
    """Calls are counted from 1."""
    faulty = model("model:503@2")

    assert len(list(faulty.answer({}))) > 1
    with pytest.raises(AnswerError, match="503"):
        next(faulty.answer({}))


def test_a_cut_comes_after_some_chunks() -> None:
    """Text was shown before the stream broke."""
    chunks: list[Json] = []
    with pytest.raises(AnswerError, match="prematurely"):
        chunks.extend(model("model:cut@1").answer({}))

    assert "".join(each["delta"]["message"]["content"] for each in chunks) == "a b c "


def test_an_empty_reply_keeps_its_totals() -> None:
    """No text, no call, but a finish and a usage."""
    called = chunk("text", tool_calls=[tool_call("x", {})], usage={"total_tokens": 1})
    (piece,) = model("model:empty@1", called).answer({})

    assert piece["delta"]["message"]["content"] == ""
    assert piece["delta"]["message"]["tool_calls"] == []
    assert piece["delta"]["usage"] == {"total_tokens": 1}


def test_a_timeout_is_told_as_the_daemon_tells_it() -> None:
    """The text has no 'request failed'."""
    with pytest.raises(AnswerError) as caught:
        next(model("model:timeout@1").answer({}))

    assert caught.value.stage == "wire"
    assert "read on closed response body" in caught.value.text


def test_tools_fail_and_flood() -> None:
    """An error for one call, 20 MB for the other."""
    toolbox = ScriptedTools(search=[text_output("found")])
    faulty = FaultyTools(toolbox, [read_fault("tool:error@1"), read_fault("tool:huge@2")])
    with pytest.raises(AnswerError, match="Reached maximum retries"):
        next(faulty.call({"tool": "search"}))
    messages = list(faulty.call({"tool": "search"}))

    assert messages[0] == text_output("found")
    assert len(messages[1]["message"]["text"]) == 20_000_000


@pytest.mark.parametrize("kind", [kind for kind in TROUBLES if kind != "slow"])
def test_a_storage_is_in_trouble_from_an_access_on(kind: str) -> None:
    """The accesses before it go well."""
    storage = faulty_storage([read_fault("model:429@1"), read_fault(f"storage:{kind}@3")])
    requests: list[Json] = [{"opt": "set", "key": "a", "value": "0102"}, {"opt": "get", "key": "a"}]
    well = [next(storage.answer(request, 100)) for request in requests]
    ill: list[Json] = []
    for request in requests:
        try:
            ill.append(next(storage.answer(request, 100)))
        except AnswerError as error:
            ill.append({"error": error.text})

    assert well == [{"data": "ok"}, {"data": "0102"}]
    assert ill != well


def test_a_storage_without_faults_is_well() -> None:
    """Faults of others are none of its own."""
    storage = faulty_storage([read_fault("tool:error@1")])
    assert next(storage.answer({"opt": "set", "key": "a", "value": "01"}, 100)) == {"data": "ok"}
