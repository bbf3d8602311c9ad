"""ReAct: thoughts, actions and answers told apart, and the run written back."""

import json
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.protocols.base import (
    BrokenCall,
    Call,
    Exchange,
    FormatError,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
    Result,
    Text,
    ToolSpec,
    Turn,
)
from strategies.protocols.react.actions import actions_in_text
from strategies.protocols.react.protocol import React
from strategies.protocols.react.words import LabelledThought
from tests.protocols.cases import PeerCase, join_text, read_all, read_peer_cases, ways_to_cut
from tests.protocols.replies import TOOLS, tool

_ACTION = 'Action: {"action": "now", "action_input": {}}'


def _read(
    text: str, tools: Sequence[ToolSpec] = TOOLS, *, cut_short: bool = False
) -> list[ReplyEvent]:
    """Parse a reply at every chunking, check that all agree, and return the events."""
    events = join_text(read_all(React().parser(tools), [text], cut_short=cut_short))
    for pieces in ways_to_cut(text):
        assert join_text(read_all(React().parser(tools), pieces, cut_short=cut_short)) == events
    return events


def _calls(events: Sequence[ReplyEvent]) -> list[tuple[str, dict[str, object]]]:
    return [(event.name, dict(event.arguments)) for event in events if isinstance(event, Call)]


def _text(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def _thoughts(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, LabelledThought))


# ---- the peers' cases


def _written(call: Call) -> object:
    """Return the input as the model wrote it: some cases expect plain text."""
    raw: object = json.loads(call.raw) if call.raw.startswith('"') else None
    return raw if isinstance(raw, str) else dict(call.arguments)


def _peer_tools(case: PeerCase) -> list[ToolSpec]:
    names: list[str] = _options(case).get("tool_names") or []
    return [*case.tools, *map(tool, names)]


def _options(case: PeerCase) -> dict[str, Any]:
    return cast("dict[str, Any]", case.line.get("opts") or {})


def _peer_cases() -> list[Any]:
    return [pytest.param(case, id=case.id) for case in read_peer_cases("react.jsonl")]


@pytest.mark.parametrize("case", _peer_cases())
def test_peer_reply_is_read_as_it_was_meant(case: PeerCase) -> None:
    """What several peers agree on holds; the rest invents no tool."""
    events = _read(case.text, _peer_tools(case))

    wanted: dict[str, Any] = case.line["expected"]
    calls = [(event.name, _written(event)) for event in events if isinstance(event, Call)]
    expected = [(call["name"], call["arguments"]) for call in wanted["calls"]]
    if case.tier == "may":
        assert {name for name, _ in calls} <= {name for name, _ in expected}
        return
    assert calls == expected
    if case.text_match == "ws":
        assert _text(events).split() == wanted["text"].split()
    if "thought" in wanted:
        assert _thoughts(events).split() == wanted["thought"].split()
    if _options(case).get("expect_parse_failure"):
        assert any(isinstance(event, BrokenCall | FormatError) for event in events)


# ---- places


def test_classic_step() -> None:
    """A thought, the name of a tool and its input as JSON."""
    reply = 'Thought: rain?\nAction: get_weather\nAction Input: {"city": "Paris", "days": 2}'

    assert _read(reply) == [
        LabelledThought("rain?"),
        Call(
            name="get_weather",
            arguments={"city": "Paris", "days": 2},
            raw='{"city": "Paris", "days": 2}',
        ),
    ]


def test_call_is_told_with_the_end_of_its_line() -> None:
    """The tool starts while the model still writes, once no sentence can go on."""
    parser = React().parser(TOOLS)

    assert parser.feed('Action: now\nAction Input: {"zone": "x"}') == []
    assert _calls(parser.feed("\n")) == [("now", {"zone": "x"})]


def test_answer_is_shown_while_it_streams() -> None:
    """Nothing of an answer is held back, and nothing in it counts any more."""
    parser = React().parser(TOOLS)

    assert parser.feed("Thought: done\nFinal Answer: It") == [LabelledThought("done"), Text("It")]
    assert parser.feed(f" is\nThought: x\n{_ACTION}") == [Text(f" is\nThought: x\n{_ACTION}")]
    assert parser.close() == []


