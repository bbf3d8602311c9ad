"""The loop with scripted models and tools, under every protocol where it makes a difference."""

import json
import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from strategies.agent.config import Limits, Policy
from strategies.agent.interface.events import (
    AnswerText,
    CallFinished,
    CallStarted,
    ModelCallFinished,
    ModelCallStarted,
    ReasoningShown,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    TextShown,
)
from strategies.agent.interface.ports import ModelDelta, ModelError, ModelRequest, ToolOutcome
from strategies.agent.prompt.wording import ENGLISH
from strategies.agent.schema.answer import read_shape
from strategies.protocols.base import CallDelta
from tests.agent.fakes import (
    NATIVE,
    TONGUES,
    USAGE,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    Wanted,
    native_calls,
    of_type,
    play,
    says,
    shown,
    slow,
    tool,
)

every_tongue = pytest.mark.parametrize("tongue", TONGUES, ids=str)


@every_tongue
def test_a_reply_without_calls_is_the_answer(tongue: Tongue) -> None:
    """One round, the text as it came, and the run is over."""
    events = play(ScriptedModel(says("Nothing is new.")), tongue=tongue)

    assert shown(events) == "Nothing is new."
    assert events[-1] == RunFinished("Nothing is new.", "answered", USAGE)


@every_tongue
def test_calls_run_and_their_results_go_back(tongue: Tongue) -> None:
    """The text beside the calls is shown, the markup is not, and the results reach the model."""
    model = ScriptedModel(
        tongue.reply("Let me look. ", [Wanted("search", {"q": "a"}), Wanted("search", {"q": "b"})]),
        says("Found both."),
    )
    toolbox = RecordingToolbox(search=lambda arguments: ToolOutcome(text=f"<{arguments['q']}>"))
    events = play(model, toolbox, tongue=tongue)
    sent = json.dumps([dict(message) for message in model.requests[1].messages])

    assert sorted(str(arguments["q"]) for _, arguments in toolbox.calls) == ["a", "b"]
    # What stands before an action is thought aloud in ReAct, and shown as reasoning.
    told = [event.text for event in events if isinstance(event, TextShown | ReasoningShown)]
    assert "".join("".join(told).split()) == "Letmelook.Foundboth."
    assert "<a>" in sent
    assert "<b>" in sent
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Found both."


def test_native_messages_are_one_assistant_message_and_one_result_per_call() -> None:
    """System, user, assistant with text and all calls, then the results in order of the calls."""
    model = ScriptedModel(
        NATIVE.reply("Look: ", [Wanted("slow", {"q": "1"}, "a"), Wanted("fast", {"q": "2"}, "b")]),
        says("Done."),
    )
    play(model, RecordingToolbox(slow=slow(0.1, "later"), fast="sooner"))
    messages = model.requests[1].messages

    assert [message["role"] for message in messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    assert messages[2]["content"] == "Look: "
    assert messages[2]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "slow", "arguments": '{"q": "1"}'}},
        {"id": "b", "type": "function", "function": {"name": "fast", "arguments": '{"q": "2"}'}},
    ]
    assert [(one["tool_call_id"], one["content"]) for one in messages[3:]] == [
        ("a", "later"),
        ("b", "sooner"),
    ]


def test_a_blank_instruction_sends_no_system_message() -> None:
    """Strict providers refuse an empty system message."""
    model = ScriptedModel(says("Hi."))
    play(model, instruction="  \n")

    assert [message["role"] for message in model.requests[0].messages] == ["user"]


def test_repeated_ids_are_made_unique_on_both_sides() -> None:
    """W: some providers use the tool's name as the id of every call."""
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("search", {"q": "a"}, "search")]),
        NATIVE.reply("", [Wanted("search", {"q": "b"}, "search")]),
        says("Done."),
    )
    play(model, RecordingToolbox(search="found"))
    messages = model.requests[2].messages
    calls = [call["id"] for call in native_calls(messages)]

    assert len(set(calls)) == 2
    assert calls == [one["tool_call_id"] for one in messages if one["role"] == "tool"]


@every_tongue
def test_the_last_round_offers_no_tools_and_still_answers(tongue: Tongue) -> None:
    """T1: the official plugin ends empty here. All of it is one turn of the user."""
    model = ScriptedModel(
        tongue.reply("", [Wanted("search", {"q": "a"})]), says("As far as I know: 1.")
    )
    events = play(model, RecordingToolbox(search="found"), tongue=tongue, limits=Limits(rounds=2))
    last = model.requests[1]

    assert not last.tools
    assert [message["role"] for message in last.messages] == ["system", "user"]
    assert "found" in str(last.messages[-1]["content"])
    assert events[-1] == RunFinished("As far as I know: 1.", "iteration_limit", USAGE + USAGE)


