"""The tools that Dify hands to the strategy, read from its ToolEntity dicts.

Read by hand rather than by the SDK's model: Dify's core sends types and nulls that the SDK refuses,
and one unreadable tool must not take the others with it (dify-contract.md §1.3). Names that
providers reject, or that two tools share, are mapped to unique ones here and mapped back at the
call.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strategies.dify.reading import Json, mapping, sequence, text
from strategies.protocols.base import ToolSpec

_REJECTED = re.compile(r"[^a-zA-Z0-9_-]")
_NAME_LENGTH = 64
_FILE_TYPES = frozenset({"file", "files", "system-files"})
_JSON_TYPES = {
    "string": "string",
    "select": "string",
    "secret-input": "string",
    "date": "string",
    "dynamic-select": "string",
    "number": "number",
    "boolean": "boolean",
    "checkbox": "boolean",
    "array": "array",
    "object": "object",
    "date-range": "object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DifyTool:
    """One tool of the node, with what a call of it needs."""

    name: str
    """The name in Dify."""
    provider: str
    provider_type: str
    """builtin, workflow, api, mcp …"""
    credential_id: str | None
    runtime_parameters: Mapping[str, Any]
    """Values that the builder fixed; they win over the model's."""
    spec: ToolSpec
    """The tool as the model sees it, under a unique name."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of the tools list that is no tool."""

    name: str
    problem: str


def read_tools(items: Sequence[object]) -> tuple[list[DifyTool], list[Unreadable]]:
    """Read the node's tools; what is no tool is set aside, what is there twice is taken once."""
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


def _read(item: object, position: int) -> DifyTool | Unreadable:
    entity = mapping(item)
    identity = mapping(entity.get("identity"))
    name, provider = text(identity.get("name")), text(identity.get("provider"))
    if not name or not provider:
        missing = "a name" if not name else "a provider"
        return Unreadable(name or f"number {position}", f"its identity has no {missing}")
    parameters = [mapping(parameter) for parameter in sequence(entity.get("parameters"))]
    if any(not text(parameter.get("name")) for parameter in parameters):
        return Unreadable(name, "one of its parameters has no name")
    return DifyTool(
        name=name,
        provider=provider,
        provider_type=text(entity.get("provider_type")) or "builtin",
        credential_id=text(entity.get("credential_id")) or None,
        runtime_parameters=mapping(entity.get("runtime_parameters")),
        spec=ToolSpec(
            name=name,
            description=_description(entity, identity),
            parameters=_schema(parameters),
        ),
    )


def _description(entity: Json, identity: Json) -> str:
    description = mapping(entity.get("description"))
    human = mapping(description.get("human"))
    label = mapping(identity.get("label"))
    return (
        text(description.get("llm")) or text(human.get("en_US")) or text(label.get("en_US")) or ""
    )


def _schema(parameters: Sequence[Json]) -> dict[str, object]:
    shown = [
        parameter
        for parameter in parameters
        if (parameter.get("form") or "llm") == "llm" and parameter.get("type") not in _FILE_TYPES
    ]
    return {
        "type": "object",
        "properties": {text(shown_one["name"]): _property(shown_one) for shown_one in shown},
        "required": [text(one["name"]) for one in shown if one.get("required") is True],
    }


def _property(parameter: Json) -> dict[str, object]:
    description = text(parameter.get("llm_description")) or text(
        mapping(parameter.get("human_description")).get("en_US")
    )
    declared = mapping(parameter.get("input_schema"))
    if declared:
        return {"description": description, **declared} if description else dict(declared)
    schema: dict[str, object] = {}
    kind = _JSON_TYPES.get(text(parameter.get("type")))
    if kind:
        schema["type"] = kind
    if kind == "array":
        schema["items"] = {}
    schema["description"] = description
    options = [mapping(option).get("value") for option in sequence(parameter.get("options"))]
    if kind == "string" and options:
        schema["enum"] = [option for option in options if option is not None]
    return schema


def _named_apart(tools: Sequence[DifyTool]) -> list[DifyTool]:
    """Give every tool a name of its own that every provider takes."""
    shared = Counter(_accepted(tool.name) for tool in tools)
    taken: set[str] = set()
    return [_renamed(tool, shared, taken) for tool in tools]


def _renamed(tool: DifyTool, shared: Counter[str], taken: set[str]) -> DifyTool:
    name = _accepted(tool.name)
    if shared[name] > 1:
        # The last part of "author/plugin/provider" is the one that tells providers apart.
        name = _accepted(f"{tool.provider.rsplit('/', 1)[-1]}__{tool.name}")
    name = _untaken(name, taken)
    taken.add(name)
    return replace(tool, spec=replace(tool.spec, name=name))


def _accepted(name: str) -> str:
    """Replace what providers reject; a name must also begin with a letter or an underscore."""
    accepted = _REJECTED.sub("_", name)
    if not accepted.strip("_-"):
        accepted = "tool"
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
