"""Plan and Execute through the plugin's real process."""

import json
from typing import Any

from tests.e2e.test_wire import assert_clean, labels
from workbench.base.ports import AnswerError
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    says,
    text_output,
    tool,
    tool_call,
)
from workbench.host.daemon import Host

PLAN = json.dumps(
    {
        "steps": [
            {"id": 1, "task": "Find the oak.", "tools": ["look"], "after": []},
            {"id": 2, "task": "Tell its age.", "tools": [], "after": [1]},
        ]
    }
)


def test_a_plan_from_the_question_to_the_answer(host: Host) -> None:
    """Logs nest, the checklist ticks off, the outputs hold the plan."""
    model = ScriptedModel(
        says(PLAN),
        calls(tool_call("look", {"q": "oak"})),
        says("The oak stands by the lake."),
        says("It is 300 years old."),
        says("The oak by the lake is 300 years old."),
    )
    run = host.run(
        ask("How old is the oak?", tool("look")),
        model=model,
        tools=ScriptedTools(look=[text_output("by the lake")]),
        strategy="plan_and_execute",
    )
    rows: list[dict[str, Any]] = run.variables["plan"]

    assert_clean(run)
    assert run.variables["answer"] == "The oak by the lake is 300 years old."
    assert run.text.startswith("- ☐ 1. Find the oak.\n- ☐ 2. Tell its age.\n")
    assert run.text.endswith(run.variables["answer"])
    assert [(row["status"], row["result"]) for row in rows] == [
        ("done", "The oak stands by the lake."),
        ("done", "It is 300 years old."),
    ]
    assert [call["name"] for call in run.variables["tool_calls"]] == ["look"]
    assert labels(run)[0] == "PLAN → 2 steps"
    assert [one for one in labels(run) if one.startswith(("STEP", "ANSWER"))] == [
        "STEP 1 Find the oak.",
        "STEP 2 Tell its age.",
        "ANSWER",
    ]
    parents = {log["label"]: log["parent_id"] for log in run.logs}
    assert parents["STEP 1 Find the oak."] is None
    assert all(parents[one] for one in labels(run) if one.startswith(("ROUND", "CALL")))


def test_the_plan_can_be_hidden(host: Host) -> None:
    """Then the text is the answer alone."""
    model = ScriptedModel(says(PLAN), says("By the lake."), says("300."), says("It is 300."))
    run = host.run(
        ask("How old is the oak?", tool("look"), hide_plan=True),
        model=model,
        strategy="plan_and_execute",
    )

    assert_clean(run)
    assert run.text == "It is 300."


def test_a_failure_closes_every_log(host: Host) -> None:
    """Also those of a plan that is never written."""
    run = host.run(
        ask("How old is the oak?", tool("look")),
        model=ScriptedModel([AnswerError("[openai] Incorrect API key provided, 401")]),
        strategy="plan_and_execute",
    )

    assert "API key" in (run.error or "")
    assert run.open_logs == []


def test_a_step_with_few_rounds_is_not_let_search_for_tools(host: Host) -> None:
    """What it finds could no longer be called; it is shown what its plan names, and what fits."""
    tools = [tool(f"look_up_{number}") for number in range(60)]
    steps = [{"id": one, "task": f"Find {one}.", "tools": ["look_up_7"]} for one in range(1, 5)]
    for iterations, searches in ((6, False), (30, True)):
        replies = [says(f"Found {one}.") for one in range(1, 5)]
        model = ScriptedModel(says(json.dumps({"steps": steps})), *replies, says("Done."))
        run = host.run(
            ask("What is there?", *tools, maximum_iterations=iterations),
            model=model,
            strategy="plan_and_execute",
        )
        offered = [{one["name"] for one in request["tools"]} for request in model.requests[1:5]]

        assert_clean(run)
        assert all("look_up_7" in names for names in offered)
        assert [("find_tools" in names) for names in offered] == [searches] * 4
