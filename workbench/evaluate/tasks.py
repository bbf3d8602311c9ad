"""A task: a question, the tools it is offered, and what makes its run right.

The file's form is described in docs/evaluation.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workbench.base.ports import Json, is_object
from workbench.evaluate.fields import Fields, TaskFileError, as_list, shown, texts
from workbench.evaluate.first_reply import FirstCall, FirstReply
from workbench.evaluate.toolset import Tool, read_tool

OWN_TASKS = Path(__file__).parent / "sets"
"""The folder of the tasks that come with the workbench."""

type Fact = str | int | float
"""A text that stands in the answer, or a number that does, however it is written."""

type AnyOf = tuple[Fact, ...]
"""Spellings of a fact; one of them is enough."""

ANY_TOOL = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A tool that must run, with these arguments among its own."""

    tool: str
    arguments: Mapping[str, AnyOf] = field(default_factory=dict[str, AnyOf])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question and how its run is judged."""

    name: str
    kind: str
    question: str
    tools: Sequence[Tool] = ()
    quick: bool = False
    answer: Sequence[AnyOf] = ()
    """Facts that the answer must hold, all of them."""
    answer_not: Sequence[Fact] = ()
    answer_json: Json | None = None
    """Fields that the answer, read as JSON, must have."""
    calls: Sequence[Wanted] = ()
    calls_not: Sequence[str] = ()
    """Tools that must not run; `any` forbids them all."""
    turns: Sequence[str] = ()
    """Questions that are asked before, in the same conversation; the last answer is judged."""
    history: Sequence[Json] = ()
    first_reply: FirstReply | None = None
    """What stands for the model's first reply; None where it says that itself."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further parameters of the strategy, such as `instruction` or `answer_schema`."""


def read_tasks(paths: Sequence[Path]) -> list[Task]:
    """Read the tasks of some files; of a folder, those of its *.yml.

    Raises:
        TaskFileError: A file cannot be read or played; the sentence names file, task and key.
    """
    tasks = [task for path in paths for file in _files(path) for task in _tasks(file)]
    seen: dict[str, Task] = {}
    for task in tasks:
        if task.name in seen:
            raise TaskFileError(f"Two tasks are called {task.name!r}: give each its own name.")
        seen[task.name] = task
    return tasks


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    files = sorted([*path.glob("*.yml"), *path.glob("*.yaml")])
    if not files:
        raise TaskFileError(f"{path}: no *.yml file is in this folder.")
    return files


def _tasks(path: Path) -> list[Task]:
    fields = Fields(_loaded(path), str(path))
    fields.take("description")
    shared = {
        name: read_tool(name, value, f"{path}, tool {name}")
        for name, value in fields.mapping("tools").items()
    }
    forbidden = tuple(_facts(fields.items("answer_not"), fields.at("answer_not")))
    rows = fields.items("tasks")
    fields.finish()
    if not rows:
        raise TaskFileError(f"{path}: there are no tasks. Write them as a list under `tasks:`.")
    tasks: list[Task] = []
    for number, row in enumerate(rows, start=1):
        name = row.get("name") if is_object(row) else None
        place = f"{path}, task {name or number}"
        tasks.append(_task(Fields(row, place), shared, forbidden))
    return tasks


