"""A run with a plan, from the question to the answer."""

import time
from collections.abc import Mapping, Sequence

import pytest

from strategies.agent.config import Limits, Policy
from strategies.agent.interface.events import (
    AnswerText,
    CallStarted,
    ClosingFinished,
    ClosingStarted,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    Noticed,
    PlanFinished,
    PlanStarted,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    StepFinished,
    StepHeld,
    StepStarted,
    ToolCall,
    Within,
)
from strategies.agent.interface.ports import (
    ModelDelta,
    ModelError,
    ToolOutcome,
)
from strategies.agent.interface.usage import Usage
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.wording import ENGLISH
from strategies.agent.schema.answer import read_shape
from tests.agent.fakes import (
    NATIVE,
    TONGUES,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    Wanted,
    of_type,
    says,
    shown,
    slow,
)
from tests.agent.planning.fakes import CLOSES, PLANS, ListeningModel, plan, planned
from tests.agent.test_sweep import FAULTS

TWO_CITIES = plan(("Weather of Rome.", ["look"], []), ("Weather of Oslo.", ["look"], []))


def call(city: str, tongue: Tongue = NATIVE) -> list[Step]:
    """A reply that looks at a city."""
    return tongue.reply("", [Wanted("look", {"q": city})])


def cities(tongue: Tongue = NATIVE, written: str = TWO_CITIES) -> ListeningModel:
    """A model that plans two steps, carries them out and answers."""
    return ListeningModel(
        (PLANS, says(written)),
        (CLOSES, says("Rome is warmer.")),
        ("look said Rome", says("Rome has 20.")),
        ("look said Oslo", says("Oslo has 5.")),
        ("Weather of Rome.", call("Rome", tongue)),
        ("Weather of Oslo.", call("Oslo", tongue)),
    )


def look(seconds: float = 0.0) -> RecordingToolbox:
    """A tool that says what it was asked."""

    def work(arguments: Mapping[str, object]) -> ToolOutcome:
        time.sleep(seconds)
        return ToolOutcome(text=f"look said {arguments['q']}")

    return RecordingToolbox(look=work, other="other ran")


def inner[E](events: Sequence[Event], *kinds: type[E]) -> list[E]:
    """The events of some kinds, those inside of parts included."""
    flat = [event.event if isinstance(event, Within) else event for event in events]
    return [event for event in flat if isinstance(event, kinds)]


def assert_whole(events: Sequence[Event]) -> None:
    """What holds of every planned run: everything that begins ends, and the totals are right."""
    (ending,) = of_type(events, RunFinished) + of_type(events, RunFailed)
    model_calls = sum((one.usage for one in inner(events, ModelCallFinished)), Usage())
    pairs: list[tuple[type[object], Sequence[type[object]]]] = [
        (PlanStarted, [PlanFinished]),
        (StepStarted, [StepFinished, StepHeld]),
        (ClosingStarted, [ClosingFinished]),
        (RoundStarted, [RoundFinished]),
        (ModelCallStarted, [ModelCallFinished]),
    ]

    assert ending is events[-1]
    assert (ending.usage.total_tokens, ending.usage.total_price) == (
        model_calls.total_tokens,
        model_calls.total_price,
    )
    for begins, ends in pairs:
        assert len(inner(events, begins)) == len(inner(events, *ends))
    if isinstance(ending, RunFinished):
        assert ending.answer.strip()


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_plan_is_carried_out(tongue: Tongue) -> None:
    """Under every protocol: a plan, its steps with their tools, one answer."""
    model, tools = cities(tongue), look()
    events = list(planned(model, tools, tongue=tongue).events())

    assert_whole(events)
    assert model.left == []
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Rome is warmer."
    assert {one.result for one in of_type(events, StepFinished)} == {"Rome has 20.", "Oslo has 5."}
    assert sorted(str(arguments["q"]) for _, arguments in tools.calls) == ["Oslo", "Rome"]


def test_steps_that_do_not_wait_run_side_by_side() -> None:
    """Both tools are at work at once."""
    tools = look(0.2)
    list(planned(cities(), tools).events())

    assert tools.most_at_once == 2


