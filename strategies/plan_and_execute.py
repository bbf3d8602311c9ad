"""The strategy `plan_and_execute`: what Dify loads. Everything else lives in the modules below.

The loader takes exactly one AgentStrategy subclass from this file, which nothing may import.
"""

from collections.abc import Generator
from typing import Any, cast

from dify_plugin.interfaces import agent


class PlanAndExecute(agent.AgentStrategy):
    """A plan first, then its steps side by side, and one answer from their results."""

    def _invoke(
        self, parameters: dict[str, Any]
    ) -> Generator[agent.AgentInvokeMessage, None, None]:
        # Dify waits for this file, not for what only runs need; main.py imports that right after.
        from strategies.dify.compose import Composer  # noqa: PLC0415
        from strategies.dify.run import play  # noqa: PLC0415

        # Plain dicts pass the SDK as they are and spare validating every message.
        messages = play(self.session, parameters, self.runtime.user_id or "", Composer.planned_run)
        yield from cast("Any", messages)
