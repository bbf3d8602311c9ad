"""A run with more tools than its model is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from strategies.agent.config import Limits, Policy
from strategies.agent.interface.events import CallFinished, RunFinished, ToolCall
from strategies.agent.interface.ports import ModelRequest, ToolOutcome
from strategies.agent.loop import Run
from strategies.agent.prompt.conversation import Conversation, DoneCall, RoundRecord
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.prompt.wording import CHINESE, ENGLISH
from strategies.agent.tools.search import SearchedToolbox, is_too_many, opening, search_name
from strategies.agent.turns.recall import remember
from strategies.agent.window.tokens import estimator_for
from strategies.protocols.base import ToolSpec
from tests.agent.fakes import (
    NATIVE,
    TONGUES,
    RecordingToolbox,
    ScriptedModel,
    Tongue,
    Wanted,
    about,
    binding,
    of_type,
    says,
)

ESTIMATOR = estimator_for("gpt-test")
QUESTION = "Which invoice is due?"
NAMES = [f"{verb}_{noun}" for noun in ("invoice", "ticket", "branch") for verb in ("get", "send")]


def spec(name: str) -> ToolSpec:
    """A tool with one required parameter."""
    schema = {
        "type": "object",
        "properties": {"number": {"type": "string", "description": "Its number"}},
        "required": ["number"],
    }
    return ToolSpec(name=name, description=f"To {name.replace('_', ' ')}.", parameters=schema)


def toolbox(*names: str) -> RecordingToolbox:
    """Tools that say that they ran."""
    chosen = names or tuple(NAMES)
    return RecordingToolbox(*map(spec, chosen), **{name: f"{name} ran" for name in chosen})


def run(
    model: ScriptedModel,
    tools: SearchedToolbox,
    tongue: Tongue = NATIVE,
    *,
    policy: Policy | None = None,
    must_call: MustCall | None = None,
    approvals: "Asks | None" = None,
    approved: Sequence[ToolCall] = (),
    limits: Limits | None = None,
) -> Run:
    """A run over tools of which some are shown."""
    spoken = replace(tongue, format=replace(tongue.format, must_call=must_call))
    conversation = Conversation(instruction="Be brief.", history=[], question=QUESTION)
    return Run(
        about(
            conversation,
            tools,
            limits=limits,
            policy=policy,
            approvals=approvals,
            approved=approved,
        ),
        binding(model, spoken),
        ENGLISH,
        text_formats=lambda _: TONGUES[1].format,
        sleep=lambda _: None,
    )


def searched(
    tools: RecordingToolbox, tongue: Tongue = NATIVE, shown: Sequence[str] = ("get_invoice",)
) -> SearchedToolbox:
    """Tools of which some are shown at once."""
    return SearchedToolbox(tools, ENGLISH, declares=tongue.name == "native", opening=shown)


class Asks:
    """Has the reader asked before some tools run; an `Approvals`."""

    can_ask = True

    def __init__(self, *names: str) -> None:
        self._names = names
        self.asked: list[ToolCall] = []

    def asks(self, name: str) -> bool:
        """Whether it is one of them."""
        return name in self._names

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Ask, whatever it is."""
        del rounds, known
        self.asked += calls
        return "May it run?"


def declared(request: ModelRequest) -> list[str]:
    """The names of the tools that were declared."""
    return [tool.name for tool in request.tools]


def find(words: str) -> Wanted:
    """A search of the model's."""
    return Wanted("find_tools", {"words": words})


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_tool_that_was_searched_for_is_called(tongue: Tongue) -> None:
    """Under every protocol: search, call what was found, answer."""
    tools = toolbox()
    model = ScriptedModel(
        tongue.reply("", [find("send ticket")]),
        tongue.reply("", [Wanted("send_ticket", {"number": "7"})]),
        says("It is sent."),
    )
    events = list(run(model, searched(tools, tongue), tongue).events())

    assert [call[0] for call in tools.calls] == ["send_ticket"]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "It is sent."


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_tool_that_was_never_shown_is_called_all_the_same(tongue: Tongue) -> None:
    """Whatever the model names is found, also without a search."""
    tools = toolbox()
    reply = tongue.reply("", [Wanted("send_branch", {"number": "7"})])
    model = ScriptedModel(reply, says("Done."))
    list(run(model, searched(tools, tongue), tongue).events())

    assert [call[0] for call in tools.calls] == ["send_branch"]