def test_a_step_reads_what_it_needs_and_nothing_else() -> None:
    """Its task, the results it builds on and its tools; not the question, nor other steps."""
    written = plan(("Find A.", ["look"], []), ("Find B.", ["look"], []), ("Use A.", ["other"], [1]))
    model = ListeningModel(
        (PLANS, says(written)),
        (CLOSES, says("Done.")),
        ("Use A.", says("A was used.")),
        ("Find A.", says("A is 1.")),
        ("Find B.", says("B is 2.")),
    )
    list(planned(model, look()).events())
    # Steps run side by side, so requests come in any order.
    (last,) = [one for one in model.requests if [tool.name for tool in one.tools] == ["other"]]
    told = "\n".join(str(message["content"]) for message in last.messages)

    assert "A is 1." in told
    assert "B is 2." not in told
    assert "Compare the two cities." not in told


@pytest.mark.parametrize("shows", [True, False])
def test_the_reader_sees_a_checklist_and_the_answer(shows: bool) -> None:  # noqa: FBT001
    """It ticks off as the steps are done, and can be switched off; the answer is apart."""
    events = list(planned(cities(), look(), shows_plan=shows).events())
    text, answer = shown(events), "".join(one.text for one in of_type(events, AnswerText))

    assert answer == "Rome is warmer."
    assert text.startswith("- ☐ 1. Weather of Rome.\n- ☐ 2. Weather of Oslo.\n") is shows
    assert text.count("☑") == (2 if shows else 0)
    assert text.endswith("Rome is warmer.")


def test_a_question_that_needs_no_plan_is_answered_in_one_call() -> None:
    """And the answer is streamed."""
    pieces = (
        piece
        for step in says('{"steps": [], "answer": "It is four, as always."}')
        for piece in (step, 0.01)
    )
    model = ScriptedModel(list(pieces))
    events = list(planned(model, look()).events())

    assert_whole(events)
    model.assert_complete()
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == shown(events) == "It is four, as always."
    assert len(of_type(events, AnswerText)) > 2


def test_without_tools_there_is_nothing_to_plan() -> None:
    """The model is asked the question alone."""
    model = ScriptedModel(says("Hello."))
    events = list(planned(model, RecordingToolbox()).events())

    model.assert_complete()
    assert of_type(events, PlanStarted) == []
    assert shown(events) == "Hello."


def test_a_plan_of_one_step_is_answered_as_function_calling_does() -> None:
    """No second model call only to say the same again."""
    model = ScriptedModel(
        says(plan(("Weather of Rome.", ["look"], []))), call("Rome"), says("It has 20.")
    )
    events = list(planned(model, look()).events())

    assert_whole(events)
    model.assert_complete()
    assert of_type(events, StepStarted) == []
    assert shown(events) == "It has 20."


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize("reply", ["First I look at Rome, then at Oslo.", '{"steps": [{"id": 1'])
def test_a_plan_that_cannot_be_read_falls_back(tongue: Tongue, reply: str) -> None:
    """To function calling, and a log says so."""
    model = ScriptedModel(says(reply), call("Rome", tongue), says("It has 20."))
    events = list(planned(model, look(), tongue=tongue).events())

    assert_whole(events)
    model.assert_complete()
    assert [one.label for one in of_type(events, Noticed)] == [
        "✗ PLAN unreadable, function calling"
    ]
    assert shown(events) == "It has 20."


def test_a_model_that_calls_a_tool_instead_of_planning_falls_back() -> None:
    """The refusal of the call is no answer."""
    model = ScriptedModel(call("Rome"), call("Rome"), says("It has 20."))
    events = list(planned(model, look()).events())

    assert_whole(events)
    assert shown(events) == "It has 20."


