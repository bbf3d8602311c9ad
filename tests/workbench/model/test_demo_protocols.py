"""The demo model against the real text protocols: it is understood, and it understands."""

import json

import pytest

from strategies.agent.schema.answer import Shaped, read_shape
from strategies.dify.inputs.knowledge import cited, passages_prompt, read_context
from strategies.protocols.base import Call, Exchange, Language, Result, ToolSpec
from strategies.protocols.registry import TEXT_PROTOCOLS
from workbench.base.ports import Json
from workbench.model.demo import reply

TOOLS = [
    ToolSpec(
        name=name,
        description=f"The {name}.",
        parameters={
            "type": "object",
            "properties": {argument: {"type": "string"}},
            "required": [argument],
        },
    )
    for name, argument in (("current_time", "timezone"), ("calculator", "expression"))
]
QUESTION = "What time is it in Tokyo, and what is 23 × 19?"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(TEXT_PROTOCOLS.keys() - {"react"}))
def test_two_rounds_are_played_in_every_protocol(name: str, language: Language) -> None:
    """Two calls in the first reply, and the results in the second."""
    protocol = TEXT_PROTOCOLS[name]
    system: Json = {"role": "system", "content": protocol.instructions(TOOLS, language)}

    def ask(*exchanges: Exchange) -> str:
        turns = protocol.turns(QUESTION, exchanges)
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        return reply({"messages": [system, *messages]}).text

    first = ask()
    parser = protocol.parser(TOOLS)
    events = [*parser.feed(first), *parser.close()]
    calls = [event for event in events if isinstance(event, Call)]
    results = (
        Result(name="current_time", text="Saturday 18:00"),
        Result(name="calculator", text="437"),
    )
    answer = ask(Exchange(reply=first, results=results))

    assert [(call.name, dict(call.arguments)) for call in calls] == [
        ("current_time", {"timezone": "Asia/Tokyo"}),
        ("calculator", {"expression": "23 × 19"}),
    ]
    assert "rule-based demo model" in answer
    assert "Saturday 18:00" in answer
    assert "437" in answer


def test_react_calls_one_tool_a_step() -> None:
    """The second call follows the first one's observation, then the answer."""
    protocol = TEXT_PROTOCOLS["react"]
    system: Json = {"role": "system", "content": protocol.instructions(TOOLS, "en")}

    def ask(*exchanges: Exchange) -> str:
        turns = protocol.turns(QUESTION, exchanges)
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        return reply({"messages": [system, *messages]}).text

    first = Exchange(reply=ask(), results=(Result(name="current_time", text="Saturday 18:00"),))
    second = Exchange(reply=ask(first), results=(Result(name="calculator", text="437"),))
    answer = ask(first, second)

    assert "Action: current_time" in first.reply
    assert "Action: calculator" in second.reply
    assert "Saturday 18:00" in answer
    assert "437" in answer


@pytest.mark.parametrize("language", ["en", "zh"])
def test_passages_are_cited(language: Language) -> None:
    """As the plugin puts them before the model: the best sentence with its number."""
    passages = read_context(
        [
            {"title": "Coffee", "content": "Coffee is roasted."},
            {"title": "Tea", "content": "Leaves grow. Green tea is brewed at 80 degrees."},
        ]
    )
    system: Json = {"role": "system", "content": passages_prompt(passages, language, 4000)}
    question = "How hot is green tea brewed?"
    said = reply({"messages": [system, {"role": "user", "content": question}]}).text

    assert "- Green tea is brewed at 80 degrees. [2]" in said
    assert [source["n"] for source in cited(said, passages)] == [2]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(TEXT_PROTOCOLS))
def test_a_shape_is_filled(name: str, language: Language) -> None:
    """The answer fits the schema, whatever tools' schemas stand beside it."""
    fact: Json = {"type": "object", "properties": {"a": {}}}
    properties: Json = {
        "current_time": {"type": "string"},
        "calculator": {"type": "integer"},
        "mood": {"enum": ["calm", "wild"]},
        "facts": {"type": "array", "items": fact},
        "certain": {"type": ["boolean", "null"]},
        "share": {"type": "number"},
        "nothing": {"type": "null"},
        "kind": {"const": "demo"},
    }
    shape = read_shape({"type": "object", "properties": properties, "required": ["mood"]})
    assert shape is not None
    instructions = TEXT_PROTOCOLS[name].instructions(TOOLS, language)
    call: Json = {"id": "1", "function": {"name": "calculator", "arguments": "{}"}}
    messages: list[Json] = [
        {"role": "system", "content": f"{instructions}\n\n{shape.request(language)}"},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "437", "tool_call_id": "1"},
    ]
    tools: list[Json] = [{"function": {"name": "calculator"}}]
    shaped = shape.read(reply({"messages": messages, "tools": tools}).text)

    assert isinstance(shaped, Shaped)
    assert json.loads(shaped.text) == {
        "current_time": "calculator: 437",
        "calculator": 437,
        "mood": "calm",
        "facts": [{"a": "calculator: 437"}],
        "certain": True,
        "share": 437,
        "nothing": None,
        "kind": "demo",
    }
