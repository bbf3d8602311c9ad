"""Fitting conversations into a window."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.agent.interface.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.fit import DEFAULT_CONTEXT, WindowBudget
from strategies.protocols.base import ToolSpec

SYSTEM: Message = {"role": "system", "content": "Answer briefly.", "name": None}
QUESTION: Message = {"role": "user", "content": "Which shop sold the most lamps?", "name": None}
PICTURE = {"type": "image", "format": "png", "base64_data": "A" * 99, "filename": "map.png"}


def said(role: str, content: object) -> Message:
    """Write a message."""
    return {"role": role, "content": content, "name": None}


def a_round(number: int, *results: str, arguments: str = "{}") -> list[Message]:
    """Write a native round: an assistant message with calls, and a result for each."""
    ids = [f"call-{number}-{index}" for index in range(len(results))]
    calls = [
        {"id": call, "type": "function", "function": {"name": "read", "arguments": arguments}}
        for call in ids
    ]
    return [
        {"role": "assistant", "content": f"Step {number}.", "name": None, "tool_calls": calls},
        *(
            {"role": "tool", "content": result, "name": "read", "tool_call_id": call}
            for call, result in zip(ids, results, strict=True)
        ),
    ]


def a_turn(number: int, size: int = 50) -> list[Message]:
    """Write a turn of the history."""
    return [said("user", f"Question {number}? " + "why " * size), said("assistant", "So. " * size)]


def lines(words: int, word: str = "lamp") -> str:
    """Write a long result of about so many tokens."""
    return " ".join(f"{word}" for _ in range(words))


@dataclass(frozen=True)
class Fitted:
    """A request as it is sent, its estimate in tokens, and the window that made it."""

    request: ModelRequest
    tokens: int
    window: ContextWindow

    @property
    def messages(self) -> Sequence[Message]:
        """What is sent."""
        return self.request.messages


def fitted(
    messages: Sequence[Message],
    *,
    context: int | None = 8_000,
    max_tokens: int | None = 1_000,
    question: int | None = None,
    before: Fitted | None = None,
    tools: Sequence[ToolSpec] = (),
) -> Fitted:
    """Fit a conversation, whose question is QUESTION unless said otherwise."""
    place = messages.index(QUESTION) if question is None else question
    budget = WindowBudget(context_size=context, max_tokens=max_tokens)
    window = before.window if before else ContextWindow("gpt-4o", budget)
    request = ModelRequest(messages=messages, question_index=place, tools=tools)
    nothing = Conversation(instruction="", history=[], question="")
    sent = window.fitted(nothing, "open", lambda _: request)
    return Fitted(sent, window.tokens, window)


def room(context: int, max_tokens: int) -> int:
    """Say how many tokens a prompt may have."""
    return int(context * 0.97) - min(max_tokens, context // 2)


def contents(result: Fitted) -> list[object]:
    """List what the messages say."""
    return [message["content"] for message in result.messages]


def test_what_fits_is_sent_as_it_is() -> None:
    """No decision, no note, and max_tokens as configured."""
    messages = [SYSTEM, *a_turn(1), QUESTION, *a_round(1, "12 lamps")]
    result = fitted(messages)

    assert list(result.messages) == messages
    assert result.request.left_out == ()
    assert result.request.max_tokens is None


def test_a_result_over_its_share_is_cut_to_head_and_tail() -> None:
    """The model reads how much was left out; name and id stay (W11)."""
    text = "HEAD " + lines(20_000) + " TAIL"
    result = fitted([SYSTEM, QUESTION, *a_round(1, text)])
    cut = result.messages[-1]

    assert str(cut["content"]).startswith("HEAD ")
    assert str(cut["content"]).endswith(" TAIL")
    assert "characters left out" in str(cut["content"])
    assert cut["tool_call_id"] == "call-1-0"
    assert cut["name"] == "read"
    assert result.request.left_out == ("cut 1 tool result(s) to head and tail",)
    assert result.tokens <= room(8_000, 1_000) * 0.3


def test_parallel_results_share_what_a_round_may_have() -> None:
    """Eight large results at once still fit, and every one is there."""
    result = fitted([SYSTEM, QUESTION, *a_round(1, *[lines(9_000)] * 8)])

    assert len(result.messages) == 11
    assert result.tokens <= room(8_000, 1_000)
    assert all("lamp" in str(content) for content in contents(result)[3:])


def test_older_results_are_folded_first() -> None:
    """Instruction, history, question and the newest result stay whole."""
    rounds = [a_round(n, f"file {n} " + lines(1_500)) for n in range(1, 6)]
    messages = [SYSTEM, *a_turn(1), QUESTION, *(m for each in rounds for m in each)]
    result = fitted(messages)

    assert result.messages[:4] == messages[:4]
    assert result.messages[-1] == messages[-1]
    assert str(contents(result)[5]).startswith(
        "[earlier result of read, 7,506 characters, left out. It began: file 1 lamp lamp "
    )
    assert result.tokens <= room(8_000, 1_000)


def test_folding_leaves_room_for_the_rounds_to_come() -> None:
    """A prompt that was sent stays the prefix of the next ones, for the provider's cache."""
    messages: list[Message] = [SYSTEM, QUESTION]
    rewritten = 0
    sent: list[Message] = []
    result = fitted(messages)
    for number in range(1, 31):
        messages += a_round(number, f"file {number} " + lines(400))
        result = fitted(messages, before=result)
        rewritten += list(result.messages[: len(sent)]) != sent
        sent = list(result.messages)

    assert result.tokens <= room(8_000, 1_000)
    assert rewritten <= 8