@pytest.mark.parametrize("went_wrong", ["UNEXPECTED: Rome is not there.", "fails"])
def test_a_plan_is_revised(went_wrong: str) -> None:
    """After a surprise or a failure, with what is known; what had not begun is dropped."""
    bad: list[Step] = [ModelError("401 bad key")] if went_wrong == "fails" else says(went_wrong)
    written = plan(("Find Rome.", [], []), ("Use Rome.", [], [1]))
    model = ListeningModel(
        ("Not all went as planned", says(plan(("Find Milan.", [], [])))),
        (PLANS, says(written)),
        (CLOSES, says("Milan it is.")),
        ("Find Rome.", bad),
        ("Find Milan.", says("Milan has 18.")),
    )
    events = list(planned(model, look()).events())
    steps = of_type(events, StepFinished)

    assert_whole(events)
    assert model.left == []
    assert [one.number for one in of_type(events, PlanStarted)] == [0, 1]
    assert [(one.step.id, bool(one.error)) for one in steps] == [(1, True), (3, False)]
    assert "☒ 1. Find Rome." in shown(events)
    assert shown(events).endswith("Milan it is.")


def test_revisions_are_bounded() -> None:
    """A plan that fails again and again comes to its answer."""
    again = says(plan(("Try again.", [], []), ("Go on.", [], [1])))
    model = ListeningModel(
        *[("Not all went as planned", again) for _ in range(2)],
        (PLANS, again),
        (CLOSES, says("It cannot be done.")),
        *[("Try again.", says("UNEXPECTED: no.")) for _ in range(3)],
        ("Go on.", says("UNEXPECTED: no.")),
    )
    events = list(planned(model, look()).events())

    assert_whole(events)
    assert len(of_type(events, PlanStarted)) == 3
    assert shown(events).endswith("It cannot be done.")


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 5, 6, 10])
def test_the_limit_of_rounds_holds_over_the_whole(rounds: int) -> None:
    """Plan, steps and answer together ask the model no more often."""
    model = ListeningModel(
        (PLANS, says(TWO_CITIES)),
        (CLOSES, says("Rome is warmer.")),
        ("look said Rome", says("Rome has 20.")),
        ("look said Oslo", says("Oslo has 5.")),
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
        ("Compare the two", call("Rome")),
        ("Compare the two", says("Rome has 20.")),
    )
    events = list(planned(model, look(), limits=Limits(rounds=rounds)).events())

    assert_whole(events)
    assert len(model.requests) <= rounds
    assert isinstance(events[-1], RunFinished)


def test_the_time_limit_holds_over_the_whole() -> None:
    """A hanging tool is given up in time for the answer."""
    model = ListeningModel(
        (PLANS, says(TWO_CITIES)),
        (CLOSES, says("I do not know.")),
        *[("stopped, because", says("It hung.")) for _ in range(2)],
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
    )
    tools = RecordingToolbox(look=slow(12.0))
    started = time.monotonic()
    events = list(planned(model, tools, limits=Limits(rounds=10, seconds=2.0)).events())

    assert time.monotonic() - started < 10
    assert isinstance(events[-1], RunFinished)


def test_a_direct_result_ends_the_run() -> None:
    """Its tool's result is the answer; no other step begins."""
    written = plan(("Weather of Rome.", ["look"], []), ("More.", [], [1]))
    model = ListeningModel((PLANS, says(written)), ("Weather of Rome.", call("Rome")))
    policy = Policy(direct_tools=frozenset({"look"}))
    events = list(planned(model, look(), policy=policy).events())

    assert_whole(events)
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].answer, events[-1].stop_reason) == ("look said Rome", "direct_result")
    assert shown(events).endswith("look said Rome")


