"""The demo model against the real text protocols: it is understood, and it understands."""

import pytest

from strategies.protocols.base import Call, Exchange, Language, Result, ToolSpec
from strategies.protocols.registry import TEXT_PROTOCOLS
from workbench.demo_model import reply
from workbench.ports import Json

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