def test_native_tools_are_appended_and_stay() -> None:
    """The beginning of the list is what was sent before, so that its prefix stays the same."""
    model = ScriptedModel(
        NATIVE.reply("", [find("ticket")]), NATIVE.reply("", [find("branch")]), says("Done.")
    )
    list(run(model, searched(toolbox())).events())
    lists = [declared(request) for request in model.requests]

    assert lists[0] == ["find_tools", "get_invoice"]
    assert lists[1] == [*lists[0], "get_ticket", "send_ticket"]
    assert lists[2] == [*lists[1], "get_branch", "send_branch"]


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
def test_a_text_protocol_describes_what_was_found_in_the_result(tongue: Tongue) -> None:
    """So the system prompt stays as it was sent, and the model still reads the parameters."""
    model = ScriptedModel(tongue.reply("", [find("ticket")]), says("Done."))
    list(run(model, searched(toolbox(), tongue), tongue).events())
    first, second = (request.messages for request in model.requests)
    result = "".join(str(message["content"]) for message in second[1:])

    assert first[0] == second[0]
    assert "send_ticket" not in str(first[0]["content"])
    assert '"number"' in result
    assert "send_ticket" in result


def test_nothing_found_is_said() -> None:
    """The model can try other words."""
    outcome = searched(toolbox()).call("find_tools", {"words": "zzz"})

    assert outcome.text == ENGLISH.no_tool_found


def test_a_search_is_no_answer_for_the_reader() -> None:
    """A run that ends with what its tools found does not show lists of tools."""
    model = ScriptedModel(NATIVE.reply("", [find("ticket")]), says(""), says(""))
    events = list(run(model, searched(toolbox())).events())

    assert isinstance(events[-1], RunFinished)
    assert "send_ticket" not in events[-1].answer


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_search_is_no_result_for_the_closing_answer(tongue: Tongue) -> None:
    """Nor is it remembered; what the tools brought is."""
    ticket = Wanted("send_ticket", {"number": "7"})
    model = ScriptedModel(
        tongue.reply("", [find("ticket")]), tongue.reply("", [ticket]), says("It is sent.")
    )
    playing = run(model, searched(toolbox(), tongue), tongue, limits=Limits(rounds=3))
    list(playing.events())
    told = "".join(str(message["content"]) for message in model.requests[-1].messages)
    turn = remember(QUESTION, ["It is sent."], playing.rounds_with_calls)

    assert "send_ticket ran" in told
    assert "find_tools" not in told
    assert ENGLISH.tools_found not in told
    assert [one.call.name for record in turn.rounds for one in record.done] == ["send_ticket"]


def test_a_search_beside_a_call_is_not_remembered() -> None:
    """Natively the call alone is; what a model wrote into its text stays whole."""
    ticket = Wanted("send_ticket", {"number": "7"})
    model = ScriptedModel(NATIVE.reply("", [find("ticket"), ticket]), says("It is sent."))
    playing = run(model, searched(toolbox()))
    list(playing.events())
    (record,) = remember(QUESTION, ["It is sent."], playing.rounds_with_calls).rounds

    assert [one.call.name for one in record.done] == ["send_ticket"]


def test_approval_holds_for_a_tool_that_was_not_shown() -> None:
    """A held call runs in the next turn, whose model is shown other tools."""
    tools, asks = toolbox(), Asks("send_ticket")
    wanted = Wanted("send_ticket", {"number": "7"})
    model = ScriptedModel(NATIVE.reply("", [wanted]))
    events = list(run(model, searched(tools), approvals=asks).events())

    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "approval_needed"
    assert tools.calls == []

    again = ScriptedModel(says("Sent."))
    list(run(again, searched(tools), approvals=asks, approved=asks.asked).events())

    assert [call[0] for call in tools.calls] == ["send_ticket"]