@every_tongue
def test_without_results_the_last_request_speaks_of_none(tongue: Tongue) -> None:
    """Asked to answer "from these results" where there were none, a small model made them up."""
    model = ScriptedModel(tongue.reply("", [Wanted("serch", {"q": "a"})]), says("I cannot look."))
    play(model, RecordingToolbox(search="found"), tongue=tongue, limits=Limits(rounds=2))
    asked = str(model.requests[1].messages[-1]["content"])

    assert asked.endswith(ENGLISH.answer_alone)
    assert ENGLISH.answer_now not in asked


def test_the_last_request_tells_each_call_once_however_its_json_is_laid_out() -> None:
    """The latest result counts; spaces and the order of keys make no other call."""
    written = ['{"q":"lamps","n":2}', '{"n": 2, "q": "lamps"}', '{"q": "chairs"}']
    replies = [
        [ModelDelta(calls=(CallDelta(id=f"c{place}", name="stock", arguments=raw),))]
        for place, raw in enumerate(written)
    ]
    counts = iter(["12 lamps", "11 lamps", "4 chairs"])
    tools = RecordingToolbox(tool("stock"), stock=lambda _: ToolOutcome(text=next(counts)))
    model = ScriptedModel(*replies, says("11 and 4."))
    play(model, tools, limits=Limits(rounds=4))
    asked = str(model.requests[-1].messages[-1]["content"])

    assert [said in asked for said in ("12 lamps", "11 lamps", "4 chairs")] == [False, True, True]


def test_with_one_iteration_the_results_are_the_answer() -> None:
    """The one round may call tools; what they return is shown."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("time"), Wanted("place")]))
    toolbox = RecordingToolbox(time="noon", place="Rome")
    events = play(model, toolbox, limits=Limits(rounds=1))

    assert model.requests[0].tools
    assert shown(events) == "noon\n\nRome"
    assert isinstance(events[-1], RunFinished)


def test_tools_of_one_round_run_at_the_same_time() -> None:
    """Six tools, six at once."""
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("nap", {"q": str(n)}) for n in range(6)]), says("Done.")
    )
    toolbox = RecordingToolbox(nap=slow(0.4))
    play(model, toolbox, limits=Limits(parallel_tools=6))

    assert toolbox.most_at_once == 6


def test_no_more_tools_run_at_once_than_allowed() -> None:
    """The others wait for a free place and start in the order of the calls."""
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("nap", {"q": str(n)}) for n in range(5)]), says("Done.")
    )
    toolbox = RecordingToolbox(nap=slow(0.02))
    events = play(model, toolbox, limits=Limits(parallel_tools=2))
    started = [event.call for event in events if isinstance(event, CallStarted)]

    assert toolbox.most_at_once == 2
    assert [call.arguments["q"] for call in started] == list("01234")


@every_tongue
def test_a_tool_starts_while_the_model_still_streams(tongue: Tongue) -> None:
    """A call that is certain early is run early, once a first reply has told how replies begin."""
    first = tongue.reply("", [Wanted("look", {"q": "x"})])
    call = tongue.reply("", [Wanted("nap", {"q": "x"})])[:-1]
    started = threading.Event()
    heard: list[bool] = []

    def second() -> Iterator[Step]:
        yield from [*call, ModelDelta(text="\n")]
        heard.append(started.wait(10))
        yield ModelDelta(text=" ", finish_reason="stop")

    def nap(_: Mapping[str, object]) -> ToolOutcome:
        started.set()
        return ToolOutcome(text="slept")

    play(ScriptedModel(first, second(), says("Done.")), RecordingToolbox(nap=nap), tongue=tongue)

    assert heard == [True]


def test_w7_native_calls_in_a_text_protocol_are_run() -> None:
    """W7: Qwen-Agent drops them without a word."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("search", {"q": "a"})]), says("Done."))
    toolbox = RecordingToolbox(search="found")
    play(model, toolbox, tongue=TONGUES[1])

    assert toolbox.calls == [("search", {"q": "a"})]
    assert "found" in str(model.requests[1].messages[-1]["content"])