class Asks:
    """Has the reader asked before every call; an `Approvals`."""

    def __init__(self, *, can_ask: bool = True, keeps: bool = True) -> None:
        self.can_ask = can_ask
        self._keeps = keeps
        self.asked: list[Sequence[ToolCall]] = []
        self.rounds: Sequence[RoundRecord] = ()
        self.known = ""

    def asks(self, name: str) -> bool:
        """Whether it is the tool."""
        return name == "look"

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Ask, where that is possible."""
        self.asked.append(tuple(calls))
        self.rounds, self.known = rounds, known
        return "May they run?" if self._keeps and self.can_ask else ""


def test_the_reader_is_asked_once_for_the_calls_of_all_steps() -> None:
    """And an ordinary run goes on from the calls once they are approved."""
    model = ListeningModel(
        (PLANS, says(TWO_CITIES)),
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
    )
    tools, asks = look(), Asks()
    events = list(planned(model, tools, approvals=asks).events())

    assert_whole(events)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "approval_needed"
    assert shown(events).endswith("May they run?")
    assert "".join(one.text for one in of_type(events, AnswerText)) == "May they run?"
    assert [len(calls) for calls in asks.asked] == [2]
    assert tools.calls == []

    again = ScriptedModel(says("Both have run."))
    run = planned(again, tools, approvals=asks, approved=asks.asked[0])
    events = list(run.events())

    assert len(tools.calls) == len(of_type(events, CallStarted)) == 2
    assert len(run.rounds_with_calls) == 1


def test_what_was_found_out_before_the_question_is_kept_with_it() -> None:
    """Every result of a step, and every call, for the run that goes on; a held step has none."""
    written = plan(
        ("Find A.", ["other"], []),
        ("Weather of Rome.", ["look"], [1]),
        ("Weather of Oslo.", ["look"], [1]),
        ("Compare.", [], [2, 3]),
    )
    model = ListeningModel(
        (PLANS, says(written)),
        ("other ran", says("A is 1.")),
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
        ("Find A.", NATIVE.reply("", [Wanted("other", {"q": "A"})])),
    )
    asks, tools = Asks(), look()
    events = list(planned(model, tools, approvals=asks).events())

    assert_whole(events)
    assert [one.step.id for one in of_type(events, StepFinished)] == [1]
    assert {one.step.id for one in of_type(events, StepHeld)} == {2, 3}
    assert [name for name, _ in tools.calls] == ["other"]
    assert len(asks.asked[0]) == 2
    assert "A is 1." in asks.known
    assert "Rome" not in asks.known
    assert [one.done[0].call.name for one in asks.rounds] == ["other", "look", "look"]
    assert "☒" not in shown(events)


def test_a_question_that_cannot_be_kept_fails_the_steps() -> None:
    """And the answer is written from what is known."""
    model = ListeningModel(
        (PLANS, says(TWO_CITIES)),
        (CLOSES, says("I could not ask.")),
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
    )
    tools = look()
    events = list(planned(model, tools, approvals=Asks(keeps=False)).events())

    assert_whole(events)
    assert tools.calls == []
    assert {one.error for one in of_type(events, StepFinished)} == {ENGLISH.not_asked}
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "I could not ask."


def test_where_nobody_can_be_asked_the_calls_are_told_to_the_builder() -> None:
    """In a Workflow, where the steps go on without them."""
    model = ListeningModel(
        (PLANS, says(TWO_CITIES)),
        (CLOSES, says("I may not.")),
        *[("nobody can be asked", says("Not allowed.")) for _ in range(2)],
        ("Weather of Rome.", call("Rome")),
        ("Weather of Oslo.", call("Oslo")),
    )
    asks, tools = Asks(can_ask=False), look()
    events = list(planned(model, tools, approvals=asks).events())

    assert_whole(events)
    assert tools.calls == []
    assert [len(calls) for calls in asks.asked] == [2]
    assert {one.result for one in of_type(events, StepFinished)} == {"Not allowed."}


def test_a_question_comes_before_a_direct_result() -> None:
    """As in a run without a plan; what was found is read in the next turn."""
    written = plan(("Find A.", ["other"], []), ("Weather of Rome.", ["look"], []))
    model = ListeningModel(
        (PLANS, says(written)),
        ("Find A.", NATIVE.reply("", [Wanted("other", {"q": "A"})])),
        ("Weather of Rome.", call("Rome")),
    )
    policy, asks = Policy(direct_tools=frozenset({"other"})), Asks()
    events = list(planned(model, look(), policy=policy, approvals=asks).events())

    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "approval_needed"
    assert len(asks.asked) == 1
    assert "other ran" in asks.known


def test_what_the_steps_have_called_is_remembered() -> None:
    """As rounds of the run, for the turns after it."""
    run = planned(cities(), look())
    list(run.events())

    assert sorted(one.done[0].result for one in run.rounds_with_calls) == [
        "look said Oslo",
        "look said Rome",
    ]


def test_an_answer_of_a_shape() -> None:
    """Is asked for in the end alone, and never streamed as prose by the planner."""
    shape = read_shape({"type": "object", "properties": {"city": {"type": "string"}}})
    model = cities()
    model.answers[1] = (CLOSES, says('{"city": "Rome"}'))
    events = list(planned(model, look(), policy=Policy(shape=shape)).events())

    assert isinstance(events[-1], RunFinished)
    assert events[-1].structured == {"city": "Rome"}
    assert ["properties" in str(one.messages[0]["content"]) for one in model.requests] == [
        *[False] * (len(model.requests) - 1),
        True,
    ]


PLACES = [PLANS, "Weather of Rome.", "look said Rome", CLOSES]


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
@pytest.mark.parametrize("place", PLACES, ids=["plan", "call", "result", "answer"])
@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS.keys())
def test_a_model_failure_at_every_step(tongue: Tongue, place: str, error: str) -> None:
    """An answer or one error, every log that starts is finished, the totals are right."""
    model = cities(tongue)
    answers = [
        ("Not all went as planned", says('{"steps": []}')),
        (place, [ModelError(error)]),
        *model.answers,
        *[(place, says("Rome is warmer.")) for _ in range(3)],
    ]
    events = list(planned(ListeningModel(*answers), look(), tongue=tongue).events())

    assert_whole(events)


@pytest.mark.parametrize("on_error", [True, False])
@pytest.mark.parametrize("place", [PLANS, CLOSES], ids=["plan", "answer"])
def test_a_failure_that_cannot_be_cured(place: str, on_error: bool) -> None:  # noqa: FBT001
    """Fails the run with the provider's words, or answers with them and what is known."""
    answers = [(place, [ModelError("[openai] 401 bad key")]), *cities().answers]
    model = ListeningModel(*answers)
    policy = Policy(answer_on_error=on_error)
    events = list(planned(model, look(), policy=policy).events())

    assert_whole(events)
    if on_error:
        assert isinstance(events[-1], RunFinished)
        assert "bad key" in events[-1].error
        assert ("Rome has 20." in shown(events)) is (place == CLOSES)
    else:
        assert isinstance(events[-1], RunFailed)
        assert "bad key" in events[-1].sentence


