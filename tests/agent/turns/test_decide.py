"""Reading the answer to a question: a clear yes, the builder's word, and nothing else, agrees."""

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.turns.consent import decide

SEND = ToolCall("aaaaaaaaa", "send", {"to": "x"}, '{"to": "x"}')
PAY = ToolCall("bbbbbbbbb", "pay", {"sum": 5}, '{"sum": 5}')
BOTH = (SEND, PAY)


def approved(message: str, approval: object = None) -> list[str]:
    """The names of the calls that may run."""
    decided = decide(BOTH, message, approval)
    names = [call.name for call in decided.approved]
    assert sorted(names + [call.name for call in decided.rejected]) == ["pay", "send"]
    return names


@pytest.mark.parametrize("message", ["yes", "Yes, please!", "是的。", "はい", "Sim", "👍", "OK 👍"])
def test_a_clear_yes_approves_all_that_was_shown(message: str) -> None:
    """In any language."""
    assert approved(message) == ["send", "pay"]


@pytest.mark.parametrize(
    "message", ["no", "yes, but to bob", "yes?", "yes 👎", "", " ", "nao", "!"]
)
def test_anything_else_is_a_no(message: str) -> None:
    """A doubt, a condition, a question, silence."""
    assert approved(message) == []


@pytest.mark.parametrize(
    ("approval", "names"),
    [
        ("approve", ["send", "pay"]),
        (" Approve ", ["send", "pay"]),
        (True, ["send", "pay"]),
        ("reject", []),
        (False, []),
        ("yes", []),
        ({"aaaaaaaaa": "approve"}, ["send"]),
        ({"aaaaaaaaa": "reject", "bbbbbbbbb": "approve"}, ["pay"]),
        ('{"bbbbbbbbb": "approve"}', ["pay"]),
        ({"call_1": "approve"}, []),
        ('{"bbbbbbbbb": ', []),
        (["approve"], []),
        (1, []),
    ],
)
def test_the_builders_word_counts_before_the_message(approval: object, names: list[str]) -> None:
    """Whatever the reader's message says; what is not understood approves nothing."""
    assert approved("yes", approval) == names
    assert approved("hello", approval) == names


@pytest.mark.parametrize("approval", [None, "", "  ", {}])
def test_without_a_word_of_the_builder_the_message_decides(approval: object) -> None:
    """A parameter that is set to a variable may be blank in most turns."""
    assert approved("yes", approval) == ["send", "pay"]
    assert approved("no", approval) == []
