"""The plan of a run as an output for later nodes: its steps, and what came of each."""

from typing import Any

from strategies.agent.interface.events import (
    PlanFinished,
    PlannedStep,
    PlanStarted,
    StepFinished,
    StepHeld,
    StepStarted,
)
from strategies.agent.prompt.shortening import cut

# Dify refuses a variable of more than 200 KiB.
_TASKS_LENGTH, _RESULTS_LENGTH = 20_000, 40_000
_LEAST = 200


class PlanOutput:
    """Gathers the steps of a run, those of revised plans included."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[str, Any]] = {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The steps in their order, with tasks and results that all fit into one variable."""
        count = max(len(self._rows), 1)
        task, result = (max(one // count, _LEAST) for one in (_TASKS_LENGTH, _RESULTS_LENGTH))
        return [
            {**row, "task": cut(row["task"], task), "result": cut(row["result"], result)}
            for row in self._rows.values()
        ]

    def take(
        self, event: PlanStarted | PlanFinished | StepStarted | StepFinished | StepHeld
    ) -> None:
        """Note what an event tells of the plan."""
        match event:
            case PlanStarted():
                pass
            case PlanFinished(_, steps):
                for row in self._rows.values():
                    row["status"] = "dropped" if row["status"] == "waiting" else row["status"]
                self._rows |= {step.id: _row(step) for step in steps}
            case StepStarted(step):
                self._rows[step.id]["status"] = "running"
            case StepHeld(step):
                self._rows[step.id]["status"] = "approval_needed"
            case StepFinished(step, result, _, error):
                status = "failed" if error else "done"
                self._rows[step.id] |= {"status": status, "result": result or error}


def _row(step: PlannedStep) -> dict[str, Any]:
    return {
        "id": step.id,
        "task": step.task,
        "tools": list(step.tools),
        "after": list(step.after),
        "status": "waiting",
        "result": "",
    }