def test_an_unknown_tool_is_answered_with_the_names_that_exist() -> None:
    """And with the nearest one; the guess is never run."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("serch", {"q": "a"})]), says("Sorry."))
    toolbox = RecordingToolbox(search="found", weather="sunny")
    events = play(model, toolbox)
    result = of_type(events, CallFinished)[0].outcome

    assert not toolbox.calls
    assert "search, weather" in result.text
    assert "Did you mean search?" in result.text
    assert result.error


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
@pytest.mark.parametrize(
    ("vain", "told"),
    [
        (
            Wanted("nowhere", {"q": "a"}),
            "There is no tool named nowhere. Call one of these: count.",
        ),
        (
            Wanted("count", {"n": "many"}),
            "count was not run. Correct these arguments and call it again: n",
        ),
    ],
    ids=["unknown", "arguments"],
)
def test_a_call_in_vain_does_not_go_back(tongue: Tongue, vain: Wanted, told: str) -> None:
    """What was wrong stands behind the question: a small model imitates what it sees of itself."""
    reply = tongue.reply("", [Wanted("count", {"n": 3})])
    model = ScriptedModel(tongue.reply("", [vain]), reply, says("Found."))
    toolbox = RecordingToolbox(tool("count", n="integer"), count="12")
    play(model, toolbox, tongue=tongue)
    _, *second = model.requests[1].messages
    third = str(model.requests[2].messages)

    assert [one["role"] for one in second] == ["user"]
    assert str(second[0]["content"]).startswith(f"What is new?\n\n{told}")
    assert "What is new?" in third
    assert told not in third  # done better since
    assert toolbox.calls == [("count", {"n": 3})]


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
def test_a_call_in_vain_behind_a_result(tongue: Tongue) -> None:
    """What was wrong stands behind the result, and a call that ran beside it goes back with it."""
    right, wrong = Wanted("search", {"q": "a"}, "c1"), Wanted("nowhere", {"q": "a"}, "c2")
    model = ScriptedModel(
        tongue.reply("", [right]),
        tongue.reply("", [wrong]),
        tongue.reply("", [right, wrong]),
        says(""),
    )
    play(model, RecordingToolbox(search="found"), tongue=tongue, limits=Limits(rounds=9))
    third, fourth = (str(asked.messages) for asked in model.requests[2:4])

    assert third.count("There is no tool named nowhere.") == 1
    assert third.index("found") < third.index("There is no tool named nowhere.")
    assert third.count("nowhere") == 1
    assert fourth.count("There is no tool named nowhere.") == 1  # that of the newest round


@pytest.mark.parametrize("tongue", TONGUES[1:4], ids=str)
def test_a_vain_reply_with_text_that_the_reader_has_seen_goes_back(tongue: Tongue) -> None:
    """The model must know that it has said it. ReAct's text before an action is a thought."""
    said = "The total of order 4711 is 99 EUR."
    model = ScriptedModel(tongue.reply(said, [Wanted("no", {"q": "a"})]), says("Done."))
    play(model, RecordingToolbox(search="found"), tongue=tongue)

    assert said in str(model.requests[1].messages)


_UNREADABLE = (
    '<tool_call>\n{"city": "Oslo"}\n</tool_call>',
    '✿FUNCTION✿: \n✿ARGS✿: {"city": "Oslo"}',
    "<tool_call>\n<look>\n<city>Oslo</city>\n</look>\n</tool_call>",
    'Thought: I look it up.\nAction: {"city": "Oslo"}',
)


@pytest.mark.parametrize(("tongue", "call"), list(zip(TONGUES[1:], _UNREADABLE, strict=True)))
def test_a_call_that_cannot_be_read_does_not_go_back(tongue: Tongue, call: str) -> None:
    """Behind such a call of its own a small model gave no right answer, and without it six of six.

    That was with hermes (docs/evaluation.md, "What a small model showed").
    """
    done = "Final Answer: Done." if tongue.name == "react" else "Done."
    model = ScriptedModel(says(call), says(done))
    play(model, RecordingToolbox(search="found"), tongue=tongue)
    _, *second = model.requests[1].messages

    assert [one["role"] for one in second] == ["user"]
    assert "could not be read" in str(second[0]["content"])
    assert "Oslo" not in str(second)


def test_an_answer_of_another_shape_goes_back_to_be_corrected() -> None:
    """Also one that reads like a call that cannot be read."""
    written = '<tool_call>\n{"name": "Ada", "arguments": {"x": 1}}\n</tool_call>'
    properties = {name: {"type": "string"} for name in ("name", "age")}
    shape = read_shape(
        json.dumps({"type": "object", "properties": properties, "required": ["name", "age"]})
    )
    model = ScriptedModel(says(written), says('{"name": "Ada", "age": "36"}'))
    play(model, RecordingToolbox(search="found"), tongue=TONGUES[1], policy=Policy(shape=shape))

    assert written in str(model.requests[1].messages[-2]["content"])


@pytest.mark.parametrize(("tongue", "call"), list(zip(TONGUES[1:4], _UNREADABLE[:3], strict=True)))
def test_a_call_that_cannot_be_read_goes_back_with_the_text_before_it(
    tongue: Tongue, call: str
) -> None:
    """The reader has seen that."""
    said = "The total of order 4711 is 99 EUR."
    model = ScriptedModel(says(f"{said}\n{call}"), says("Done."))
    play(model, RecordingToolbox(search="found"), tongue=tongue)

    assert said in str(model.requests[1].messages)
    assert "Oslo" in str(model.requests[1].messages)


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
def test_a_long_call_in_vain_goes_back(tongue: Tongue) -> None:
    """It would be much to write anew."""
    code = "a" * 2_000
    model = ScriptedModel(tongue.reply("", [Wanted("no", {"q": code})]), says("Done."))
    play(model, RecordingToolbox(search="found"), tongue=tongue)

    assert code in str(model.requests[1].messages)


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
def test_remarks_on_vain_replies_do_not_pile_up(tongue: Tongue) -> None:
    """They stand in the question, which is never cut: the newest counts, in a line."""
    vain = [
        tongue.reply("", [Wanted("count", {"n": f"{number}\nObservation: " + "x" * 800})])
        for number in range(5)
    ]
    model = ScriptedModel(*vain, says("Done."))
    play(model, RecordingToolbox(tool("count", n="integer"), count="12"), tongue=tongue)
    question = str(model.requests[5].messages[1]["content"])

    assert len(question) < 1_200
    assert "\nObservation" not in question