def test_old_pictures_become_words_before_turns_go() -> None:
    """W11: a picture in a question was an AttributeError; here it is named."""
    shown = said("user", [PICTURE, {"type": "text", "data": "What is this?"}])
    asked = said("user", [PICTURE, {"type": "text", "data": "And this?"}])
    messages = [shown, said("assistant", "A map."), asked]
    result = fitted(messages, context=2_300, max_tokens=500, question=2)

    assert contents(result) == [
        "[image: map.png]\nWhat is this?",
        "A map.",
        asked["content"],
    ]
    assert result.request.left_out == ("named the files of 1 older message(s)",)


def test_old_turns_go_whole_and_oldest_first() -> None:
    """What is left of the history begins with a user's message."""
    turns = [message for number in range(40) for message in a_turn(number)]
    result = fitted([SYSTEM, *turns, QUESTION, *a_round(1, "12")], context=3_000)
    history = result.messages[1:-3]

    assert result.messages[0] == SYSTEM
    assert result.messages[-3] == QUESTION
    assert history
    assert list(history) == turns[-len(history) :]
    assert history[0]["role"] == "user"


def test_a_long_message_followed_by_another_is_no_error() -> None:
    """W11: two user messages in a row were an AssertionError."""
    result = fitted([SYSTEM, said("user", lines(9_000)), QUESTION], context=4_000)

    assert list(result.messages) == [SYSTEM, QUESTION]


def test_huge_arguments_never_cost_the_question() -> None:
    """W11: the question became 'omit' and the call was lost; here old arguments are cut."""
    arguments = json.dumps({"path": "shop.txt", "text": lines(30_000)})
    messages = [QUESTION, *a_round(1, "written", arguments=arguments), *a_round(2, "12 lamps")]
    result = fitted(messages)
    calls = cast("list[dict[str, Any]]", result.messages[1]["tool_calls"])
    left = json.loads(calls[0]["function"]["arguments"])

    assert result.messages[0] == QUESTION
    assert left["path"] == "shop.txt"
    assert len(left["text"]) <= 400
    assert result.tokens <= room(8_000, 1_000)


def test_many_rounds_fit_into_a_small_window() -> None:
    """When folding is not enough, the oldest rounds go with their calls and results."""
    messages: list[Message] = [SYSTEM, QUESTION]
    for number in range(300):
        messages += a_round(number, f"number {number} " + lines(60))
    result = fitted(messages, context=4_000)

    assert result.messages[:2] == [SYSTEM, QUESTION]
    assert result.messages[-1] == messages[-1]
    assert result.tokens <= room(4_000, 1_000)


