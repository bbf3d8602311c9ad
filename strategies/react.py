"""The strategy `react`: what Dify loads. Everything else lives in the modules below.

The loader takes exactly one AgentStrategy subclass from this file, which nothing may import.
"""

from collections.abc import Generator
from typing import Any, cast

from dify_plugin.interfaces import agent


class ReAct(agent.AgentStrategy):
    """The rounds of `function_calling`, in which the model thinks, acts and observes in text."""

    def _invoke(
        self, parameters: dict[str, Any]
    ) -> Generator[agent.AgentInvokeMessage, None, None]:
        # Dify waits for this file, not for what only runs need; main.py imports that right after.
        from strategies.dify.run import play  # noqa: PLC0415

        chosen = parameters.get("tool_protocol") or "react"
        # Plain dicts pass the SDK as they are and spare validating every message.
        parameters = {**parameters, "tool_protocol": chosen}
        yield from cast("Any", play(self.session, parameters, self.runtime.user_id or ""))