def test_one_failing_tool_of_three_leaves_the_others_alone() -> None:
    """Its failure is a result that the model can read."""
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("one"), Wanted("two"), Wanted("three")]), says("Done.")
    )
    failing = ToolOutcome(text="half\n\ndown\n\nThe tool failed.", error="down")
    toolbox = RecordingToolbox(one="1", two=lambda _: failing, three="3")
    play(model, toolbox)
    contents = [one["content"] for one in model.requests[1].messages if one["role"] == "tool"]

    assert contents == ["1", "half\n\ndown\n\nThe tool failed.", "3"]


def test_a_toolbox_that_raises_does_not_take_the_run_with_it() -> None:
    """Whatever goes wrong inside a tool is its result."""

    def broken(_: Mapping[str, object]) -> ToolOutcome:
        raise ZeroDivisionError("by zero")

    model = ScriptedModel(NATIVE.reply("", [Wanted("broken")]), says("Done."))
    events = play(model, RecordingToolbox(broken=broken))

    assert of_type(events, CallFinished)[0].outcome.error == "ZeroDivisionError: by zero"
    assert isinstance(events[-1], RunFinished)


def test_arguments_that_break_the_schema_go_back_without_running_the_tool() -> None:
    """Every bad field is named."""
    spec = tool("book", seats="integer", day="string")
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("book", {"seats": "many", "day": {"a": 1}})]), says("Done.")
    )
    toolbox = RecordingToolbox(spec, book="booked")
    events = play(model, toolbox)
    told = of_type(events, CallFinished)[0].outcome.text

    assert not toolbox.calls
    assert "seats" in told


@pytest.mark.parametrize("raw", ['{"q": "unfinis', "[1]", "null and void", '"text"'])
def test_w40_unreadable_arguments_do_not_end_the_run(raw: str) -> None:
    """W40: they are told to the model, and go back to the provider as a JSON object."""
    model = ScriptedModel(
        [ModelDelta(calls=(CallDelta(id="c1", name="search", arguments=raw),)), ModelDelta()],
        says("Then without."),
    )
    toolbox = RecordingToolbox(search="found")
    events = play(model, toolbox)
    sent_back = json.loads(native_calls(model.requests[1].messages)[0]["function"]["arguments"])

    assert not toolbox.calls
    assert raw in sent_back.values()
    assert isinstance(events[-1], RunFinished)


def test_broken_json_is_mended_and_run() -> None:
    """A trailing comma and single quotes cost no round."""
    model = ScriptedModel(
        [ModelDelta(calls=(CallDelta(id="c1", name="search", arguments="{'q': 'a',}"),))],
        says("Done."),
    )
    toolbox = RecordingToolbox(search="found")
    play(model, toolbox)

    assert toolbox.calls == [("search", {"q": "a"})]


def test_the_reply_goes_back_byte_for_byte() -> None:
    """T3: reasoning markers in the content are the provider's; no one else may touch them."""
    content = "<think>\n<!--marker-->step &lt;1&gt;\n</think>\n\nLet me look.  "
    model = ScriptedModel(NATIVE.reply(content, [Wanted("search", {"q": "a"})]), says("Done."))
    events = play(model, RecordingToolbox(search="found"))

    assert model.requests[1].messages[2]["content"] == content
    assert "marker" not in shown(events)


