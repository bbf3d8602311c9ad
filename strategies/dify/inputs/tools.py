"""The tools that Dify hands to the strategy, read from its ToolEntity dicts.

Read by hand rather than by the SDK's model: Dify's core sends types and nulls that the SDK refuses,
and one unreadable tool must not take the others with it (docs/dify.md, "Tools"). Names that
providers reject, or that two tools share, are mapped to unique ones here and mapped back at the
call. They come from the node's list alone, so they are the same in every round and every run.

Model plugins read the schema of a parameter by hand. Tongyi's and Cohere's take `type` and
`description` without looking whether they are there, join `enum` as text and want `required`;
Gemini wants `items`, Bedrock a description of the tool. So all of these are always written, and
nothing that only some providers know: a value's range and default stand in its description.

A parameter that takes a file is offered as the names of the files that there are at the time.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strategies.dify.wire_values import Json, mapping, only_text, sequence, text_of
from strategies.protocols.base import ToolSpec

_REJECTED = re.compile(r"[^a-zA-Z0-9_-]+")
_LETTER = re.compile(r"[a-zA-Z]")
# API and workflow tools have such a provider, which tells a model nothing.
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NAME_LENGTH = 64
_FILE_TYPES = frozenset({"file", "files", "system-files"})
_NO_FILE = "There is no file in this run, so this tool cannot be called now."
# Any other goes as text, `any` too: several providers refuse a value without a type.
_JSON_TYPES = {
    "number": "number",
    "boolean": "boolean",
    "checkbox": "boolean",
    "array": "array",
    "object": "object",
    "date-range": "object",
    "app-selector": "object",
    "model-selector": "object",
}
# Any of these says what a value may be; a type beside it could contradict it.
_SAYS_TYPE = frozenset({"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileParameter:
    """A parameter that takes a file, or several."""

    name: str
    many: bool
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DifyTool:
    """One tool of the node, with what a call of it needs."""

    name: str
    """The name in Dify."""
    label: str
    """The name in the editor, in English where there is one."""
    provider: str
    provider_type: str
    """builtin, workflow, api, mcp …"""
    credential_id: str | None
    runtime_parameters: Mapping[str, Any]
    """Values that the builder fixed; they win over the model's."""
    spec: ToolSpec
    """The tool as the model sees it, under a unique name and without its file parameters."""
    file_parameters: tuple[FileParameter, ...] = ()

    @property
    def title(self) -> str:
        """The name by which the builder knows it, which providers may reject."""
        if _accepted(self.name) == self.name:
            return self.spec.name
        return self.name if any(map(str.isalpha, self.name)) else self.label or self.name


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of the tools list that is not a tool."""

    name: str
    problem: str


def read_tools(items: Sequence[object]) -> tuple[list[DifyTool], list[Unreadable]]:
    """Read the node's tools; what is not a tool is set aside, what is there twice is taken once."""
    tools: list[DifyTool] = []
    unreadable: list[Unreadable] = []
    for position, item in enumerate(items, start=1):
        tool = _read(item, position)
        if isinstance(tool, Unreadable):
            unreadable.append(tool)
        elif tool not in tools:
            tools.append(tool)
    return _named_apart(tools), unreadable


def only_allowed(tools: Sequence[DifyTool], allowed: Sequence[str]) -> list[DifyTool]:
    """Keep the tools that a list names, by name in Dify, name for the model or provider/name."""
    wanted = set(allowed)
    return [
        tool
        for tool in tools
        if wanted & {tool.name, tool.spec.name, f"{tool.provider}/{tool.name}"}
    ]


def spec_with_files(tool: DifyTool, names: Sequence[str]) -> ToolSpec:
    """Return the tool as the model sees it when these files are there.

    Without any file an optional parameter is left out; a required one says that there is none.
    """
    offered = [one for one in tool.file_parameters if names or one.required]
    if not offered:
        return tool.spec
    schema = tool.spec.parameters
    required = [*sequence(schema.get("required")), *(one.name for one in offered if one.required)]
    properties = {one.name: _file_property(one, names) for one in offered}
    return replace(
        tool.spec,
        parameters={
            **schema,
            "properties": {**mapping(schema.get("properties")), **properties},
            "required": required,
        },
    )


def _file_property(parameter: FileParameter, names: Sequence[str]) -> dict[str, object]:
    if not names:
        hint = _NO_FILE
    elif parameter.many:
        hint = "Names of files of this conversation; the tool is given the files themselves."
    else:
        hint = "The name of a file of this conversation; the tool is given the file itself."
    one: dict[str, object] = {"type": "string", **({"enum": list(names)} if names else {})}
    said = f"{parameter.description} {hint}".strip()
    if parameter.many:
        return {"type": "array", "items": one, "description": said}
    return {**one, "description": said}


def _read(item: object, position: int) -> DifyTool | Unreadable:
    entity = mapping(item)
    identity = mapping(entity.get("identity"))
    name, provider = only_text(identity.get("name")), only_text(identity.get("provider"))
    if not name or not provider:
        missing = "a name" if not name else "a provider"
        return Unreadable(name or f"number {position}", f"its identity has no {missing}")
    parameters = [mapping(parameter) for parameter in sequence(entity.get("parameters"))]
    if any(not only_text(parameter.get("name")) for parameter in parameters):
        return Unreadable(name, "one of its parameters has no name")
    fixed = mapping(entity.get("runtime_parameters"))
    fixed = {key: value for key, value in fixed.items() if value is not None}
    open_ones = [one for one in parameters if one["name"] not in fixed]
    return DifyTool(
        name=name,
        label=_in_english(identity.get("label")),
        provider=provider,
        provider_type=_provider_type(entity.get("provider_type")),
        credential_id=only_text(entity.get("credential_id")) or None,
        runtime_parameters=fixed,
        spec=ToolSpec(
            name=name,
            description=_with_name(name, _description(entity, identity)),
            parameters=_schema([one for one in open_ones if not _takes_files(one)]),
        ),
        file_parameters=tuple(map(_file_parameter, filter(_takes_files, open_ones))),
    )