def test_call_that_a_step_has_read_is_a_quotation_in_the_next_one() -> None:
    """The result of a step is material for those that build on it."""
    hermes = TONGUES[1]
    quoted = hermes.reply("The page says:", [Wanted("look", {"q": "/"})])
    said = "".join(step.text for step in quoted if isinstance(step, ModelDelta))
    written = plan(("Read.", ["look"], []), ("Sum up.", ["look"], [1]))
    model = ScriptedModel(
        says(written),
        hermes.reply("", [Wanted("look", {"q": "page"})]),
        says(f"It says {said}, no more."),
        quoted,
        says("Done."),
    )
    toolbox = RecordingToolbox(look="seen")
    run = planned(model, toolbox, tongue=hermes)
    events = list(run.events())

    assert isinstance(events[-1], RunFinished)
    assert toolbox.calls == [("look", {"q": "page"})]


def read_of(model: ListeningModel) -> str:
    """What the model was last told."""
    return "\n".join(str(message["content"]) for message in model.requests[-1].messages)


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_an_answer_that_calls_a_tool_is_asked_for_again(tongue: Tongue) -> None:
    """Without a message of a tool: providers refuse those where no tools are declared."""
    model = cities(tongue)
    model.answers.insert(0, (CLOSES, call("Rome", tongue)))
    events = list(planned(model, look(), tongue=tongue).events())

    assert_whole(events)
    assert model.left == []
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Rome is warmer."
    assert not any(one["role"] == "tool" for one in model.requests[-1].messages)
    assert "Rome has 20." in read_of(model)