@pytest.mark.parametrize(
    "label",
    ["Final Answer:", "FinalAnswer:", "**Final Answer:**", "final answer：", "# Final_Answer :"],
)
def test_labels_come_in_many_shapes(label: str) -> None:
    """Bold, indented, in any case, with a full-width colon."""
    assert _text(_read(f"Thought: ok\n  {label} 42 **bold**")) == "42 **bold**"


def test_long_prose_streams_as_the_answer() -> None:
    """A model that ignores the labels is shown before it has finished."""
    parser = React().parser(TOOLS)
    events = parser.feed("word " * 100)

    assert _text(events + parser.close()) == "word " * 100
    assert len(_text(events)) > 400


def test_short_prose_alone_is_the_answer() -> None:
    """Without any label the whole reply answers, angle brackets and all."""
    assert _read("It is 5 < 6.") == [Text("It is 5 < 6.")]


def test_thought_alone_is_shown_as_the_answer() -> None:
    """A reply must not end in silence (Dify #2375)."""
    assert _text(_read("Thought: I know it: Paris.")) == "I know it: Paris."


def test_prose_before_an_action_is_a_thought() -> None:
    """What comes before the action is not the answer."""
    events = _read(f"I will look at the clock.\n{_ACTION}")

    assert (_thoughts(events), _text(events)) == ("I will look at the clock.", "")
    assert _calls(events) == [("now", {})]


def test_reasoning_is_told_from_thoughts() -> None:
    """`<think>` is the model's own; no action inside it counts."""
    events = _read(f"<think>maybe\n{_ACTION}</think>Thought: so\n{_ACTION}")

    assert _calls(events) == [("now", {})]
    assert events[0] == Reasoning(f"maybe\n{_ACTION}")
    assert _thoughts(events) == "so"


@pytest.mark.parametrize("draft", [f"Maybe so:\n{_ACTION}", f"Thought: hm\n{_ACTION}"])
def test_drafts_before_a_lone_closing_tag_are_taken_back(draft: str) -> None:
    """Some templates open the reasoning in the prompt: what is said of it counts, not its calls."""
    reply = f"{draft}\n</think>\nThought: no\nFinal Answer: 4"
    for pieces in ways_to_cut(reply):
        unknown = read_all(React().parser(TOOLS, starts_in_reasoning=None), pieces)
        known = read_all(React().parser(TOOLS, starts_in_reasoning=True), pieces)
        so_far = unknown.index(ReasoningSoFar(f"{draft}\n"))

        assert join_text(unknown[so_far + 1 :]) == [LabelledThought("no"), Text("4")]
        assert (_calls(known), _text(known)) == ([], "4")


def test_invented_observation_and_all_behind_it_are_dropped() -> None:
    """DB-GPT#3074: the whole loop is dreamed up in one reply."""
    reply = f"Thought: a\n{_ACTION}\nObservation: 9\n{_ACTION}\nFinal Answer: nine"

    assert _calls(_read(reply)) == [("now", {})]
    assert _text(_read(reply)) == ""


def test_action_comes_before_an_answer_beside_it() -> None:
    """The answer was written without the tool's result."""
    for glue in ("\n", "\nThought: done\n"):
        events = _read(f"{_ACTION}{glue}Final Answer: 12:00")

        assert _calls(events) == [("now", {})]
        assert _text(events) == ""


def test_several_actions_without_observation_all_run() -> None:
    """Side by side, as JSON or as lines."""
    lines = 'Action: now\nAction Input: {}\nAction: get_weather\nAction Input: {"city": "Rome"}'

    assert _calls(_read(f"{_ACTION}\n{_ACTION}")) == [("now", {}), ("now", {})]
    assert _calls(_read(lines)) == [("now", {}), ("get_weather", {"city": "Rome"})]