def _provider_type(value: object) -> str:
    """Say how Dify is to find the tool; it calls plugins' tools built-in and knows no `plugin`."""
    provider_type = only_text(value)
    return "builtin" if provider_type in {"", "plugin"} else provider_type


def _description(entity: Json, identity: Json) -> str:
    description = entity.get("description")
    if isinstance(description, str):
        return description
    return (
        only_text(mapping(description).get("llm")).strip()
        or _in_english(mapping(description).get("human"))
        or _in_english(identity.get("label"))
    )


def _with_name(name: str, description: str) -> str:
    """Say the name where the model sees another, because the instruction may speak of it."""
    if not description or _LETTER.search(name) or name in description:
        return description or name
    return f"{name}: {description}"


def _in_english(value: object) -> str:
    """Return the English text of a label, or that of any other language."""
    texts = mapping(value)
    said = [only_text(texts.get("en_US")), *map(only_text, texts.values())]
    return next((one.strip() for one in said if one.strip()), "")


def _schema(parameters: Sequence[Json]) -> dict[str, object]:
    shown = [parameter for parameter in parameters if _is_the_models(parameter)]
    return {
        "type": "object",
        "properties": {one["name"]: _property(one) for one in shown},
        "required": [one["name"] for one in shown if one.get("required") is True],
    }


def _is_the_models(parameter: Json) -> bool:
    """Tell a parameter that the model fills in from one that the builder does."""
    return (parameter.get("form") or "llm") == "llm"


def _takes_files(parameter: Json) -> bool:
    return only_text(parameter.get("type")) in _FILE_TYPES and _is_the_models(parameter)


def _file_parameter(parameter: Json) -> FileParameter:
    return FileParameter(
        name=only_text(parameter["name"]),
        many=parameter.get("type") != "file",
        required=parameter.get("required") is True,
        description=_meaning(parameter),
    )


def _meaning(parameter: Json) -> str:
    return only_text(parameter.get("llm_description")).strip() or _in_english(
        parameter.get("human_description")
    )


def _property(parameter: Json) -> dict[str, object]:
    description = _meaning(parameter)
    kind = _JSON_TYPES.get(only_text(parameter.get("type")), "string")
    schema: dict[str, object] = dict(mapping(parameter.get("input_schema")))
    if schema:
        if not schema.keys() & _SAYS_TYPE:
            schema["type"] = kind
        schema["description"] = description or only_text(schema.get("description"))
    else:
        schema = {"type": kind, "description": f"{description}{_range(parameter)}".strip()}
        options = _options(parameter.get("options"))
        if kind == "string" and options:
            schema["enum"] = options
    if schema.get("type") == "array" and not mapping(schema.get("items")):
        schema["items"] = {"type": "string"}
    return schema


def _options(value: object) -> list[str]:
    values = [text_of(mapping(option).get("value")) for option in sequence(value)]
    return list(dict.fromkeys(option for option in values if option))


def _range(parameter: Json) -> str:
    """Say in words which values a parameter takes and what it is when it is left out."""
    lowest, highest, default = (parameter.get(key) for key in ("min", "max", "default"))
    facts: list[str] = []
    if parameter.get("type") == "number":
        facts += [f"from {text_of(lowest)}"] if lowest is not None else []
        facts += [f"up to {text_of(highest)}"] if highest is not None else []
    if isinstance(default, str | int | float) and text_of(default).strip():
        facts.append(f"default {text_of(default)[:100]}")
    return f" ({', '.join(facts)})" if facts else ""


def _named_apart(tools: Sequence[DifyTool]) -> list[DifyTool]:
    """Give every tool a name of its own that every provider takes."""
    shared = Counter(map(_wanted, tools))
    taken: set[str] = set()
    return [_renamed(tool, shared, taken) for tool in tools]


def _renamed(tool: DifyTool, shared: Counter[str], taken: set[str]) -> DifyTool:
    name, provider = _wanted(tool), _short(tool.provider)
    if shared[name] > 1 and provider and name != _nameless(provider):
        name = _accepted(f"{provider}__{name}")
    name = _untaken(name, taken)
    taken.add(name)
    return replace(tool, spec=replace(tool.spec, name=name))


def _wanted(tool: DifyTool) -> str:
    """Choose the name that says most of those that providers take."""
    if _LETTER.search(tool.name):
        return _accepted(tool.name)
    label = _REJECTED.sub("_", tool.label).strip("_-").lower()
    return _accepted(label) if _LETTER.search(label) else _nameless(_short(tool.provider))


def _nameless(provider: str) -> str:
    return _accepted(f"{provider}_tool" if provider else "tool")


def _short(provider: str) -> str:
    """Return the part of "author/plugin/provider" that tells providers apart; blank for none."""
    last = provider.rsplit("/", 1)[-1]
    if _UUID.fullmatch(last) or not _LETTER.search(last):
        return ""
    return _REJECTED.sub("_", last).strip("_-")


def _accepted(name: str) -> str:
    """Replace what providers reject; Gemini also wants a letter or an underscore at the start."""
    accepted = _REJECTED.sub("_", name)
    if not (accepted[0].isalpha() or accepted[0] == "_"):
        accepted = f"tool_{accepted}"
    return accepted[:_NAME_LENGTH]


def _untaken(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        suffix = f"_{number}"
        candidate = name[: _NAME_LENGTH - len(suffix)] + suffix
    return candidate