def test_events_nest_and_every_start_has_its_finish() -> None:
    """Round, model call and calls are opened and closed in order."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("search", {"q": "a"})]), says("Done."))
    events = play(model, RecordingToolbox(search="found"))

    assert [event.number for event in of_type(events, RoundStarted)] == [1, 2]
    assert [event.number for event in of_type(events, RoundFinished)] == [1, 2]
    assert len(of_type(events, ModelCallStarted)) == len(of_type(events, ModelCallFinished)) == 2
    assert [one.call.id for one in of_type(events, CallStarted)] == [
        one.call.id for one in of_type(events, CallFinished)
    ]


def test_usage_is_summed_exactly() -> None:
    """0.1 + 0.2 is 0.3: prices are decimals."""
    more = USAGE + USAGE
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("search", {"q": "a"})]), says("Done.", usage=more)
    )
    events = play(model, RecordingToolbox(search="found"))
    last = events[-1]

    assert isinstance(last, RunFinished)
    assert str(last.usage.total_price) == "0.3"
    assert last.usage.total_tokens == 45


def test_a_model_that_fails_for_good_ends_the_run_with_one_sentence() -> None:
    """A refused key is not tried again."""
    model = ScriptedModel([ModelError("[openai] Incorrect API key provided: sk-abc, code 401")])
    events = play(model)

    assert isinstance(events[-1], RunFailed)
    assert events[-1].stop_reason == "error"
    assert len(model.requests) == 1


def test_a_transient_failure_is_tried_again() -> None:
    """The reader sees nothing of it but the log."""
    model = ScriptedModel([ModelError("[openai] Rate Limit Error, 429")], says("Here it is."))
    events = play(model)

    assert shown(events) == "Here it is."
    assert [bool(one.error) for one in of_type(events, ModelCallFinished)] == [True, False]


def test_a_reply_cut_after_text_is_not_tried_again() -> None:
    """The text stays, the error is said once."""
    model = ScriptedModel(
        [ModelDelta(text="Half an ans"), ModelError("read llm model failed: connection reset")],
        says("never asked for"),
    )
    events = play(model)

    assert shown(events) == "Half an ans"
    assert isinstance(events[-1], RunFailed)
    assert len(model.requests) == 1


def test_a_reply_cut_after_a_whole_call_goes_on_with_it() -> None:
    """The call stands: its tool has already run."""
    model = ScriptedModel(
        [*NATIVE.reply("", [Wanted("search", {"q": "a"})])[:-1], ModelError("connection reset")],
        says("Done."),
    )
    events = play(model, RecordingToolbox(search="found"))

    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Done."


def test_a_model_that_is_left_at_the_time_limit_is_read_no_further() -> None:
    """What it still says would gather for nobody until its stream ends."""
    given: list[int] = []

    class Talker(ScriptedModel):
        """Talks for ever."""

        def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
            del request
            while True:
                time.sleep(0.001)
                given.append(1)
                yield ModelDelta(text="x ")

    play(Talker(), limits=Limits(seconds=0.2))
    time.sleep(0.1)
    after = len(given)
    time.sleep(0.1)

    assert len(given) <= after + 1


def test_the_fallback_model_takes_over() -> None:
    """When the first model is lost, the round starts anew on the other."""
    first = ScriptedModel([ModelError("[openai] Incorrect API key provided, 401")], name="first")
    second = ScriptedModel(says("From the second."), name="second")
    events = play(first, fallback=second)

    assert shown(events) == "From the second."
    assert [one.model for one in of_type(events, ModelCallStarted)] == ["first", "second"]


def test_a_fallback_model_without_native_tools_is_asked_in_text() -> None:
    """Nobody knows its features, and its provider only stumbles over the role of a result."""
    stumbles = ModelError("Bad Request Error, Missing required parameter: 'messages[3].role'")
    first = ScriptedModel(
        NATIVE.reply("", [Wanted("search", {"q": "a"})]),
        [ModelError("[openai] Incorrect API key provided, 401")],
    )
    second = ScriptedModel([stumbles], says("From the second."), name="second")
    events = play(first, RecordingToolbox(search="found"), fallback=second)

    assert shown(events) == "From the second."
    assert [message["role"] for message in second.requests[-1].messages][-1] == "user"


def test_refused_native_tools_are_described_in_the_text() -> None:
    """The run goes on in the hermes protocol."""
    model = ScriptedModel(
        [ModelError("registry.ollama.ai/library/x does not support tools")],
        TONGUES[1].reply("", [Wanted("search", {"q": "a"})]),
        says("Done."),
    )
    toolbox = RecordingToolbox(search="found")
    events = play(model, toolbox)

    assert toolbox.calls == [("search", {"q": "a"})]
    assert not model.requests[1].tools
    assert isinstance(events[-1], RunFinished)


@every_tongue
def test_an_empty_reply_is_asked_again_once(tongue: Tongue) -> None:
    """T1: silence is not an answer."""
    model = ScriptedModel([ModelDelta()], says("Sorry, here."))
    events = play(model, tongue=tongue)

    assert shown(events) == "Sorry, here."
    assert model.requests[1].messages[-1]["role"] == "user"


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_reply_without_a_word_leaves_no_turn_of_the_model(tongue: Tongue) -> None:
    """Behind "(no reply)" a small model answers from its head; behind its question it calls."""
    toolbox = RecordingToolbox(search="found")
    model = ScriptedModel(
        [ModelDelta()], tongue.reply("", [Wanted("search", {"q": "a"})]), says("")
    )
    play(model, toolbox, tongue=tongue, limits=Limits(rounds=3))

    nudged = [(one["role"], one["content"]) for one in model.requests[1].messages]
    assert nudged[1:] == [("user", "What is new?\n\nCall a tool, or answer the question.")]
    assert toolbox.calls == [("search", {"q": "a"})]


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_a_reply_without_a_word_where_nothing_can_be_called(tongue: Tongue) -> None:
    """The second request is another one than the first, in every protocol."""
    model = ScriptedModel([ModelDelta()], says("Here."))
    play(model, tongue=tongue)

    assert model.requests[1].messages[-1]["content"] == "What is new?\n\nAnswer the question."


@pytest.mark.parametrize("tongue", TONGUES, ids=str)
def test_what_is_said_of_silence_stands_behind_the_results(tongue: Tongue) -> None:
    """Natively a turn parts the user's from the tool's: some providers refuse them side by side."""
    searches = tongue.reply("", [Wanted("search", {"q": "a"})])
    model = ScriptedModel(searches, [ModelDelta()], says("It is found."))
    play(model, RecordingToolbox(search="found"), tongue=tongue)

    first, second = ([one["role"] for one in asked.messages] for asked in model.requests[1:])
    assert second == [*first, "assistant", "user"] if tongue is NATIVE else second == first
    last = " ".join(str(one["content"]) for one in model.requests[2].messages[-2:])
    assert "Call a tool, or answer the question." in last


def test_two_empty_replies_end_with_an_explanation() -> None:
    """Never an empty answer without an error."""
    events = play(ScriptedModel([ModelDelta()], [ModelDelta()]))

    assert isinstance(events[-1], RunFailed)
    assert events[-1].stop_reason == "empty_reply"


def test_an_empty_last_round_answers_with_what_the_tools_returned() -> None:
    """The work of the run is not lost."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("search", {"q": "a"})]), says(""))
    events = play(model, RecordingToolbox(search="found"), limits=Limits(rounds=2))

    assert "found" in shown(events)
    assert isinstance(events[-1], RunFinished)


