"""Tools, described in the system prompt."""

import json
from collections.abc import Sequence

from strategies.protocols.base import ToolSpec
from strategies.protocols.writing.escaping import escaped_markers


def tool_lines(tools: Sequence[ToolSpec]) -> str:
    """Describe tools as one JSON object a line, in the shape of OpenAI's API."""
    return "\n".join(_json({"type": "function", "function": function_of(tool)}) for tool in tools)


def function_of(tool: ToolSpec) -> dict[str, object]:
    """Describe a tool as a function of OpenAI's API, which is also what Dify calls a tool."""
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def tool_sections(tools: Sequence[ToolSpec], parameters: str) -> str:
    """Describe tools under one heading each; `parameters` introduces the schema."""
    return "\n\n".join(
        f"### {tool.name}\n\n{escaped_markers(tool.description)}\n"
        f"{parameters}{_json(tool.parameters)}"
        for tool in tools
    )


def _json(value: object) -> str:
    return escaped_markers(json.dumps(value, ensure_ascii=False, default=str))
