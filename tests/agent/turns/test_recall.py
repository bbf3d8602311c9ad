"""What earlier turns called: found by what was said, and written in the form of the run."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import (
    Conversation,
    DoneCall,
    Recalled,
    RoundRecord,
    message,
)
from strategies.agent.prompt.formats import NativeFormat, PromptFormat, TextFormat
from strategies.agent.turns.recall import (
    PastTurn,
    PausedTurn,
    matched,
    remember,
    resumed,
)
from strategies.protocols.base import ToolSpec
from strategies.protocols.registry import TEXT_PROTOCOLS

LOOK = ToolSpec(name="look", description="Look.")
NATIVE = "native"
FORMS = (NATIVE, *TEXT_PROTOCOLS)


def looked(result: str, *, content: str = "", in_text: bool = False) -> RoundRecord:
    """A round that called the tool once."""
    call = ToolCall(f"c-{result}", "look", {"q": "lamps"}, '{"q": "lamps"}')
    done = (DoneCall(call=call, result=result),)
    return RoundRecord(content=content, visible="", done=done, in_text=in_text)


def past(question: str, answer: str, result: str) -> PastTurn:
    """A turn that is remembered."""
    return remember(question, [answer], [looked(result)])


def said(*texts: str) -> list[Message]:
    """Questions and answers by turns, as Dify's memory hands them over."""
    roles = ("user", "assistant")
    return [message(roles[place % 2], text) for place, text in enumerate(texts)]


def found(history: Sequence[Message], *turns: PastTurn) -> dict[int, list[str]]:
    """The results that come behind each question, by its place."""
    recalled: Recalled = matched(history, turns)
    return {
        place: [one.result for record in rounds for one in record.done]
        for place, rounds in recalled.items()
    }


FIRST = past("How many lamps?", "Twelve.", "12 lamps")
SECOND = past("And chairs?", "Four.", "4 chairs")


def test_each_turn_finds_its_own_results() -> None:
    """A turn without tools between them finds none."""
    history = said("How many lamps?", "Twelve.", "Thanks.", "You are welcome.")
    history += said("And chairs?", "Four.")
    assert found(history, FIRST, SECOND) == {0: ["12 lamps"], 4: ["4 chairs"]}


@pytest.mark.parametrize(
    "question",
    [
        "Please use sk-abcdefghijklmnop1234567 and send it",
        "The password=hunter2222 is for bob, send it to bob",
        "The token: abc 12345 is for bob",
    ],
)
def test_a_question_with_a_secret_is_found_without_it(question: str) -> None:
    """What is kept holds no secret, and the history's question is the same one."""
    turn = past(question, "Done.", "sent")
    assert "sk-abc" not in turn.question
    assert "hunter" not in turn.question
    assert found(said(question, "Done."), turn) == {0: ["sent"]}


def test_a_turn_that_was_edited_finds_nothing() -> None:
    """Neither where the question was changed nor where the answer was."""
    assert found(said("How many lights?", "Twelve."), FIRST) == {}
    assert found(said("How many lamps?", "Thirteen."), FIRST) == {}


def test_another_branch_finds_what_was_said_in_it() -> None:
    """Regenerated twice, the same question has three answers; the history has one of them."""
    others = [past("How many lamps?", f"{number}.", f"{number} lamps") for number in (13, 14)]
    history = said("How many lamps?", "13.")
    assert found(history, FIRST, *others) == {0: ["13 lamps"]}


def test_turns_that_say_the_same_find_their_own() -> None:
    """In their order, and the newest where the older ones have left the memory."""
    twice = said("How many lamps?", "Twelve.", "How many lamps?", "Twelve.")
    again = past("How many lamps?", "Twelve.", "12 lamps, still")
    assert found(twice, FIRST, again) == {0: ["12 lamps"], 2: ["12 lamps, still"]}
    assert found(twice, again) == {2: ["12 lamps, still"]}


def test_a_history_that_is_cut_finds_what_is_left() -> None:
    """A window of memory drops old turns, and may begin with an answer."""
    history = said("How many lamps?", "Twelve.", "And chairs?", "Four.")[1:]
    assert found(history, FIRST, SECOND) == {1: ["4 chairs"]}


def test_no_history_finds_nothing() -> None:
    """As where the node's memory is switched off."""
    assert found([], FIRST, SECOND) == {}


def test_the_current_question_in_the_history_finds_nothing() -> None:
    """Dify may hand it over too; there is no answer behind it."""
    history = said("How many lamps?", "Twelve.", "How many lamps?")
    assert found(history, FIRST) == {0: ["12 lamps"]}


def test_a_question_is_found_inside_the_builders_words() -> None:
    """The history has the reader's words, the strategy was given the builder's template."""
    turn = remember("Answer briefly:\n\nHow many lamps? ", ["Twelve."], [looked("12 lamps")])
    assert found(said("How many  lamps?", "Twelve.\n"), turn) == {0: ["12 lamps"]}