def test_a_direct_result_holds_for_a_tool_that_was_not_shown() -> None:
    """Its result is the answer."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("send_ticket", {"number": "7"})]))
    policy = Policy(direct_tools=frozenset({"send_ticket"}))
    events = list(run(model, searched(toolbox()), policy=policy).events())

    assert isinstance(events[-1], RunFinished)
    assert (events[-1].answer, events[-1].stop_reason) == ("send_ticket ran", "direct_result")


def test_only_the_tools_of_the_run_are_found() -> None:
    """Those that the builder did not allow are not among them."""
    tools = searched(toolbox("get_invoice", "get_ticket"))

    assert "send_ticket" not in tools.known
    assert "send_ticket" not in tools.call("find_tools", {"words": "send ticket"}).text


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_forced_call_is_asked_for_until_a_tool_was_called(tongue: Tongue) -> None:
    """A search alone does not count, and after the call it is not asked for again."""
    must = MustCall("send_ticket", search_tool="find_tools")
    model = ScriptedModel(
        tongue.reply("", [find("ticket")]),
        tongue.reply("", [Wanted("send_ticket", {"number": "7"})]),
        says("Done."),
    )
    tools = searched(toolbox(), tongue, shown=("send_ticket",))
    list(run(model, tools, tongue, must_call=must).events())
    sentence = ENGLISH.must_call.format(name="send_ticket")
    told = [sentence in str(request.messages[0]["content"]) for request in model.requests]

    assert told == [True, True, False]


def test_a_wrong_name_is_answered_with_one_that_was_not_shown() -> None:
    """The hint knows all tools."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("sendTicket", {})]), says("Done."))
    events = list(run(model, searched(toolbox())).events())
    (done,) = of_type(events, CallFinished)

    assert "send_ticket?" in done.outcome.text


def test_what_is_shown_at_once() -> None:
    """What must be there, what the texts name, what earlier turns called, and what fits."""
    done = DoneCall(call=ToolCall("a", "get_branch", {}, "{}"), result="")
    conversation = Conversation(
        instruction="Close with send_branch.",
        history=[{"role": "user", "content": "And my invoice?", "name": None}],
        question="Go on, please.",
        recalled={0: (RoundRecord(content="", visible="", done=(done,)),)},
    )
    names = opening(searched(toolbox()), conversation, ESTIMATOR, 32_000, ["send_ticket"])

    assert names == ["send_ticket", "get_branch", "send_branch", "get_invoice", "send_invoice"]


def test_few_large_tools_are_shown_in_a_small_window() -> None:
    """But at least the one that fits best."""
    conversation = Conversation(instruction="", history=[], question=QUESTION)

    assert len(opening(searched(toolbox()), conversation, ESTIMATOR, 10)) == 1


@pytest.mark.parametrize(
    ("count", "window", "wanted"), [(5, 32_000, False), (41, 1_000_000, True), (5, 300, True)]
)
def test_when_there_are_too_many(count: int, window: int, wanted: bool) -> None:  # noqa: FBT001
    """More than 40, or more than a fifth of the window."""
    tools = [spec(f"tool_{number}") for number in range(count)]

    assert is_too_many(tools, ESTIMATOR, window) is wanted


def test_a_tool_of_the_same_name_keeps_it() -> None:
    """The finder takes another."""
    assert search_name(["find_tools"]) == "find_tools_"


def test_it_speaks_the_language_of_the_question() -> None:
    """As all sentences to the model do."""
    tools = SearchedToolbox(toolbox(), CHINESE, declares=True)

    assert "共有 6 个工具" in tools.finder.description


def test_arguments_of_another_type_find_nothing() -> None:
    """A model may leave them out."""
    outcomes: list[Mapping[str, object]] = [{}, {"words": None}, {"words": ["ticket"]}]
    texts: list[ToolOutcome] = [searched(toolbox()).call("find_tools", one) for one in outcomes]

    assert texts[0].text == texts[1].text == ENGLISH.no_tool_found
    assert "send_ticket" in texts[2].text


def test_places_are_kept_for_what_fits_the_question() -> None:
    """Of many tools that earlier turns called, the latest are shown."""
    called = [f"old_tool_{number}" for number in range(12)]
    done = [DoneCall(call=ToolCall(name, name, {}, "{}"), result="") for name in called]
    conversation = Conversation(
        instruction="",
        history=[],
        question=QUESTION,
        recalled={
            2: (RoundRecord(content="", visible="", done=tuple(done[8:])),),
            0: (RoundRecord(content="", visible="", done=tuple(done[:8])),),
        },
    )
    names = opening(searched(toolbox(*called, *NAMES)), conversation, ESTIMATOR, 32_000)

    assert names[0] == "old_tool_11"
    assert names[-2:] == ["get_invoice", "send_invoice"]
    assert set(called[:8]).isdisjoint(names)