def test_a_call_that_brings_nothing_new_is_answered_with_a_hint_and_then_refused() -> None:
    """Three equal results in a row are enough; after the refusal the model is made to answer."""
    again = [NATIVE.reply("", [Wanted("search", {"q": "a"})]) for _ in range(5)]
    model = ScriptedModel(*again, says("Enough."))
    toolbox = RecordingToolbox(search="found")
    events = play(model, toolbox)
    results = [one.outcome.text for one in of_type(events, CallFinished)]

    assert len(toolbox.calls) == 3
    assert results[3].startswith("found\n\n")
    assert "found" not in results[4]
    assert not model.requests[5].tools
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "repeated_calls"


def test_a_call_that_is_rejected_again_and_again_ends_in_an_answer() -> None:
    """A model that writes the same fault three times in a row will write it a fourth time."""
    again = [NATIVE.reply("", [Wanted("serch", {"q": "a"})]) for _ in range(3)]
    model = ScriptedModel(*again, says("I could not look."))
    events = play(model, RecordingToolbox(search="found"))

    assert not model.requests[3].tools
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "repeated_calls"


def test_a_rejected_call_that_changes_is_progress() -> None:
    """The model tries to correct itself."""
    other = [NATIVE.reply("", [Wanted("serch", {"q": str(n)})]) for n in range(4)]
    model = ScriptedModel(*other, NATIVE.reply("", [Wanted("search", {"q": "a"})]), says("Done."))
    toolbox = RecordingToolbox(search="found")
    play(model, toolbox)

    assert toolbox.calls == [("search", {"q": "a"})]


def test_a_clock_may_be_asked_as_often_as_the_model_likes() -> None:
    """What changes is progress, whatever the arguments."""
    moments = iter(range(6))
    again = [NATIVE.reply("", [Wanted("clock")]) for _ in range(6)]
    model = ScriptedModel(*again, says("Late."))
    toolbox = RecordingToolbox(clock=lambda _: ToolOutcome(text=f"12:0{next(moments)}"))
    events = play(model, toolbox)

    assert len(toolbox.calls) == 6
    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == "answered"


def test_a_slow_tool_becomes_an_error_while_the_others_go_on() -> None:
    """What it brings later is ignored."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("slow"), Wanted("fast")]), says("Done."))
    toolbox = RecordingToolbox(slow=slow(3, "too late"), fast="quick")
    events = play(model, toolbox, limits=Limits(tool_seconds=1))
    outcomes = {one.call.name: one.outcome for one in of_type(events, CallFinished)}

    assert outcomes["slow"].error == "timed out after 1 s"
    assert outcomes["fast"].text == "quick"
    assert isinstance(events[-1], RunFinished)


def test_near_the_time_limit_the_model_is_made_to_answer() -> None:
    """Tools that still run are given up, and the last round begins in time."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("slow")]), says("What I have."))
    toolbox = RecordingToolbox(slow=slow(12.0))
    started = time.monotonic()
    events = play(model, toolbox, limits=Limits(seconds=1.0))

    assert time.monotonic() - started < 10
    assert events[-1] == RunFinished("What I have.", "time_limit", USAGE + USAGE)


