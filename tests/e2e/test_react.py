"""The second strategy, through the real process."""

import json
from typing import Any

import pytest

from tests.e2e.test_wire import assert_clean, labels
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    ask,
    chunk,
    says,
    text_output,
    tool,
    usage,
)
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


def test_an_answer_written_as_json_streams(host: Host) -> None:
    """Its text is with the reader piece by piece, not when the JSON is whole."""
    opening = (
        'Thought: I know.\nAction:\n```json\n{"name": "Final Answer", "arguments": {"answer": "'
    )
    pieces = [f"{opening}A ", 0.2, "tall", 0.2, ' tree."}', 0.2, "}\n```"]
    steps = [chunk(piece) if isinstance(piece, str) else piece for piece in pieces]
    run = host.run(
        ask("What?", tool("look"), separate_reasoning=True),
        model=ScriptedModel([*steps, chunk(usage=usage(), finish="stop")]),
        strategy="react",
    )
    texts = [m["message"]["text"] for m in run.messages if m["type"] == "text"]

    assert_clean(run)
    assert texts == ["A ", "tall", " tree."]
    assert run.variables["answer"] == "A tall tree."


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


@pytest.mark.parametrize("protocol", ["native", "hermes", "qwen3_coder"])
def test_a_model_that_writes_json_in_fences_goes_on_in_react(host: Host, protocol: str) -> None:
    """It finds its own turn again, with the result in it, and answers in the same form."""
    wrote = '```json\n{"name": "look", "arguments": {"q": "x"}}\n```'
    answers = '```json\n{"name": "Final Answer", "arguments": {"answer": "A tree."}}\n```'
    model = ScriptedModel(says(wrote, pieces=5), says(answers, pieces=9))
    run = host.run(
        ask("What?", tool("look"), tool_protocol=protocol),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )
    first, second = model.requests

    assert_clean(run)
    assert bool(first["tools"]) == (protocol == "native")
    assert not second["tools"]
    assert second["stop"] == ["\nObservation:"]
    assert "Final Answer" in second["prompt_messages"][0]["content"]
    assert [m["content"] for m in second["prompt_messages"][1:]] == [
        "What?",
        f"{wrote}\nObservation: bark",
        "continue",
    ]
    assert run.variables["answer"].strip() == "A tree."
    assert run.text.strip() == "A tree."


def test_a_model_that_writes_markup_goes_on_in_markup(host: Host) -> None:
    """Whatever was chosen: from the second request on its calls are asked for as it writes them."""
    wrote = (
        "<tool_call>\n<function=look>\n<parameter=q>\nx\n</parameter>\n</function>\n</tool_call>"
    )
    models = {
        chosen: ScriptedModel(says(wrote, pieces=5), says("A tree."))
        for chosen in ("native", "qwen3_coder")
    }
    runs = [
        host.run(
            ask("What?", tool("look"), tool_protocol=chosen),
            model=model,
            tools=ScriptedTools(look=[text_output("bark")]),
        )
        for chosen, model in models.items()
    ]
    second = [model.requests[1]["prompt_messages"] for model in models.values()]

    for run in runs:
        assert_clean(run)
        assert run.text.strip() == "A tree."
    assert second[0] == second[1]


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"answer": {"type": "string"}}, {"answer": "A tree."}),
        (
            {"answer": {"type": "string"}, "sources": {"type": "array"}},
            {"answer": "A tree.", "sources": ["bark"]},
        ),
        ({"kind": {"type": "string"}}, {"kind": "tree"}),
    ],
)
def test_an_answer_of_some_shape_is_an_action_with_these_arguments(
    host: Host, schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """The prompt describes the answer like a tool; members called answer are not opened."""
    whole = {"type": "object", "properties": schema, "required": list(schema)}
    written = json.dumps({"name": "Final Answer", "arguments": arguments})
    model = ScriptedModel(says(f"Thought: I know.\nAction:\n```json\n{written}\n```", pieces=9))
    run = host.run(
        ask("What?", tool("look"), answer_schema=json.dumps(whole)), model=model, strategy="react"
    )
    described = {"name": "Final Answer", "description": "Give the answer, with what was found."}

    assert_clean(run)
    assert run.variables["structured_output"] == arguments
    assert json.dumps({**described, "parameters": whole}) in str(
        model.requests[0]["prompt_messages"][0]["content"]
    )


def test_an_answer_that_is_a_list_may_stand_in_the_action(host: Host) -> None:
    """A schema of something else than an object leaves the action's form as it is."""
    written = json.dumps({"name": "Final Answer", "arguments": {"answer": [1, 2]}})
    run = host.run(
        ask("Which?", tool("look"), answer_schema='{"type": "array"}'),
        model=ScriptedModel(says(f"Action:\n{written}", pieces=9)),
        strategy="react",
    )

    assert_clean(run)
    assert run.variables["structured_output"] == [1, 2]


@pytest.mark.parametrize(
    "reply",
    [
        'Thought: maybe {"kind": "tree"}\nFinal Answer: A tree.',
        '<think>maybe {"kind": "tree"}</think>\nFinal Answer: A tree.',
    ],
)
def test_a_draft_of_the_answer_in_a_thought_is_not_the_answer(host: Host, reply: str) -> None:
    """What the model answers does not fit, so it is asked again, and then the run says so."""
    model = ScriptedModel(says(reply, pieces=9), says(reply, pieces=9))
    schema = '{"type": "object", "required": ["kind"]}'
    run = host.run(ask("What?", tool("look"), answer_schema=schema), model=model, strategy="react")

    assert len(model.requests) == 2
    assert "`answer_schema`" in (run.error or "")
