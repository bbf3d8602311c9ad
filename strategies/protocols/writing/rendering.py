"""Tools, described in the system prompt."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from strategies.protocols.base import ToolSpec
from strategies.protocols.writing.escaping import escaped_markers


def tool_lines(tools: Sequence[ToolSpec]) -> str:
    """Describe tools as one JSON object a line, in the shape of OpenAI's API."""
    return "\n".join(_json({"type": "function", "function": function_of(tool)}) for tool in tools)


def function_of(tool: ToolSpec) -> dict[str, object]:
    """Describe a tool as a function of OpenAI's API, which is also what Dify calls a tool.

    Markers in descriptions are escaped: a model's chat template writes them into the prompt.
    """
    description, parameters = escaped_markers(tool.description), _with_escaped(tool.parameters)
    return {"name": tool.name, "description": description, "parameters": parameters}


def _with_escaped(schema: object) -> object:
    """Escape the descriptions in a schema; names and values stay what the tool takes."""
    if isinstance(schema, Mapping):
        members = cast("Mapping[str, object]", schema)
        return {
            key: escaped_markers(value)
            if key == "description" and isinstance(value, str)
            else _with_escaped(value)
            for key, value in members.items()
        }
    if isinstance(schema, list):
        return [_with_escaped(one) for one in cast("list[object]", schema)]
    return schema


def tool_sections(tools: Sequence[ToolSpec], parameters: str) -> str:
    """Describe tools under one heading each; `parameters` introduces the schema."""
    return "\n\n".join(
        f"### {tool.name}\n\n{escaped_markers(tool.description)}\n"
        f"{parameters}{_json(tool.parameters)}"
        for tool in tools
    )


def _json(value: object) -> str:
    return escaped_markers(json.dumps(value, ensure_ascii=False, default=str))