def test_a_call_that_never_had_its_turn_is_no_finding() -> None:
    """It waited behind another when the time was over: the reader is told of what ran alone."""
    calls = [Wanted("slow"), Wanted("waiting")]
    model = ScriptedModel(NATIVE.reply("", calls), says(" "), says(" "), says(" "))
    toolbox = RecordingToolbox(slow=slow(12.0), waiting="never")
    events = play(model, toolbox, limits=Limits(seconds=1.0, parallel_tools=1))

    assert [name for name, _ in toolbox.calls] == ["slow"]
    assert isinstance(events[-1], RunFinished)
    assert ENGLISH.not_started not in events[-1].answer


@pytest.mark.parametrize("tools", [RecordingToolbox(), RecordingToolbox(look="a lamp")])
def test_the_answer_of_a_run_that_failed_is_all_that_the_reader_has(
    tools: RecordingToolbox,
) -> None:
    """What was said before the failure is a part of it, even if it did not count as the answer."""
    model = ScriptedModel([ModelDelta(text="So far"), ModelError("out of order")])
    events = play(model, tools, policy=Policy(answer_on_error=True))

    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer.startswith("So far\n\n")
    assert events[-1].answer == "".join(one.text for one in of_type(events, AnswerText))


def test_a_model_that_hangs_is_cut_at_the_time_limit() -> None:
    """With text shown, the text is the answer; without, the error says why."""
    silent = play(ScriptedModel([2.0], [2.0]), limits=Limits(seconds=0.3))
    speaking = play(
        ScriptedModel([ModelDelta(text="So far"), 2.0], [2.0]), limits=Limits(seconds=0.3)
    )

    assert isinstance(silent[-1], RunFailed)
    assert silent[-1].stop_reason == "time_limit"
    assert isinstance(speaking[-1], RunFinished)
    assert speaking[-1].answer == "So far"


@pytest.mark.parametrize("tongue", TONGUES[1:], ids=str)
def test_a_call_that_cannot_be_read_is_returned_to_the_model_once(tongue: Tongue) -> None:
    """The block goes back to the text and the model is told what was wrong with it."""
    broken = "<tool_call>\n{not json at all\n</tool_call>"
    if tongue.name != "hermes":
        pytest.skip("the sample is a hermes block")
    model = ScriptedModel(says(broken), says("Without the tool then."))
    events = play(model, RecordingToolbox(search="found"), tongue=tongue)

    assert len(model.requests) == 2
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Without the tool then."


def test_text_before_and_after_a_call_stands_in_paragraphs() -> None:
    """Two sentences of one reply do not run together in what later nodes read."""
    reply = NATIVE.reply("Let me look.", [Wanted("search", {"q": "a"})])
    model = ScriptedModel([*reply[:-1], ModelDelta(text="One moment."), reply[-1]], says("Found."))
    events = play(model, RecordingToolbox(search="found"))

    assert of_type(events, RoundFinished)[0].text == "Let me look.\n\nOne moment."


def test_a_hanging_model_gives_way_to_the_fallback() -> None:
    """It is given up in time: the run goes on with the other model."""
    fallback = ScriptedModel(says("From the second."), name="second")
    events = play(ScriptedModel([2.0]), fallback=fallback, limits=Limits(seconds=1.2))

    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "From the second."
    assert events[-1].stop_reason == "answered"


