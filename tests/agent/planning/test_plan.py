"""Reading a plan from what a model wrote."""

from collections.abc import Sequence

import pytest

from strategies.agent.interface.events import PlannedStep
from strategies.agent.planning.plan import DirectAnswer, read_plan

TOOLS = ("search", "weather")


def read(said: str, first: int = 1, done: tuple[int, ...] = ()) -> tuple[PlannedStep, ...] | None:
    """Read a plan for two tools."""
    return read_plan(said, first=first, tools=TOOLS, done=done)


TWO = (
    PlannedStep(id=1, task="Find A.", tools=("search",)),
    PlannedStep(id=2, task="Compare.", after=(1,)),
)


@pytest.mark.parametrize(
    "said",
    [
        (
            '{"steps": [{"id": 1, "task": "Find A.", "tools": ["search"], "after": []},'
            ' {"id": 2, "task": "Compare.", "tools": [], "after": [1]}]}'
        ),
        (
            '```json\n{"steps": [{"id": 1, "task": "Find A.", "tools": ["search"]},'
            ' {"id": 2, "task": "Compare.", "after": 1}]}\n```'
        ),
        (
            'Here is the plan: {"plan": [{"step": 1, "description": "Find A.", "tool": "search"},'
            ' {"step": 2, "description": "Compare.", "depends_on": ["step_1"]}]}'
        ),
        (
            '[{"id": "a", "task": "Find A.", "tools": "search, unknown"},'
            ' {"id": "b", "task": "Compare.", "after": ["a"]}]'
        ),
        (
            "{'steps': [{'id': '#E1', 'task': 'Find A.', 'tools': [{'name': 'search'}]},"
            " {'id': '#E2', 'task': 'Compare.', 'dependencies': '#E1'},]}"
        ),
    ],
)
def test_a_plan_is_read_in_every_form(said: str) -> None:
    """Fences, prose, other names, ids of any kind, single quotes."""
    assert read(said) == TWO


@pytest.mark.parametrize(
    "said",
    [
        "",
        "I would first search.",
        '{"steps": "none"}',
        '{"steps": [{"id": 1}]}',
        '{"steps": [{"id": 1, "task": "Find',
        "42",
        '{"steps": [' + ", ".join(['{"task": "x"}'] * 21) + "]}",
    ],
)
def test_what_is_no_plan(said: str) -> None:
    """Prose, a step without a task, a plan that was cut off, one that is too long."""
    assert read(said) is None


def test_an_empty_plan_is_a_plan() -> None:
    """A revision may find that nothing is left to do."""
    assert read('{"steps": []}') == ()


def test_a_revised_plan_counts_on_and_builds_on_what_is_done() -> None:
    """Its own ids win over those of the steps that are done."""
    said = '{"steps": [{"id": 4, "task": "B", "after": [1]}, {"id": 5, "task": "C", "after": [4]}]}'
    steps = read(said, first=3, done=(1, 2))

    assert steps is not None
    assert [(step.id, step.after) for step in steps] == [(3, (1,)), (4, (3,))]


def test_steps_that_wait_for_one_another_do_not_wait_for_ever() -> None:
    """They wait for earlier ones alone; nothing waits for a step that is not there."""
    said = '[{"id": 1, "task": "A", "after": [2, 1]}, {"id": 2, "task": "B", "after": [1, 9]}]'
    steps = read(said)

    assert steps is not None
    assert [step.after for step in steps] == [(), (1,)]


@pytest.mark.parametrize(
    ("ids", "after", "waits"),
    [
        ('1.1, 1.2, "2.1"', "[1.1, 1.2]", (1, 2)),
        ('"1a", "1b", "1c"', '["1a", "1b"]', (1, 2)),
        ("1.0, 2.0, 3.0", "[1.0, 2]", (1, 2)),
        ('"1.0", "2.0", "3.0"', "[1, 2.0]", (1, 2)),
        ("1, 2, 3", "[1.0, 2.0]", (1, 2)),
        ('"01", "step 2", "3"', '["1", "#E2"]', (1, 2)),
        ('"１", "二", "3"', '[1, "二"]', (1, 2)),
        ('"a1", "b1", "c"', '"a1, b1"', (1, 2)),
        ('"a1", "b1", "c"', '["A1"]', (1,)),
    ],
)
def test_a_step_waits_for_what_it_names(ids: str, after: str, waits: Sequence[int]) -> None:
    """By the exact id first, and by its number where that is written otherwise."""
    a, b, c = ids.split(", ")
    steps = read(
        f'[{{"id": {a}, "task": "A"}}, {{"id": {b}, "task": "B"}},'
        f' {{"id": {c}, "task": "C", "after": {after}}}]'
    )

    assert steps is not None
    assert [step.after for step in steps] == [(), (), waits]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("length", [4_100, 4_300, 4_301, 5_000])
def test_an_id_of_thousands_of_digits(quote: str, length: int) -> None:
    """Python refuses to convert numbers so long; a reply is no reason to raise."""
    number = f"{quote}{'7' * length}{quote}"
    steps = read(
        f'[{{"id": {number}, "task": "A"}}, {{"id": 2, "task": "B", "after": [{number}]}}]'
    )

    assert steps is None or [step.after for step in steps] == [(), (1,)]


def test_a_plan_made_to_take_long_is_read_soon() -> None:
    """Blanks in a list of names cost no more than other characters."""
    steps = read('[{"task": "A", "after": "' + " " * 1_000_000 + '1"}]')

    assert steps == (PlannedStep(id=1, task="A"),)


def test_a_task_is_long_enough_to_be_of_use_and_no_longer() -> None:
    """It stands in prompts, logs and outputs."""
    steps = read(f'[{{"task": "{"A" * 1_500}"}}, {{"task": "Begin {"B" * 15_000} end"}}]')

    assert steps is not None
    assert steps[0].task == "A" * 1_500
    assert len(steps[1].task) <= 2_000
    assert steps[1].task.startswith("Begin B")
    assert steps[1].task.endswith("B end")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('{"steps": [], "answer": "It is \\"4\\"."}', 'It is "4".'),
        ('```json\n{\n  "steps": [],\n  "answer": "4\\n5"\n}\n```', "4\n5"),
        ('{"steps": [], "answer": "cut o', "cut o"),
        ('{"steps": [], "answer": ""}', ""),
        ('{"steps": [{"task": "Look"}], "answer": "made up"}', ""),
        ('{"steps": []}', ""),
        ("The answer is 4.", ""),
    ],
)
def test_a_direct_answer_at_every_cut(said: str, answer: str) -> None:
    """It stands in a plan without steps, and what has come of it is told piece by piece."""
    for at in range(len(said) + 1):
        direct = DirectAnswer()
        told = [direct.read(said[:at]), direct.read(said[at:]), direct.read("", ending=True)]

        assert "".join(told) == direct.text == answer
