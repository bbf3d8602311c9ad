"""MCP servers: a public one from the package index, and ones that do not start."""

import json
import sys
from collections.abc import Iterator

import pytest

from workbench.base.ports import AnswerError, Json, WorkbenchError
from workbench.tools.mcp import McpTools


@pytest.fixture(scope="module")
def clock() -> Iterator[McpTools]:
    """The public package mcp-server-time, over stdio."""
    with McpTools(["mcp-server-time --local-timezone UTC"]) as tools:
        yield tools


def ask(tools: McpTools, tool: str, **arguments: str) -> list[Json]:
    """Call a tool of the only server."""
    provider = tools.entities[0]["identity"]["provider"]
    return list(tools.call({"provider": provider, "tool": tool, "tool_parameters": arguments}))


def test_its_tools_look_as_in_dify(clock: McpTools) -> None:
    """Names, types and descriptions come from the server's schemas."""
    tool = next(each for each in clock.entities if each["identity"]["name"] == "get_current_time")

    assert tool["provider_type"] == "mcp"
    assert tool["description"]["llm"]
    assert [(each["name"], each["type"], each["required"]) for each in tool["parameters"]] == [
        ("timezone", "string", True)
    ]


def test_a_call_gives_its_text(clock: McpTools) -> None:
    """The content arrives as text messages."""
    (message,) = ask(clock, "get_current_time", timezone="Asia/Tokyo")

    assert json.loads(message["message"]["text"])["timezone"] == "Asia/Tokyo"


def test_a_failing_call_is_an_error_that_the_model_can_read(clock: McpTools) -> None:
    """The server's own words come through."""
    with pytest.raises(AnswerError, match="Mars"):
        ask(clock, "get_current_time", timezone="Mars/Olympus")


@pytest.mark.parametrize("command", ["no-such-command-anywhere", f"{sys.executable} -c pass"])
def test_a_server_that_does_not_start_is_named(command: str) -> None:
    """The command is in the message, and what to do."""
    with pytest.raises(WorkbenchError, match="did not start"):
        McpTools([command])


def test_a_blank_command_is_refused() -> None:
    """Nothing is started."""
    with pytest.raises(WorkbenchError, match="--mcp"):
        McpTools([" "])