@pytest.mark.parametrize(
    "quoted",
    [
        'Thought: say {"action": "now", "action_input": {}} first',
        'Thought: the data\n{"name": "Bob", "input": 3}\nis odd',
        'Thought: the tool\n{"action": "unknown", "action_input": {}}',
        'Final Answer: {"action": "now", "action_input": {}}',
        '```python\nprint({"action": "now"})\n```',
    ],
)
def test_json_that_is_no_action_is_not_run(quoted: str) -> None:
    """Dify runs JSON from thoughts and answers; here it takes a line, and a known tool."""
    assert _calls(_read(quoted)) == []


def test_answer_dressed_up_as_an_action() -> None:
    """LangChain's form of the final answer."""
    reply = 'Thought: x\n```json\n{"action": "Final Answer", "action_input": "42"}\n```'

    assert _text(_read(reply)) == "42"


@pytest.mark.parametrize("line", ["Action: None", "Action: N/A\nAction Input: None"])
def test_no_action_is_no_call(line: str) -> None:
    """crewAI#4186: models say that they need none."""
    assert _calls(_read(f"Thought: easy\n{line}\nFinal Answer: 4")) == []


def test_markers_inside_json_are_data() -> None:
    """Labels and fences in a string neither end the input nor start anything."""
    content = "a\\nObservation: b\\n```\\nAction: now"
    reply = f'Action: python\nAction Input: {{"code": "{content}"}}\nThought: go'

    assert _calls(_read(reply)) == [("python", {"code": json.loads(f'"{content}"')})]


# ---- odd forms of real models

_ROME = '{"city": "Rome"}'
_WEATHER = f"Action: get_weather\nAction Input: {_ROME}"


@pytest.mark.parametrize(
    "step",
    [
        f"思考：要查\n行动：get_weather\n行动输入：{_ROME}",
        f"### Thought\nI look.\n### Action\nget_weather\n### Action Input\n{_ROME}",
        f"### Action: get_weather\n### Action Input: {_ROME}",
        f"**Thought**\nI look.\n**Action:** `get_weather`\n**Action Input:** {_ROME}",
        f"Thought 1: I look.\nAction 1: get_weather\nAction Input 1: {_ROME}\nObservation 1: x",
        f"Thought: a\nAction: get_weather Action Input: {_ROME}",
        f"Thought: a\nAction: get_weather({_ROME})",
        f"Thought: a\nAction: get_weather {_ROME}",
        f"Thought: a\nAction: get_weather\n{_ROME}",
        f"Thought: a\nAction: [get_weather]\nAction Input: {_ROME}",
        f"Thought: 需要天气\nAction: 使用 get_weather 工具\nAction Input: {_ROME}",
        f"Thought: a\nAction: use the get_weather tool\nAction Input: {_ROME}",
        f"Thought: a\nAction: The tool to use is get_weather.\nAction Input: {_ROME}",
        f"Thought: a\nAction: I will ask get_weather, Action Input: {_ROME}",
        f"Thought: 需要天气\nAction: 接下来用get_weather查询\nAction Input: {_ROME}",
        f"{_WEATHER}\nAction Output: rain\nThought: so\nFinal Answer: rain",
        f'I look.\n{{"action": "get_weather", "action_input": {_ROME}}}',
        f'Thought: I look. Action: {{"action": "get_weather", "action_input": {_ROME}}}',
    ],
)
def test_a_step_in_another_dress_is_a_step(step: str) -> None:
    """Labels in Chinese, as headings, with numbers; names in words; inputs on the line."""
    events = _read(step)

    assert _calls(events) == [("get_weather", {"city": "Rome"})]
    assert _text(events) == ""


@pytest.mark.parametrize(
    "written",
    [
        f"```json\n{_ROME}\n```",
        f"\n```\n{_ROME}\n```\n",
        f"`{_ROME}`",
        f"JSON: {_ROME}",
        f"json\n{_ROME}",
        f"**{_ROME}**",
        f"** {_ROME}",
    ],
)
def test_what_stands_around_an_input_is_not_its_own(written: str) -> None:
    """Fences, backticks, bold and the word JSON."""
    assert _calls(_read(f"Action: get_weather\nAction Input: {written}")) == [
        ("get_weather", {"city": "Rome"})
    ]