def test_results_in_messages_of_the_user_are_fitted_too() -> None:
    """Text protocols have no tool role: what follows the question is the run all the same."""
    messages: list[Message] = [SYSTEM, QUESTION]
    for number in range(6):
        messages += [said("assistant", f"call {number}"), said("user", f"<r>{lines(1_500)}</r>")]
    result = fitted(messages)

    assert len(result.messages) == len(messages)
    assert contents(result)[1] == QUESTION["content"]
    assert contents(result)[-1] == messages[-1]["content"]
    assert str(contents(result)[3]).startswith("<r>")
    assert str(contents(result)[3]).endswith("</r>")
    assert result.tokens <= room(8_000, 1_000)


def test_max_tokens_is_lowered_only_when_it_must_be_and_restored() -> None:
    """L13: the SDK lowers max_tokens to 16 and never restores it."""
    small = fitted([SYSTEM, QUESTION], context=4_000, max_tokens=3_900)
    large = fitted([SYSTEM, said("user", lines(3_500)), QUESTION], context=4_000, max_tokens=3_900)
    again = fitted([SYSTEM, QUESTION], context=40_000, max_tokens=3_900)

    assert small.request.max_tokens == int(4_000 * 0.97) - small.tokens
    assert large.request.max_tokens is not None
    assert large.request.max_tokens > 1_900
    assert again.request.max_tokens is None


def test_an_answer_always_has_room() -> None:
    """A question that fills the window leaves 512 tokens, or what is configured if that is less."""
    question = said("user", lines(5_000))

    assert fitted([question], context=4_000, question=0).request.max_tokens == 512
    assert fitted([question], context=4_000, max_tokens=100, question=0).request.max_tokens is None
    assert fitted([question], context=4_000, max_tokens=None, question=0).request.max_tokens is None


@pytest.mark.parametrize("context", [None, 0, -1])
def test_an_unknown_window_has_a_safe_size(context: int | None) -> None:
    """A model without an entity is taken for one of 32,000 tokens."""
    messages = [QUESTION, *(m for n in range(20) for m in a_round(n, lines(5_000)))]
    result = fitted(messages, context=context, max_tokens=None)

    assert DEFAULT_CONTEXT / 3 < result.tokens < DEFAULT_CONTEXT * 0.75


def test_a_refused_prompt_becomes_smaller() -> None:
    """When the provider says that a fitted prompt is too long, the next one is shorter."""
    budget = WindowBudget(context_size=None, max_tokens=1_000)

    assert budget.smaller(DEFAULT_CONTEXT).window == DEFAULT_CONTEXT * 0.6
    known = replace(budget, context_size=10_000)
    assert known.smaller(10_000).smaller(6_000).window == 3_600
    assert known.smaller(2_000).window == (2_000 + 1_000) * 0.6
    assert known.smaller(9_000, stated=4_096).window == 4_096
    assert known.smaller(10_000, stated=16_384).window == 6_000


def test_the_newest_results_are_cut_further_when_all_else_is_fixed() -> None:
    """A large instruction leaves less than a result's share; what cannot be cut stays."""
    system = said("system", lines(5_000))
    shown = said("user", [PICTURE])
    messages = [system, QUESTION, *a_round(1, lines(1_500), lines(900)), shown]
    result = fitted(messages)

    assert [message["role"] for message in result.messages] == [m["role"] for m in messages]
    assert result.messages[0] == system
    assert result.messages[-1] == shown
    assert all("characters left out" in str(content) for content in contents(result)[3:5])
    assert fitted(messages[:-1]).tokens <= room(8_000, 1_000)


def test_declared_tools_count() -> None:
    """Forty thousand tokens of schemas leave less for the rest."""
    tool = ToolSpec(name="read", description=lines(4_500), parameters={})
    rounds = [message for n in range(4) for message in a_round(n, lines(700))]

    assert fitted([QUESTION, *rounds]).request.left_out == ()
    assert fitted([QUESTION, *rounds], tools=[tool]).request.left_out == (
        "folded 3 older tool result(s)",
    )


def test_a_window_too_small_for_anything_is_no_error() -> None:
    """What must not be lost is sent, and the provider has the last word."""
    result = fitted([SYSTEM, QUESTION, *a_round(1, lines(2_000))], context=10)

    assert [message["role"] for message in result.messages] == [
        "system", "user", "assistant", "tool",
    ]  # fmt: skip


