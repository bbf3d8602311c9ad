"""A run's requests kept inside the window, from round to round."""

from functools import partial

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import ModelDelta, ModelError, ModelRequest, ToolOutcome
from strategies.agent.prompt.conversation import Conversation, DoneCall, RoundRecord
from strategies.agent.prompt.formats import NativeFormat
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.fit import WindowBudget
from strategies.protocols.base import CallDelta, ToolSpec
from tests.agent.fakes import NATIVE, RecordingToolbox, ScriptedModel, play, says

SEARCH = ToolSpec(name="search", description="Search.")
SMALL = WindowBudget(context_size=6_000)


def said(request: ModelRequest) -> list[tuple[object, str]]:
    """Role and beginning of each message."""
    return [(message["role"], str(message["content"])[:12]) for message in request.messages]


def test_the_question_stays_when_the_messages_before_it_change() -> None:
    """`tool_choice` is said in a system message of the first round alone: all places move."""
    history = [
        {"role": "user", "content": "Before?", "name": None},
        {"role": "assistant", "content": "words " * 9_000, "name": None},
    ]
    conversation = Conversation(instruction="", history=history, question="Now?")
    call = ToolCall("1", "search", {}, "{}")
    after = conversation.with_round(
        RoundRecord(content="", visible="", done=(DoneCall(call=call, result="found"),))
    )
    write = partial(NativeFormat(must_call=MustCall()).request, tools=[SEARCH])
    fitting = ContextWindow("gpt-4o", SMALL)
    first = said(fitting.fitted(conversation, "open", write))
    second = said(fitting.fitted(after, "open", write))

    assert first[-1] == ("user", "Now?")
    assert second == [("user", "Now?"), ("assistant", ""), ("tool", "found")]


def test_another_dialect_s_messages_are_judged_anew() -> None:
    """Natively each result is a message, in text a round is: what was folded has moved."""
    found = ToolOutcome(text="word " * 800)
    toolbox = RecordingToolbox(one=lambda _: found, other=lambda _: found)

    def both(number: int) -> list[ModelDelta | float | Exception]:
        deltas = [
            CallDelta(id=f"{name}{number}", name=name, arguments=f'{{"q": "{number}"}}')
            for name in ("one", "other")
        ]
        return [ModelDelta(calls=tuple(deltas), finish_reason="tool_calls")]

    first = ScriptedModel(*map(both, range(4)), [ModelError("[openai] Incorrect API key, 401")])
    stumbles = ModelError("Bad Request Error, Missing required parameter: 'messages[3].role'")
    second = ScriptedModel([stumbles], says("Done."), name="second")
    play(first, toolbox, tongue=NATIVE, fallback=second, fallback_budget=SMALL)
    natively, in_text = second.requests

    assert len(str(natively.messages[-1]["content"])) > 2_000
    assert len(str(in_text.messages[-1]["content"])) > 2_000