@pytest.mark.parametrize(
    "ending",
    [
        "Action: Final Answer\nAction Input: 42",
        'Action: Final Answer\nAction Input: {"answer": "42"}',
        "Action: Final Answer\n42",
        "Action: FinalAnswer Action Input: 42",
        "行动：最终答案\n行动输入：42",
        "最终答案：42",
        "### Final Answer\n42",
        "**Final Answer**\n42",
        "I am done. Final Answer: 42",
        '{"action": "Final Answer", "action_input": {"answer": "42"}}',
    ],
)
def test_an_answer_in_another_dress_is_the_answer(ending: str) -> None:
    """As an action, in Chinese, as a heading, on the line of its thought."""
    events = _read(f"Thought: easy.\n{ending}")

    assert _text(events).strip() == "42"
    assert _calls(events) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The Final Answer: field is required, and Action: is a label.",
        "See below. Final Answer: is what the form calls it.",
        "Genres:\nAction: films with fights.\nDrama: films with tears.",
        "Notes.\nThought: be kind.\nAnd so on.",
        "My Action: {x} marks the place. Action: {x} does, too.",
        "我的行动：很简单。",
        "- Action: now",
        "word " * 80 + "\nThought: be kind.\nObservation: it rains.\nThe end.",
        '{"action": "now", "action_input": {}} is how I would write it.',
        'I wrote. Action: {"action": "now", "action_input": {}} and so on.',
    ],
)
def test_a_label_in_a_text_is_a_word_of_it(sentence: str) -> None:
    """Sentences and lists use the same words: nothing of them is lost."""
    events = _read(sentence)

    assert _text(events) == sentence
    assert not any(isinstance(event, Call | BrokenCall | FormatError) for event in events)


@pytest.mark.parametrize(
    "line", ["search[Rome]", 'search("Rome")', "search['Rome']", "search Action Input: Rome"]
)
def test_text_in_brackets_behind_the_name_is_the_input(line: str) -> None:
    """The form of the first ReAct prompts."""
    reply = f"Thought: a\nAction: {line}"

    assert _calls(_read(reply, [_needs("search")])) == [("search", {"query": "Rome"})]


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (
            f"Action: Use get_weather, then python.\nAction Input: {_ROME}",
            "Use get_weather, then python.",
        ),
        (f"Action: ask get_weather_now\nAction Input: {_ROME}", "ask get_weather_now"),
        (f"Action: ask my-get_weather\nAction Input: {_ROME}", "ask my-get_weather"),
        ("Action: ask for python.\nAction Input: None", "ask for python."),
        (f"Action: ask for python.\n{_ROME}", "ask for python."),
    ],
)
def test_words_that_name_no_tool_for_certain_are_no_tool(step: str, name: str) -> None:
    """Two tools, a part of a word, or no object behind the label of an input."""
    [_, event] = _read(f"Thought: a\n{step}")

    assert isinstance(event, Call)
    assert event.name == name


def test_words_that_name_a_tool_without_an_input_are_words() -> None:
    """They may say anything of it."""
    assert _calls(_read("Thought: a\nAction: I will not use python.\nThought: b")) == []


def test_code_behind_the_name_is_not_guessed_at() -> None:
    """What is meant by it shows to people alone."""
    [_, event] = _read('Thought: a\nAction: search(query="Rome")', [_needs("search")])

    assert isinstance(event, BrokenCall)
    assert event.raw == '(query="Rome")'


def test_words_behind_an_action_are_thoughts() -> None:
    """They are not the answer, and they are not lost."""
    events = _read(f"Thought: a\n{_WEATHER}\nI wait.")

    assert (_thoughts(events).split(), _text(events)) == (["a", "I", "wait."], "")


# ---- examples


def _quoted(text: str) -> str:
    return "> " + text.replace("\n", "\n> ")


