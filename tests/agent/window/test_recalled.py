"""What earlier turns called gives way before anything else of the prompt does."""

from functools import partial

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import ModelRequest
from strategies.agent.prompt.conversation import (
    Conversation,
    DoneCall,
    RoundRecord,
    message,
)
from strategies.agent.prompt.formats import NativeFormat, PromptFormat, TextFormat
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.fit import WindowBudget
from strategies.protocols.base import ToolSpec
from strategies.protocols.registry import TEXT_PROTOCOLS

SEARCH = ToolSpec(name="search", description="Search.")
SPEAKING: list[PromptFormat] = [
    NativeFormat(),
    *(TextFormat(protocol=protocol) for protocol in TEXT_PROTOCOLS.values()),
]


def record(result: str) -> RoundRecord:
    """A round with one result."""
    call = ToolCall("c1", "search", {}, "{}")
    done = (DoneCall(call=call, result=result),)
    return RoundRecord(content="", visible="", done=done, in_text=False)


def talk(*, recalled: str, times: int = 1, answer: str = "Yes.", rounds: int = 0) -> Conversation:
    """A conversation with one earlier turn that called a tool, or called it many times."""
    return Conversation(
        instruction="",
        history=[message("user", "Before?"), message("assistant", answer)],
        question="Now?",
        recalled={0: tuple(record(f"{recalled}{time}") for time in range(times))},
        rounds=tuple(record("found " * 900) for _ in range(rounds)),
    )


def text(request: ModelRequest) -> str:
    """All that a request says."""
    return "\n".join(str(message["content"]) for message in request.messages)


def fitted(window: ContextWindow, conversation: Conversation, speaking: PromptFormat) -> str:
    """Bring a conversation into the window."""
    write = partial(speaking.request, tools=[SEARCH])
    return text(window.fitted(conversation, "open", write))


@pytest.mark.parametrize("speaking", SPEAKING)
def test_what_fits_stays_whole(speaking: PromptFormat) -> None:
    """Nothing is cut for its age alone."""
    window = ContextWindow("gpt-4o", WindowBudget(context_size=6_000))
    assert fitted(window, talk(recalled="lamp " * 300), speaking).count("lamp ") >= 299


@pytest.mark.parametrize("speaking", SPEAKING)
def test_long_results_of_earlier_turns_are_cut_first(speaking: PromptFormat) -> None:
    """The earlier turn itself stays, and so does what this run found."""
    window = ContextWindow("gpt-4o", WindowBudget(context_size=6_000))
    told = fitted(window, talk(recalled="lamp " * 4_000, rounds=1), speaking)

    assert 0 < told.count("lamp ") < 60
    assert "Before?" in told
    assert told.count("found ") >= 899


@pytest.mark.parametrize("speaking", SPEAKING)
def test_then_the_calls_of_earlier_turns_go(speaking: PromptFormat) -> None:
    """And with them nothing that was said."""
    window = ContextWindow("gpt-4o", WindowBudget(context_size=6_000))
    kept = talk(recalled="lamp " * 40, times=60, answer="yes " * 2_500)
    told = fitted(window, kept, speaking)

    assert "lamp " not in told
    assert told.count("yes ") == 2_500
    assert "Before?" in told


def test_what_gave_way_stays_away() -> None:
    """So that the next round's prompt begins with this one."""
    window = ContextWindow("gpt-4o", WindowBudget(context_size=6_000))
    speaking = NativeFormat()
    before = talk(recalled="lamp " * 4_000)
    first = fitted(window, before, speaking)
    second = fitted(window, before.with_round(record("found")), speaking)

    assert second.startswith(first)