@pytest.mark.parametrize(
    ("replies", "rounds", "reason"),
    [
        ([says(""), says("")], 20, "empty_reply"),
        ([says("")], 6, "empty_reply"),
        ([call("Rome")], 6, "iteration_limit"),
        ([call("Rome"), says(""), says("")], 20, "empty_reply"),
        ([*[call("Rome")] * 3, says(""), says("")], 20, "repeated_calls"),
    ],
    ids=["empty", "empty in the last round", "call in the last round", "both", "calls alone"],
)
def test_results_are_the_answer_of_a_model_that_writes_none(
    replies: Sequence[Sequence[Step]], rounds: int, reason: str
) -> None:
    """As where no plan was made; nothing that the steps have found is lost."""
    model = cities()
    model.answers[1:2] = [(CLOSES, reply) for reply in replies]
    events = list(planned(model, look(), limits=Limits(rounds=rounds)).events())
    answer = "".join(one.text for one in of_type(events, AnswerText))

    assert_whole(events)
    assert model.left == []
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].answer, events[-1].stop_reason) == (answer, reason)
    assert answer.startswith(ENGLISH.empty_answer_with_results)
    assert "Rome has 20." in answer
    assert "Oslo has 5." in answer
    assert "look" not in answer


@pytest.mark.parametrize(
    ("said", "fails"),
    [
        ("Unexpected costs in May were 500 EUR.", False),
        ("**UNEXPECTED:** there is no such month.", True),
        ("UNEXPECTED：没有五月。", True),
    ],
)
def test_a_surprise_is_marked_by_a_colon(said: str, fails: bool) -> None:  # noqa: FBT001
    """The word alone may begin a result."""
    model = ListeningModel(
        ("Not all went as planned", says('{"steps": []}')),
        (PLANS, says(plan(("Find costs.", [], []), ("Find profit.", [], [])))),
        (CLOSES, says("Done.")),
        ("Find costs.", says(said)),
        ("Find profit.", says("None.")),
    )
    events = list(planned(model, look()).events())

    assert len(of_type(events, PlanStarted)) == 1 + fails
    assert ("☒ 1. Find costs." in shown(events)) is fails


def test_a_place_in_the_question_is_not_filled() -> None:
    """It is the reader's word, and so is one in a task or in a result."""
    model = ListeningModel(
        (PLANS, says(plan(("Explain <result>.", [], []), ("Sum up <results>.", [], [1])))),
        (CLOSES, says("Done.")),
        ("Sum up", says("It is <id> and <error>.")),
        ("Explain", says("It is <question>.")),
    )
    list(planned(model, look(), question="What is <results> in <task>?").events())
    told = read_of(model)

    assert "What is <results> in <task>?\n\nThis has been found out:" in told
    assert "Step 1: Explain <result>.\nResult: It is <question>." in told
    assert "Step 2: Sum up <results>.\nResult: It is <id> and <error>." in told


def test_long_tasks_are_short_lines_in_the_checklist() -> None:
    """The reader follows a plan, and does not read it twice in full."""
    long = "and so on " * 1_000
    model = ListeningModel(
        (PLANS, says(plan((f"First {long}", [], []), (f"Second {long}", [], [])))),
        (CLOSES, says("Done.")),
        ("First", says("1.")),
        ("Second", says("2.")),
    )
    events = list(planned(model, look()).events())

    assert max(map(len, shown(events).splitlines())) < 400


def test_steps_behind_a_question_that_cannot_be_kept_say_so() -> None:
    """There were model calls left."""
    written = plan(("Weather of Rome.", ["look"], []), ("Use Rome.", [], [1]))
    model = ListeningModel(
        (PLANS, says(written)),
        (CLOSES, says("I could not ask.")),
        ("Weather of Rome.", call("Rome")),
    )
    events = list(planned(model, look(), approvals=Asks(keeps=False)).events())

    assert {one.error for one in of_type(events, StepFinished)} == {ENGLISH.not_asked}