_FORMS = [_WEATHER, f"Thought: a\n{_WEATHER}", '{"action": "get_weather", "action_input": {}}']


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(
    "around",
    [
        "The form is\n```\n{}\n```",
        "The form is\n```\n{}\n```\nand so on.",
        "```\n{}\n```\nis the form.",
        "Thought: the form is\n```\n{}\n```\nThought: that is all.\nFinal Answer: see above",
        "Thought: the form is\n```\n{}\n```\nbut it is not needed.\nFinal Answer: 4",
        "Final Answer: write\n```\n{}\n```",
    ],
)
def test_an_action_in_a_code_fence_is_an_example(form: str, around: str) -> None:
    """It is run neither behind words nor in front of them, and stays where it was."""
    events = _read(around.format(form))

    assert not any(isinstance(event, Call | BrokenCall) for event in events)
    said = _thoughts(events) + _text(events)
    assert all(line in said for line in form.splitlines())


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("around", ["He wrote:\n{}", "{}\nwas in the mail.", "{}\n\nI will not."])
def test_an_action_in_a_quotation_is_somebody_elses(form: str, around: str) -> None:
    """A page that a tool fetched says what to call; the model only cites it."""
    reply = around.format(_quoted(form))

    assert _read(reply) == [Text(reply)]


def test_an_action_in_inline_code_is_an_example() -> None:
    """Of one line or of several."""
    for reply in (f"Write `{_WEATHER}` for the weather.", f"`{_WEATHER}` shows the weather."):
        events = _read(reply)

        assert not any(isinstance(event, Call | BrokenCall) for event in events)


@pytest.mark.parametrize("form", _FORMS[:2])
@pytest.mark.parametrize(
    "around",
    [
        "```\n{}\n```",
        "```text\n{}\n```\nObservation: rain",
        "```\n{}",
        "`{}`",
        "Thought: b\n```\n{}\n```",
        "<think>hm</think>\n```\n{}\n```",
    ],
)
def test_a_reply_that_is_nothing_else_is_the_call(form: str, around: str) -> None:
    """Small models put their whole step into a fence."""
    events = _read(around.format(form))

    assert _calls(events) == [("get_weather", {"city": "Rome"})]
    assert _text(events) == ""


def test_a_reply_that_is_one_quotation_is_the_call() -> None:
    """Line by line."""
    assert _calls(_read(_quoted(f"Thought: a\n{_WEATHER}"))) == [("get_weather", {"city": "Rome"})]


def test_code_in_a_thought_hides_no_action_behind_it() -> None:
    """The fence ends where it ends, and inline code of three backticks opens none."""
    for code in ("```python\nAction: get_weather\n```", "```x``` is code"):
        events = _read(f"Thought: see\n{code}\nAction: now\nAction Input: {{}}")

        assert _calls(events) == [("now", {})]


# ---- plain inputs


def _needs(name: str, kind: str = "string") -> ToolSpec:
    """Describe a tool with one required parameter and one that is not."""
    parameters = {
        "type": "object",
        "properties": {"limit": {"type": "integer"}, "query": {"type": kind}},
        "required": ["query"],
    }
    return ToolSpec(name=name, description="", parameters=parameters)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" NBA", "NBA"),
        (" what is\nthe score?\nObservation: 1", "what is\nthe score?"),
        (' "NBA"', "NBA"),
        (" `NBA`", "NBA"),
        ("\n```python\nprint(1)\n```", "print(1)"),
        (" Run this:\n```\nprint(1)\n```", "Run this:\n```\nprint(1)\n```"),
    ],
)
def test_plain_input_goes_to_the_only_required_text(written: str, read: str) -> None:
    """Optional parameters stand back, and what is put around the text is taken away."""
    reply = f"Action: search\nAction Input:{written}"

    assert _calls(_read(reply, [_needs("search")])) == [("search", {"query": read})]


@pytest.mark.parametrize(
    "asked", [_needs("search", "integer"), tool("search", query="string"), TOOLS[1]]
)
def test_plain_input_that_fits_no_parameter_for_certain_is_given_back(asked: ToolSpec) -> None:
    """A number, an optional text or one of several: what was understood is told."""
    [event] = _read(f"Action: {asked.name}\nAction Input: NBA", [asked])

    assert isinstance(event, BrokenCall)
    assert '"NBA"' in event.problem
    assert "JSON object" in event.problem


