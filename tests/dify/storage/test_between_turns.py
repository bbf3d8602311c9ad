"""A question to the reader, from the run that asks it to the one that is answered."""

import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.dify.storage.between_turns import BetweenTurns, TurnOwner, TurnPolicy, TurnStorage
from tests.dify.storage.fakes import FakeStorage

TURN = TurnOwner(app="app", conversation="talk", user="user", tools=("send",))


def call(to: str) -> ToolCall:
    """A call that needs approval."""
    return ToolCall("1", "send", {"to": to}, "{}")


def run(storage: FakeStorage, query: str, last_answer: str = "", **policy: Any) -> BetweenTurns:
    """Begin one run of the conversation."""
    wanted = TurnPolicy(asks_before=frozenset({"send"}), **policy)
    kept = TurnStorage(storage, TURN, wanted)
    return BetweenTurns(kept, kept.read(query, last_answer), query, lambda _: ())


def approved(between: BetweenTurns) -> list[object]:
    """To whom the run may send."""
    return [one.arguments["to"] for one in between.before.decided.approved]


def looked(result: str) -> Sequence[RoundRecord]:
    """A round that called another tool."""
    done = DoneCall(call=ToolCall("2", "look", {}, "{}"), result=result)
    return [RoundRecord(content="", visible="", done=(done,), in_text=False)]


@pytest.mark.parametrize("shown", ["A joke?\n\n<!--", '<button data-message="yes">A joke</button>'])
def test_nobody_is_asked_behind_words_that_could_hide_the_question(shown: str) -> None:
    """Nor does a yes to these words run anything."""
    storage = FakeStorage()
    between = run(storage, "A joke")
    between.show(shown[:4])
    between.show(shown[4:])
    assert between.ask([call("bob")], []) == ""
    assert between.pending == ()
    assert approved(run(storage, "yes")) == []


def test_a_second_question_is_of_the_language_of_the_first() -> None:
    """A yes is a short word that many languages share."""
    storage = FakeStorage()
    first = run(storage, "Envie uma mensagem para Bob e Eve").ask([call("bob")], [])
    second = run(storage, "ok", first).ask([call("eve")], [])
    assert "**sim**" in first
    assert "**sim**" in second


@pytest.mark.parametrize("result", ["12 lamps", secrets.token_hex(20_000)], ids=["short", "long"])
def test_a_yes_answers_the_question_that_stands_before_it(result: str) -> None:
    """In another branch of the conversation another question was asked."""
    storage = FakeStorage()
    in_a = run(storage, "Write to bob").ask([call("bob")], [])
    to_eve = call("eve" * 500)
    in_b = run(storage, "Write to eve").ask([to_eve], looked(result))
    for elsewhere in (in_a, "Hello."):
        between = run(storage, "yes", elsewhere)
        assert approved(between) == []
        assert between.before.decided.rejected == ()
    shown = f"I will write.\n\n{in_b.replace('\n\n', '\n')}\n\n<button>yes</button>"
    assert approved(run(storage, "yes", shown)) == [to_eve.arguments["to"]]


def test_a_yes_is_taken_where_the_app_keeps_no_memory() -> None:
    """Then nothing tells which question was the last."""
    storage = FakeStorage()
    run(storage, "Write to bob").ask([call("bob")], [])
    assert approved(run(storage, "yes")) == ["bob"]


def test_an_answer_by_the_variable_is_taken_whatever_was_shown() -> None:
    """The app has put the question in words of its own."""
    storage = FakeStorage()
    run(storage, "Write to bob").ask([call("bob")], [])
    assert approved(run(storage, "I agree", "Shall Bob get it?", approval="approve")) == ["bob"]
