"""The second strategy, through the real process."""

from typing import Any

import pytest

from tests.e2e.test_wire import assert_clean, labels
from workbench.bench.scripted import ScriptedModel, ScriptedTools, ask, says, text_output, tool
from workbench.host.daemon import Host

ACTION = 'Thought: I should look.\nAction: {"action": "look", "action_input": {"q": "x"}}'


@pytest.mark.parametrize("chosen", [{}, {"tool_protocol": "react"}, {"tool_protocol": ""}])
def test_thought_action_observation_answer(host: Host, chosen: dict[str, Any]) -> None:
    """The thought is reasoning, the observation goes back, and the final answer is the text."""
    model = ScriptedModel(
        says(f"{ACTION}\nObservation: invented", pieces=30),
        says("Thought: I know.\nFinalAnswer: A tree."),
    )
    run = host.run(
        ask("What?", tool("look"), **chosen),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
        strategy="react",
    )
    second = str(model.requests[1]["prompt_messages"])

    assert_clean(run)
    assert model.requests[0]["tools"] is None
    assert model.requests[0]["stop"] == ["\nObservation:"]
    assert "bark" in second
    assert "invented" not in run.text
    assert run.variables["answer"].strip() == "A tree."
    assert "I should look." in run.variables["reasoning_content"]
    assert labels(run)[0] == "ROUND 1 → look"


def test_react_as_a_protocol_of_function_calling(host: Host) -> None:
    """The same by the parameter `tool_protocol`."""
    model = ScriptedModel(says(ACTION), says("Final Answer: A tree."))
    run = host.run(
        ask("What?", tool("look"), tool_protocol="react"),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )

    assert_clean(run)
    assert run.variables["answer"].strip() == "A tree."