def _loaded(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaskFileError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TaskFileError(f"{path}: this file is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise TaskFileError(
            f"{path}{_line(error)}: this is not valid YAML: {_why(error)}."
        ) from error


def _line(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f", line {mark.line + 1}" if mark else ""


def _why(error: yaml.YAMLError) -> str:
    known = isinstance(error, yaml.MarkedYAMLError) and error.problem
    return str(known or error).rstrip(".")


def _task(fields: Fields, shared: Mapping[str, Tool], forbidden: tuple[Fact, ...]) -> Task:
    tools = tuple(_offered(fields, shared))
    offered = {tool.name for tool in tools}
    answer_json = fields.take("answer_json")
    if answer_json is not None and not is_object(answer_json):
        raise TaskFileError(f"{fields.at('answer_json')}: a mapping belongs here.")
    task = Task(
        name=fields.text("name"),
        kind=fields.text("kind", ""),
        question=fields.text("question"),
        tools=tools,
        quick=fields.flag("quick"),
        answer=tuple(_spellings(each, fields.at("answer")) for each in fields.items("answer")),
        answer_not=(*forbidden, *_facts(fields.items("answer_not"), fields.at("answer_not"))),
        answer_json=answer_json,
        calls=tuple(_wanted(each, offered, fields.at("calls")) for each in fields.items("calls")),
        calls_not=_forbidden_calls(fields, offered),
        turns=texts(fields.items("turns"), fields.at("turns")),
        history=tuple(_turn(each, fields.at("history")) for each in fields.items("history")),
        first_reply=_first_reply(fields),
        parameters=fields.mapping("parameters"),
    )
    fields.finish()
    if not task.answer and not task.answer_json and not task.calls:
        raise TaskFileError(
            f"{fields.place}: nothing says when it is right: add `answer`, `answer_json` or"
            " `calls`."
        )
    return task


def _offered(fields: Fields, shared: Mapping[str, Tool]) -> Iterator[Tool]:
    if not fields.has("tools"):
        yield from shared.values()
    place = fields.at("tools")
    for each in fields.items("tools"):
        if is_object(each):  # tools of this task alone
            for name, value in each.items():
                yield read_tool(str(name), value, f"{place} {name}")
        elif each in shared:
            yield shared[each]
        else:
            known = ", ".join(shared) or "none"
            raise TaskFileError(
                f"{place}: there is no tool {shown(each)}. Tools of this file: {known}."
            )


def _spellings(value: Any, place: str) -> AnyOf:
    return tuple(_facts(as_list(value), place))


def _facts(values: Sequence[Any], place: str) -> Iterator[Fact]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            quote = " (put it in quotes to mean the word)" if isinstance(value, bool) else ""
            raise TaskFileError(f"{place}: {shown(value)} is neither text nor number{quote}.")
        if value == "":
            raise TaskFileError(f"{place}: a blank text stands in every answer.")
        yield value


def _wanted(value: Any, offered: set[str], place: str) -> Wanted:
    if isinstance(value, str):
        wanted = Wanted(tool=value)
    elif is_object(value) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        if not is_object(arguments):
            raise TaskFileError(f"{place} {name}: the arguments are a mapping.")
        wanted = Wanted(
            tool=str(name),
            arguments={key: _spellings(each, place) for key, each in arguments.items()},
        )
    else:
        raise TaskFileError(
            f"{place}: {shown(value)} is neither a tool's name nor one name with its arguments."
        )
    _check_offered(wanted.tool, offered, place)
    return wanted


def _forbidden_calls(fields: Fields, offered: set[str]) -> tuple[str, ...]:
    place = fields.at("calls_not")
    names = texts(fields.items("calls_not"), place)
    for name in names:
        if name != ANY_TOOL:
            _check_offered(name, offered, place)
    return names


def _check_offered(name: str, offered: set[str], place: str) -> None:
    if name not in offered:
        raise TaskFileError(
            f"{place}: the task offers no tool {name!r}. It offers: {', '.join(offered) or 'none'}."
        )


def _first_reply(fields: Fields) -> FirstReply | None:
    place, is_given = fields.at("first_reply"), fields.has("first_reply")
    value = fields.take("first_reply")
    if isinstance(value, str) or not is_given:
        return value
    if is_object(value) and len(value) == 1:
        tool, arguments = next(iter(value.items()))
        if is_object(arguments) or isinstance(arguments, str):
            return FirstCall(tool=str(tool), arguments=arguments)
    raise TaskFileError(
        f"{place}: {shown(value)} is neither a text nor one tool's name with its arguments."
    )


def _turn(value: Any, place: str) -> Json:
    turn = Fields(value, place)
    role, content = turn.text("role"), turn.text("content")
    turn.finish()
    if role not in ("user", "assistant"):
        raise TaskFileError(f"{place}: the role is user or assistant, not {role!r}.")
    return {"role": role, "content": content}