def test_guessed_json_is_given_back() -> None:
    """Quotes inside a string can be read in two ways, so the tool does not run."""
    guess = '{"code": "print("a")"}'
    for reply in (
        f"Action: python\nAction Input: {guess}",
        f'Action: {{"action": "python", "action_input": {guess}}}',
    ):
        [event] = _read(reply)

        assert isinstance(event, BrokenCall)
        assert "understood as" in event.problem
        assert event.raw


def test_plain_input_for_several_parameters_is_refused() -> None:
    """Nobody can tell which one is meant."""
    [event] = _read("Action: write_file\nAction Input: hello")

    assert isinstance(event, BrokenCall)
    assert "path, content" in event.problem


def test_empty_inputs_are_empty() -> None:
    """A tool without parameters is called with none, whatever word stands for that."""
    for given_input in ("", " None", " {}", " n/a", " null"):
        assert _calls(_read(f"Action: now\nAction Input:{given_input}")) == [("now", {})]


# ---- what must not run


def test_cut_input_is_never_run() -> None:
    """Half an object is none, and text without an end may go on."""
    for reply, cut_short in (
        ('Action: get_weather\nAction Input: {"city": "Par', False),
        ('Action: {"action": "get_weather", "action_input": {"city": "Par', False),
        ("Action: python\nAction Input: print(", True),
        ("Action: python\nAction Input:", True),
        ('Action: get_weather\nAction Input: {"city": "Rome"', True),
        ('Action: {"action": "get_weather", "action_input": {"city": "Rome"}', True),
        ('{"action": "get_weather", "action_input": {"city": "Rome"}', True),
        ("Action: now", True),
    ):
        [event] = _read(reply, cut_short=cut_short)

        assert isinstance(event, BrokenCall)


def test_missing_input_is_asked_for() -> None:
    """A tool is not called with arguments that the model has not written."""
    search = ToolSpec(name="search", description="", parameters={"required": ["query"]})
    [event] = _read("Action: search", [search])

    assert isinstance(event, BrokenCall)
    assert "Action Input" in event.problem


@pytest.mark.parametrize(
    "reply",
    ['Action: {"action": {"x": 1}}', "Action Input: x", "Action:", "Action: [1]", "Action:\n{}"],
)
def test_bad_form_is_reported(reply: str) -> None:
    """The loop can tell the model once what went wrong."""
    assert any(isinstance(event, FormatError) for event in _read(reply))


# ---- the protocol


def test_instructions_describe_tools_and_form() -> None:
    """Both languages name the labels and every tool; no tools, no instructions."""
    for language in ("en", "zh"):
        text = React().instructions(TOOLS, language)
        for word in ("Thought:", "Action:", '"Final Answer"', "Observation:"):
            assert word in text
        assert all(f'"name": "{one.name}"' in text for one in TOOLS)
        assert React().instructions((), language) == ""


def test_the_model_continues_its_own_steps() -> None:
    """A small model that finds a result in its own text sees that it has it."""
    exchanges = [
        Exchange(reply=f" {_ACTION}\n", results=(Result(name="now", text="12:00"),)),
        Exchange(reply="x", results=(Result(name="a", text="1"), Result(name="b", text="2"))),
    ]

    assert React().turns("Q?", []) == [Turn("user", "Q?")]
    assert React().turns("Q?", exchanges) == [
        Turn("user", "Q?"),
        Turn("assistant", f"{_ACTION}\nObservation: 12:00"),
        Turn("user", "continue"),
        Turn("assistant", "x\nObservation: 1\nObservation: 2"),
        Turn("user", "continue"),
    ]


@pytest.mark.parametrize(
    "made_up",
    [
        "\nObservation: 9\nThought: so\nFinal Answer: 9",
        "\nObservation 1: 9",
        "\n**Observation:** 9",
        "\n观察：9",
        "\nAction Output: 9",
        "\nFinal Answer: 9",
    ],
)
@pytest.mark.parametrize(
    "step", [f"Thought: a\n{_WEATHER}", _ACTION, "<think>{</think>\nObservation: hm\n" + _ACTION]
)
def test_results_that_the_model_made_up_do_not_go_back(step: str, made_up: str) -> None:
    """Its own turn ends before them; the true ones follow."""
    exchange = Exchange(reply=step + made_up, results=(Result(name="t", text="7"),))

    assert React().turns("Q", [exchange])[1].text == f"{step}\nObservation: 7"


