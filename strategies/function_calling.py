"""The strategy `function_calling`: what Dify loads. Everything else lives in the modules below.

The loader takes exactly one AgentStrategy subclass from this file, which nothing may import.
"""

from collections.abc import Generator
from typing import Any, cast

from dify_plugin.interfaces import agent


class FunctionCalling(agent.AgentStrategy):
    """Rounds of asking a model and running its tool calls, until it answers."""

    def _invoke(
        self, parameters: dict[str, Any]
    ) -> Generator[agent.AgentInvokeMessage, None, None]:
        # Dify waits for this file, not for what only runs need; main.py imports that right after.
        from strategies.dify.run import play  # noqa: PLC0415

        # Plain dicts pass the SDK as they are and spare validating every message.
        yield from cast("Any", play(self.session, parameters, self.runtime.user_id or ""))
