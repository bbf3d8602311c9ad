"""The tools of a task: what they are called, and what they give back to which arguments."""

import json
import re
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from workbench.base.ports import AnswerError, Json, is_object
from workbench.evaluate.fields import Fields, TaskFileError, as_list, shown
from workbench.host.payload import schema_parameters, tool_value
from workbench.tools.builtin import calculate, text_message

_PROVIDER = "evaluation"
_TYPES = ("string", "number", "integer", "boolean", "array", "object")
_PLACE = re.compile(r"\{(\w+)\}")
_OUTCOMES = ("returns", "calculates", "fails", "in_turn")


@dataclass(frozen=True, slots=True)
class Says:
    """A text; `{name}` stands for an argument."""

    template: str


@dataclass(frozen=True, slots=True)
class Gives:
    """A JSON value; its texts may name arguments."""

    value: Any


@dataclass(frozen=True, slots=True)
class Calculates:
    """The value of an arithmetic expression of the arguments, `{result}` in the template."""

    expression: str
    template: str = "{result}"


@dataclass(frozen=True, slots=True)
class Fails:
    """A failure, in the words that a tool would use."""

    message: str


type Outcome = Says | Gives | Calculates | Fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What comes back to some arguments: the nth outcome at the nth call, then the last again."""

    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Texts by the argument that must hold one of them; nothing fits every call."""
    outcomes: Sequence[Outcome]

    def fits(self, arguments: Json) -> bool:
        """Whether a call with these arguments is meant."""
        return all(
            any(_plain(each) in _plain(arguments.get(name, "")) for each in texts)
            for name, texts in self.when.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool that a task may offer."""

    name: str
    description: str
    schema: Json
    cases: Sequence[Case]
    delay: float = 0.0
    """Seconds before it answers."""

    def entity(self) -> Json:
        """Write it as an item of the tools value."""
        parameters = schema_parameters(self.schema)
        return tool_value(
            self.name,
            provider=_PROVIDER,
            description=self.description,
            parameters=[_with_choices(each, self.schema) for each in parameters],
        )


class Toolset:
    """The tools of one run of a task; counts their calls."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def call(self, request: Json) -> Iterator[Json]:
        """Run a tool."""
        tool = self._tools.get(str(request.get("tool")))
        if tool is None:
            raise AnswerError(f'{{"error":"tool {request.get("tool")} not found"}}', stage="invoke")
        arguments: Json = request.get("tool_parameters") or {}
        time.sleep(tool.delay)
        yield _message(self._outcome(tool, arguments), arguments)

    def _outcome(self, tool: Tool, arguments: Json) -> Outcome:
        fitting = ((n, case) for n, case in enumerate(tool.cases) if case.fits(arguments))
        number, case = next(fitting, (0, None))
        if case is None:
            given = json.dumps(arguments, ensure_ascii=False)
            return Fails(f"Nothing was found for {given}.")
        with self._lock:
            before = self._counts[tool.name, number]
            self._counts[tool.name, number] += 1
        return case.outcomes[min(before, len(case.outcomes) - 1)]


def read_tool(name: str, value: Any, place: str) -> Tool:
    """Read a tool of a task file."""
    fields = Fields(value, place)
    description = fields.text("description")
    schema = _schema(fields.mapping("parameters"), fields.at("parameters"))
    names = set(schema["properties"])
    delay = fields.seconds("delay")
    cases = [
        _case(Fields(each, f"{place}, case {number}"), names)
        for number, each in enumerate(fields.items("cases"), start=1)
    ]
    if any(fields.has(key) for key in _OUTCOMES) or not cases:
        cases.append(Case(outcomes=_outcomes(fields)))
    fields.finish()
    return Tool(name=name, description=description, schema=schema, cases=cases, delay=delay)


def _case(fields: Fields, names: set[str]) -> Case:
    when = {
        str(name): tuple(str(each) for each in as_list(texts))
        for name, texts in fields.mapping("when").items()
    }
    for name in when:
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise TaskFileError(
                f"{fields.at('when')}: the tool has no parameter {name!r}. Its parameters: {known}."
            )
    case = Case(when=when, outcomes=_outcomes(fields))
    fields.finish()
    return case


def _outcomes(fields: Fields) -> Sequence[Outcome]:
    if fields.has("in_turn"):
        rows = fields.items("in_turn")
        if not rows:
            raise TaskFileError(f"{fields.at('in_turn')}: the list is empty.")
        return [_listed(row, fields.at(f"in_turn {n}")) for n, row in enumerate(rows, start=1)]
    return [_outcome(fields)]


def _listed(row: Any, place: str) -> Outcome:
    if not is_object(row):
        return _returned(row)
    fields = Fields(row, place)
    outcome = _outcome(fields)
    fields.finish()
    return outcome


def _outcome(fields: Fields) -> Outcome:
    if fields.has("fails"):
        return Fails(fields.text("fails"))
    if fields.has("calculates"):
        return Calculates(fields.text("calculates"), fields.text("returns", "{result}"))
    if fields.has("returns"):
        return _returned(fields.take("returns"))
    raise TaskFileError(
        f"{fields.place}: nothing says what it gives back: add `returns`, `calculates`, `in_turn`"
        " or `fails`."
    )


def _returned(value: Any) -> Outcome:
    return Says(value) if isinstance(value, str) else Gives(value)


def _schema(value: Json, place: str) -> Json:
    # A JSON Schema says of itself that it is one; anything else is the short form.
    if value.get("type") == "object" and isinstance(value.get("properties", {}), dict):
        return {"properties": {}, **value}
    described = {
        str(name).removesuffix("?"): _parameter(each, f"{place} {name}")
        for name, each in value.items()
    }
    needed = [str(name) for name in value if not str(name).endswith("?")]
    return {"type": "object", "properties": described, "required": needed}


def _parameter(value: Any, place: str) -> Json:
    """Read a parameter: a description, a type, `type: description`, or a schema."""
    if is_object(value):
        return value
    if not isinstance(value, str):
        raise TaskFileError(f"{place}: {shown(value)} is neither a description nor a schema.")
    kind, colon, description = value.partition(":")
    if kind.strip() in _TYPES and (colon or not description):
        return {"type": kind.strip(), "description": description.strip()}
    return {"type": "string", "description": value}


def _with_choices(declared: Json, schema: Json) -> Json:
    # What may have only some values is a select in Dify.
    described: Json = schema["properties"][declared["name"]]
    values = [str(value) for value in as_list(described.get("enum"))]
    labels = [{"value": value, "label": {"en_US": value}, "icon": None} for value in values]
    return {**declared, "type": "select", "options": labels} if values else declared


def _message(outcome: Outcome, arguments: Json) -> Json:
    match outcome:
        case Says(template):
            return text_message(_filled(template, arguments))
        case Gives(value):
            value = _filled_value(value, arguments)
            return {"type": "json", "message": {"json_object": value}, "meta": {}}
        case Calculates(expression, template):
            result = calculate(_filled(expression, arguments))
            return text_message(_filled(template, {**arguments, "result": result}))
        case Fails(message):
            raise AnswerError(_filled(message, arguments))


def _filled(template: str, arguments: Json) -> str:
    # No str.format: a result may hold braces of its own, and a model chooses the arguments.
    def written(found: re.Match[str]) -> str:
        value = arguments.get(found[1], found[0])
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _PLACE.sub(written, template)


def _filled_value(value: Any, arguments: Json) -> Any:
    match value:
        case str():
            return _filled(value, arguments)
        case dict():
            entries = cast("Json", value).items()
            return {name: _filled_value(each, arguments) for name, each in entries}
        case list():
            return [_filled_value(each, arguments) for each in cast("list[Any]", value)]
        case _:
            return value


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