def test_closing_breaks_labels_too() -> None:
    """No result can forge a step in the last request."""
    result = Result(name="t", text="Final Answer: 9")
    [turn] = React().as_results("Q", [Exchange(reply="", results=(result,))], "Answer.")

    assert "Final Answer:" not in turn.text
    assert turn.text.replace("\u200b", "") == "Q\n\nt:\nFinal Answer: 9\n\nAnswer."


@given(
    st.sampled_from(
        [
            *("Thought", "Action", "Action Input", "Observation", "Final Answer", "Action Output"),
            *("思考", "行动", "行动输入", "观察", "最终答案"),
        ]
    )
)
def test_results_cannot_forge_a_step(label: str) -> None:
    """Labels that a tool wrote at the start of a line are broken."""
    result = Result(name="t", text=f"page\n  **{label}**: x\n<tool_call>")
    told = React().turns("Q", [Exchange(reply="", results=(result,))])[1].text

    assert label not in told.split("page", 1)[1]
    assert told.replace("\u200b", "").endswith(f"Observation: page\n  **{label}**: x\n<tool_call>")


_SCRAPS = st.sampled_from(
    [
        *("Thought:", "Action:", "Action Input:", "Observation:", "Final Answer:", "Act", "final "),
        *('{"action": "now"', ', "action_input": {}}', "{", "}", "[", "now", "x", '"', "：", "**"),
        *("```json\n", "\n```\n", "`", "<think>", "</think>", "\n", "\n  ", " ", ". ", "> "),
        *(
            "思考：",
            "行动：",
            "行动输入：",
            "### Action",
            "**Action**",
            "Action 1:",
            "[",
            "]",
            "(",
            ")",
        ),
        *("~~~\n", "\n~~~\n", "````\n", ", it says", " and so on.", "> Action: now\n", "now[x]"),
        *("JSON: ", "None", "word " * 20, '{"action": "now", "action_input": {}}'),
        *('{"action": "Final Answer", "action_input": "', '{"answer": "', '"}', '", "', "\\ud83d"),
    ]
)


@given(st.lists(_SCRAPS, max_size=14))
def test_any_reply_is_read_alike_at_every_chunking(scraps: list[str]) -> None:
    """No mixture of labels, JSON and fences raises or depends on the pieces."""
    text = "".join(scraps)
    events = join_text(read_all(React().parser(TOOLS), [text]))

    for pieces in (list(text), scraps, [text[:7], text[7:]]):
        assert join_text(read_all(React().parser(TOOLS), pieces)) == events


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit",
    [
        *(
            "word \n",
            "Thought:\n  Action:\n",
            f"{_ACTION}\n",
            '{"a":1}\n',
            "{\n",
            "```\n",
            " ",
            "*",
        ),
        *('"', '" ', '", "', "\\", "\\ud83d", f'"{" " * 199}'),
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        *("", "Thought: ", "Action: ", "Action: now\nAction Input: "),
        'Action: {"name": "Final Answer", "arguments": {"answer": "',
    ],
)
def test_reading_is_linear(start: str, unit: str) -> None:
    """A long reply is not read again and again, however it is cut."""
    text = start + unit * (60_000 // len(unit))
    started = time.process_time()
    for size in (5, len(text)):
        read_all(React().parser(TOOLS), [text[at : at + size] for at in range(0, len(text), size)])

    assert time.process_time() - started < 3  # a quadratic reader takes minutes


def test_of_a_guess_no_more_is_told_than_was_written() -> None:
    """Of one action its input; of several all, as any of them may hold the guess."""
    one = '{"action": "look", "action_input": {"q": two lamps}}'
    two = f'[{{"action": "look", "action_input": {{"q": "a"}}}}, {one}]'
    problems = [actions_in_text(text, is_cut=False)[0] for text in (one, two)]

    assert all(isinstance(problem, BrokenCall) for problem in problems)
    assert 'understood as {"q": "two lamps"}.' in str(problems[0])
    assert "two lamps" in str(problems[1])