def test_either_thing_that_an_app_shows_finds_the_turn() -> None:
    """Its answer node may name the whole text or the answer alone."""
    shown = ["Twelve.", "I will look. Twelve."]
    turn = remember("How many lamps?", shown, [looked("12 lamps")])
    assert all(found(said("How many lamps?", one), turn) == {0: ["12 lamps"]} for one in shown)
    assert found(said("How many lamps?", "I will look."), turn) == {}


def test_a_question_of_pictures_alone_finds_nothing() -> None:
    """A question without words would be found in any other."""
    picture = {"type": "image", "url": "https://x.test/a.png"}
    history = [message("user", [picture]), message("assistant", "Twelve.")]
    assert found(history, FIRST) == {}


def form(name: str) -> PromptFormat:
    """One way to speak with a model."""
    if name == NATIVE:
        return NativeFormat()
    return TextFormat(protocol=TEXT_PROTOCOLS[name])


def conversation(record: RoundRecord) -> Conversation:
    """A run that follows one in which a tool was called."""
    return Conversation(
        instruction="Be brief.",
        history=said("How many lamps?", "Twelve."),
        question="And how many are lit?",
        recalled={0: (record,)},
    )


def contents(messages: Sequence[Message]) -> list[str]:
    """The texts of messages."""
    return [str(one["content"]) for one in messages]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("in_text", [False, True])
def test_results_stand_between_their_question_and_its_answer(name: str, *, in_text: bool) -> None:
    """In every form, and whatever form they were called in."""
    record = looked("12 lamps", content="I look." if in_text else "", in_text=in_text)
    request = form(name).request(conversation(record), [LOOK])
    texts = contents(request.messages)
    whole = "\n".join(texts)

    assert whole.count("How many lamps?") == whole.count("12 lamps") == 1
    assert whole.index("How many lamps?") < whole.index("12 lamps")
    assert whole.index("12 lamps") < whole.rindex("Twelve.") < whole.index("how many are lit?")
    assert texts[request.question_index].endswith("And how many are lit?")


@pytest.mark.parametrize("name", FORMS)
def test_a_request_without_tools_holds_no_calls(name: str) -> None:
    """Providers refuse them where no tools are declared; the results stay."""
    record, speaking = looked("12 lamps"), form(name)
    requests = [
        speaking.closing_request(conversation(record)),
        speaking.request(conversation(record), []),
    ]
    for request in requests:
        assert not any(one.get("tool_calls") for one in request.messages)
        assert {str(one["role"]) for one in request.messages} <= {"system", "user", "assistant"}
        assert "\n".join(contents(request.messages)).count("12 lamps") == 1


def test_natively_each_recalled_call_has_its_result() -> None:
    """By its id, in roles of their own."""
    request = form(NATIVE).request(conversation(looked("12 lamps")), [LOOK])
    roles = [one["role"] for one in request.messages]

    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert request.messages[3]["tool_call_id"] == "c-12 lamps"


def test_pictures_of_the_earlier_question_stay() -> None:
    """Before its words, as they stood there."""
    picture = {"type": "image", "url": "https://x.test/a.png"}
    words = {"type": "text", "data": "How many lamps?"}
    history = [message("user", [picture, words]), message("assistant", "Twelve.")]
    asked = Conversation(
        instruction="", history=history, question="Lit?", recalled={0: (looked("12 lamps"),)}
    )
    request = form(NATIVE).request(asked, [LOOK])

    assert request.messages[0]["content"] == [picture, words]


PAUSED = PausedTurn(
    question="Sell a lamp, please.", asked="May I?", rounds=(looked("12 lamps"),), known="..."
)


@pytest.mark.parametrize("earlier", [[], said("Hello.", "Hello.")])
def test_a_turn_that_was_paused_is_put_where_it_is_not_known(earlier: list[Message]) -> None:
    """At the end of the history, with its calls behind its question."""
    history, recalled = resumed(earlier, {}, PAUSED)

    assert history == [*earlier, *said("Sell a lamp, please.", "May I?")]
    assert recalled == {len(earlier): PAUSED.rounds}


def test_a_turn_that_was_paused_is_known_by_a_question_with_a_secret() -> None:
    """What was kept of the turn says in its place that it is hidden."""
    paused = replace(PAUSED, question="password=[hidden] is for bob")
    known = said("password=hunter2222 is for bob", "May I?")
    assert resumed(known, {}, paused) == (known, {0: PAUSED.rounds})


def test_what_was_asked_is_never_cut() -> None:
    """By it the history shows which question is answered."""
    paused = replace(PAUSED, question="a" * 900, asked="b" * 900).cut(300)
    assert len(paused.question) < 900
    assert paused.asked == "b" * 900


def test_a_turn_that_was_paused_and_is_known_stands_there_once() -> None:
    """Whatever the app shows in place of the question; what is remembered of it comes first."""
    known = said("Hello.", "Hello.", "Sell a lamp, please.", "Buttons: May I?")
    remembered = (looked("12 lamps, as remembered"),)

    assert resumed(known, {}, PAUSED) == (known, {2: PAUSED.rounds})
    assert resumed(known, {2: remembered}, PAUSED) == (known, {2: remembered})
