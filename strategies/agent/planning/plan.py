"""A plan, read from what a model wrote.

Its JSON is read as leniently as the arguments of a call. What a plan cannot do without is a list of
steps of which each has a task; everything else is taken as far as it makes sense.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from unicodedata import normalize

from strategies.agent.interface.events import PlannedStep
from strategies.agent.prompt.shortening import cut
from strategies.protocols.json.read import Unreadable, read_value
from strategies.protocols.react.answer_string import AnswerString
from strategies.protocols.stream.cursor import Cursor

MOST_STEPS = 20
"""Steps beyond which a plan is no help: each costs a model call at least."""

_TASK_LENGTH = 2_000
"""Characters of a task, which stands in prompts, logs and the outputs."""

_ANSWER_HEAD = re.compile(
    r'\s*+(?:```\w*+\s*+)?\{\s*+"steps"\s*+:\s*+\[\s*+\]\s*+,\s*+"answer"\s*+:\s*+"'
)
_LISTS = ("steps", "plan", "tasks")
_TASKS = ("task", "description", "instruction", "goal", "title", "step", "name")
_TOOLS = ("tools", "tool", "needs")
_AFTER = ("after", "depends_on", "dependsOn", "dependencies", "depends")
_IDS = ("id", "number", "step_id", "step")


class DirectAnswer:
    """Reads the answer that stands in a plan without steps, while it streams."""

    def __init__(self) -> None:
        self._cursor = Cursor()
        self._string: AnswerString | None = None
        self.text = ""
        """What has become certain of it; blank where there is none."""

    def read(self, piece: str, *, ending: bool = False) -> str:
        """Take the next piece of the reply, and return the next piece of the answer."""
        cursor = self._cursor
        cursor.add(piece)
        if self._string is None:
            head = _ANSWER_HEAD.match(cursor.text, cursor.at)
            if head is None:
                return ""
            cursor.at = head.end()
            self._string = AnswerString()
        said = "" if self._string.is_over else self._string.read(cursor, ending=ending)
        self.text += said
        return said


def read_plan(
    said: str, *, first: int, tools: Sequence[str], done: Sequence[int] = ()
) -> tuple[PlannedStep, ...] | None:
    """Read the steps of a plan; None where there is no plan that can be carried out.

    Args:
        said: the model's reply.
        first: the id of the first step; the model's own are translated.
        tools: the names of the tools that there are; others are left out.
        done: the ids of the steps of an earlier plan, on which the new ones may build.
    """
    read = read_value(said)
    if isinstance(read, Unreadable):
        return None
    rows = _rows(read.value)
    if rows is None or len(rows) > MOST_STEPS or any(not _task(row) for row in rows):
        return None
    ids = {str(number): number for number in done}
    ids |= {_id(row, place): first + place for place, row in enumerate(rows)}
    steps = [
        PlannedStep(
            id=first + place,
            task=cut(_task(row), _TASK_LENGTH),
            tools=tuple(name for name in _names(row, _TOOLS) if name in tools),
            after=tuple(one for one in _after(row, ids) if one != first + place),
        )
        for place, row in enumerate(rows)
    ]
    return tuple(_without_circles(steps, done))


def _rows(value: object) -> list[Mapping[str, object]] | None:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        value = next((fields[name] for name in _LISTS if name in fields), None)
    if not isinstance(value, list):
        return None
    rows: list[Mapping[str, object]] = []
    for row in cast("list[object]", value):
        known = cast("Mapping[str, object]", row) if isinstance(row, Mapping) else {"task": row}
        rows.append(known)
    return rows


def _task(row: Mapping[str, object]) -> str:
    said = (row.get(name) for name in _TASKS)
    return next((one.strip() for one in said if isinstance(one, str) and one.strip()), "")


def _id(row: Mapping[str, object], place: int) -> str:
    said = (row.get(name) for name in _IDS)
    own = next((str(one) for one in said if isinstance(one, int | float | str) and str(one)), "")
    return _exact(own) if own and own != _task(row) else str(place + 1)


def _names(row: Mapping[str, object], keys: Sequence[str]) -> list[str]:
    value = next((row[key] for key in keys if key in row), None)
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    names: list[str] = []
    for item in items:
        named = _named(item)
        names += str(named).split(",") if named is not None else []
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _named(item: object) -> object:
    if not isinstance(item, Mapping):
        return item
    fields = cast("Mapping[str, object]", item)
    return fields.get("name") or fields.get("id")


def _after(row: Mapping[str, object], ids: Mapping[str, int]) -> list[int]:
    # Bare ids are for those that are named otherwise: `1.1` and `2.1`, `1a` and `1b` are two each.
    bare = {_bare(name): number for name, number in ids.items()}
    named = (ids.get(_exact(name), bare.get(_bare(name))) for name in _names(row, _AFTER))
    return list(dict.fromkeys(one for one in named if one is not None))


def _exact(said: str) -> str:
    return normalize("NFKC", said).strip().casefold().removesuffix(".0")


def _bare(said: str) -> str:
    """Take `step_1`, `#E1` and `1` for the same."""
    digits = re.findall(r"\d+", _exact(said))
    return digits[-1].lstrip("0") or "0" if digits else _exact(said)


def _without_circles(steps: Sequence[PlannedStep], done: Sequence[int]) -> list[PlannedStep]:
    """Let steps that wait for one another wait for earlier ones alone."""
    free, left = set(done), list(steps)
    while left:
        ready = [step for step in left if free.issuperset(step.after)]
        if not ready:
            return [_after_earlier_ones(step) for step in steps]
        free.update(step.id for step in ready)
        left = [step for step in left if step not in ready]
    return list(steps)


def _after_earlier_ones(step: PlannedStep) -> PlannedStep:
    return replace(step, after=tuple(one for one in step.after if one < step.id))