@pytest.mark.timed
def test_a_long_run_is_fitted_in_a_moment() -> None:
    """No work of ours may hold the process for long; a round pays for what is new."""
    messages: list[Message] = [SYSTEM, QUESTION]
    for number in range(200):
        messages += a_round(number, f"{number} " + lines(900))
    first = fitted(messages, context=128_000, max_tokens=4_000)
    messages += a_round(201, lines(900))
    start = time.process_time()
    fitted(messages, before=first)

    assert time.process_time() - start < 0.5


TEXTS = st.builds(lines, st.integers(0, 3_000), st.sampled_from(["lamp", "灯", "1", "👩‍👧", "\n"]))
ROUNDS = st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=6)


def conversation(turns: int, rounds: list[list[str]]) -> list[Message]:
    """Write a whole conversation."""
    return [
        SYSTEM,
        *(message for number in range(turns) for message in a_turn(number)),
        QUESTION,
        *(message for n, results in enumerate(rounds) for message in a_round(n, *results)),
    ]


def ids(messages: Sequence[Message]) -> tuple[list[object], list[object]]:
    """List the ids of calls and of results."""
    calls = [
        call["id"]
        for message in messages
        for call in cast("list[dict[str, Any]]", message.get("tool_calls") or [])
    ]
    return calls, [m["tool_call_id"] for m in messages if m["role"] == "tool"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), ROUNDS, st.integers(2_500, 9_000))
def test_nothing_is_lost_that_must_stay(turns: int, rounds: list[list[str]], context: int) -> None:
    """System, question and newest round stay, pairs stay pairs, and the prompt fits."""
    messages = conversation(turns, rounds)
    result = fitted(messages, context=context)
    calls, results = ids(result.messages)
    newest = (
        [m["tool_call_id"] for m in messages if m["role"] == "tool"][-len(rounds[-1]) :]
        if rounds
        else []
    )

    assert result.messages[0] == SYSTEM
    assert QUESTION in result.messages
    assert calls == results
    assert results[len(results) - len(newest) :] == newest
    assert result.tokens <= room(context, 1_000)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), ROUNDS, st.integers(2_500, 9_000))
def test_reductions_are_final(turns: int, rounds: list[list[str]], context: int) -> None:
    """Fitting the same again changes nothing and has nothing to note."""
    messages = conversation(turns, rounds)
    once = fitted(messages, context=context)
    twice = fitted(messages, context=context, before=once)

    assert twice.request == replace(once.request, left_out=())


@settings(max_examples=40, deadline=None)
@given(ROUNDS, st.integers(2_500, 9_000), st.data())
def test_a_draft_that_grew_weighs_what_it_would_weigh_anew(
    rounds: list[list[str]], context: int, data: st.DataObject
) -> None:
    """What is taken over from the round before is right, also when a message has changed."""
    grown = fitted([SYSTEM, QUESTION], context=context)
    for count in range(1, len(rounds) + 1):
        messages = conversation(0, rounds[:count])
        changed = data.draw(st.integers(2, len(messages) - 1))
        messages[changed] = {**messages[changed], "content": data.draw(TEXTS)}
        grown = fitted(messages, context=context, before=grown)
        sent = [message for message in grown.messages if message]
        alone = fitted(sent, context=10**9)

        assert grown.tokens == alone.tokens


def test_a_message_that_stays_equal_stays_the_same_object() -> None:
    """So what else is made of it, as its JSON, can be kept."""
    first = fitted([SYSTEM, QUESTION, *a_round(1, lines(20_000))])
    again = fitted([dict(SYSTEM), dict(QUESTION), *a_round(1, lines(20_000))], before=first)

    assert all(one is other for one, other in zip(first.messages, again.messages, strict=True))


def test_results_are_judged_anew_in_a_smaller_window() -> None:
    """After the provider refused a prompt, each result has a smaller share."""
    messages = [SYSTEM, QUESTION, *a_round(1, lines(1_500)), *a_round(2, "12")]
    whole = fitted(messages, context=16_000)
    whole.window.narrow(4_000)
    cut = fitted(messages, before=whole)

    assert contents(whole)[3] == lines(1_500)
    assert "characters left out" in str(contents(cut)[3])
