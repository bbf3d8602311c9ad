"""The node's tools as the engine's `Toolbox` port.

What a tool sends is sorted by `Collector` into what the model reads and what goes on to the reader.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.ports import ToolOutcome
from strategies.dify.backwards import call_back
from strategies.dify.collector import Collector
from strategies.dify.tools import DifyTool
from strategies.protocols.base import ToolSpec


class DifyToolbox:
    """The tools of one run, called through its session."""

    def __init__(self, session: Session, tools: Sequence[DifyTool]) -> None:
        self._session = session
        self._tools = {tool.spec.name: tool for tool in tools}
        self._specs = tuple(tool.spec for tool in tools)

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as the model sees them."""
        return self._specs

    def provider(self, name: str) -> str:
        """Say which provider a tool belongs to; blank for an unknown tool."""
        tool = self._tools.get(name)
        return tool.provider if tool else ""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run one tool to its end; see `Toolbox.call`."""
        tool = self._tools[name]
        collector = Collector(repeats_text_as_json=tool.provider_type == "workflow")
        try:
            request = self._request(tool, arguments)
            for message in call_back(self._session.tool, InvokeType.Tool, request):
                collector.add(message)
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for any failure
            return collector.failed(str(error))
        return collector.outcome()

    def _request(self, tool: DifyTool, arguments: Mapping[str, object]) -> dict[str, Any]:
        request: dict[str, Any] = {
            "tool_type": tool.provider_type,
            "provider": tool.provider,
            "tool": tool.name,
            # What the builder fixed wins: the model must not be able to override it.
            "tool_parameters": {**arguments, **tool.runtime_parameters},
        }
        if self._session.app_id:
            request["app_id"] = self._session.app_id
        credential_id = tool.credential_id or self._session.context.credentials.get_credential_id(
            tool.provider
        )
        if credential_id:
            request["credential_id"] = credential_id
        return request