def test_what_tools_had_found_is_the_answer_where_the_model_hangs() -> None:
    """A hanging model never takes the work of the run with it."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("search", {"q": "a"})]), [2.0], [2.0])
    events = play(model, RecordingToolbox(search="Twelve lamps."), limits=Limits(seconds=0.9))

    assert isinstance(events[-1], RunFinished)
    assert "Twelve lamps." in events[-1].answer
    assert events[-1].stop_reason == "time_limit"


def test_an_answer_that_was_cut_off_is_continued_without_a_seam() -> None:
    """The rest begins with the last words; they are said once."""
    cut_off = [ModelDelta(text="The lamps are in the cel"), ModelDelta(finish_reason="length")]
    model = ScriptedModel(cut_off, says("are in the cellar, on the left."))
    events = play(model)

    assert shown(events) == "The lamps are in the cellar, on the left."
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "The lamps are in the cellar, on the left."
    assert events[-1].stop_reason == "answered"


def test_behind_results_the_rest_is_asked_for_with_the_same_tools() -> None:
    """Providers refuse a request with tool messages that declares no tools."""
    cut_off = [
        ModelDelta(text="There are twelve lamps in the cel"),
        ModelDelta(finish_reason="length"),
    ]
    call = NATIVE.reply("", [Wanted("search", {"q": "lamps"})])
    model = ScriptedModel(call, cut_off, says("lamps in the cellar."))
    play(model, RecordingToolbox(search="Twelve."))

    assert model.requests[2].tools == model.requests[1].tools


@pytest.mark.parametrize(
    ("finish", "reason"), [("max_tokens", "length"), ("SAFETY", "content_filter")]
)
def test_a_cut_answer_is_not_just_answered(finish: str, reason: str) -> None:
    """Whatever the provider calls it; the token limit has had its second try."""
    cut_off = [ModelDelta(text="The lamps"), ModelDelta(finish_reason=finish)]
    events = play(ScriptedModel(cut_off, cut_off))

    assert isinstance(events[-1], RunFinished)
    assert events[-1].stop_reason == reason


def test_the_usage_of_a_round_counts_its_failed_tries() -> None:
    """The sum over the rounds is the total."""
    failing: list[Step] = [ModelDelta(usage=USAGE), ModelError("503 Service Unavailable")]
    events = play(ScriptedModel(failing, says("Done.")))
    (finished,) = of_type(events, RoundFinished)

    assert finished.usage == USAGE + USAGE
    assert isinstance(events[-1], RunFinished)
    assert events[-1].usage == finished.usage


def test_both_errors_are_told_when_the_fallback_fails_too() -> None:
    """Whoever has to repair it needs both."""
    first = ScriptedModel([ModelError("[openai] Incorrect API key, 401")])
    second = ScriptedModel([ModelError("[other] Account in arrears, 403")], name="second")
    events = play(first, fallback=second)

    assert isinstance(events[-1], RunFailed)
    assert "Incorrect API key" in events[-1].sentence
    assert "arrears" in events[-1].sentence


@every_tongue
def test_an_answer_whose_keys_read_like_a_call_is_the_answer(tongue: Tongue) -> None:
    """The builder's schema asks for a name and arguments; no tool is called so."""
    shape = read_shape(
        '{"type": "object", "required": ["name", "arguments"], "properties": '
        '{"name": {"type": "string"}, "arguments": {"type": "object"}}}'
    )
    said = '{"name": "Ada", "arguments": {"age": 36}}'
    model = ScriptedModel(says(f"Final Answer: {said}" if tongue.name == "react" else said))
    toolbox = RecordingToolbox(search="found")
    last = play(model, toolbox, tongue=tongue, question="Who?", policy=Policy(shape=shape))[-1]

    assert isinstance(last, RunFinished)
    assert last.structured == {"name": "Ada", "arguments": {"age": 36}}


NUMBER = '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'


def shaped_end(
    model: ScriptedModel, found: str, limits: Limits, direct: frozenset[str] = frozenset()
) -> RunFinished | RunFailed:
    """Play a run whose answer is to be an object with a number, and return its last event."""
    policy = Policy(shape=read_shape(NUMBER), direct_tools=direct)
    last = play(model, RecordingToolbox(search=found), limits=limits, policy=policy)[-1]
    assert isinstance(last, RunFinished | RunFailed)
    return last


@pytest.mark.parametrize(
    ("rounds", "direct"), [(1, frozenset[str]()), (9, frozenset({"search"}))], ids=["one", "direct"]
)
def test_results_that_are_the_answer_keep_its_form(rounds: int, direct: frozenset[str]) -> None:
    """With one iteration and with a direct result: the object fits, or the run says so."""

    def end(found: str) -> RunFinished | RunFailed:
        model = ScriptedModel(NATIVE.reply("", [Wanted("search", {"q": "a"})]))
        return shaped_end(model, found, Limits(rounds=rounds), direct)

    fits, misfits = end('{"n": 12}'), end("twelve")

    assert isinstance(fits, RunFinished)
    assert fits.structured == {"n": 12}
    assert isinstance(misfits, RunFailed)
    assert "answer_schema" in misfits.sentence


def test_an_answer_of_the_closing_round_gets_its_second_try() -> None:
    """Though the rounds are used up: without it the run would end with nothing."""
    model = ScriptedModel(
        NATIVE.reply("", [Wanted("search", {"q": "a"})]), says("Twelve."), says('{"n": 12}')
    )
    end = shaped_end(model, "found", Limits(rounds=2))

    assert isinstance(end, RunFinished)
    assert end.structured == {"n": 12}


def test_a_broken_stream_is_asked_for_again() -> None:
    """Also one whose end the provider, which gives reasons, does not explain."""
    broken: list[Step] = [ModelDelta(finish_reason="Non-JSON encountered.")]
    blank: list[Step] = [ModelDelta(text=" "), ModelDelta(usage=USAGE)]
    model = ScriptedModel(
        broken, NATIVE.reply("", [Wanted("search", {"q": "a"})]), blank, says("Done.")
    )
    events = play(model, RecordingToolbox(search="found"))

    model.assert_complete()
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Done."


def test_a_call_where_no_tools_are_offered_is_not_sent_back() -> None:
    """Providers refuse calls and messages of tools where none are declared."""
    model = ScriptedModel(NATIVE.reply("", [Wanted("look", {"q": "x"})]), says("Nothing is new."))
    events = play(model)

    model.assert_complete()
    assert shown(events) == "Nothing is new."
    assert [one["role"] for one in model.requests[1].messages] == ["system", "user"]
