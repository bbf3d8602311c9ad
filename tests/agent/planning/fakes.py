"""A run with a plan, whose model answers by what it is asked for."""

import json
import threading
from collections.abc import Iterator, Sequence

from strategies.agent.config import Limits, Policy, RunRequest
from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import ModelDelta, ModelRequest, Toolbox
from strategies.agent.loop import Run
from strategies.agent.planning.parts import Setting
from strategies.agent.planning.run import PlannedRun
from strategies.agent.prompt.conversation import Conversation, text_in
from strategies.agent.prompt.wording import ENGLISH
from strategies.agent.tools.approval import Approvals
from strategies.agent.tools.shown import ChosenTools
from tests.agent.fakes import (
    NATIVE,
    TONGUES,
    NoApprovals,
    RecordingToolbox,
    ScriptedModel,
    Step,
    Tongue,
    binding,
)

PLANS, STEP, CLOSES = "You plan before", "You carry out one step", "This has been found out"


class ListeningModel(ScriptedModel):
    """Gives the first reply that fits what it is told; steps side by side ask in any order."""

    def __init__(self, *answers: tuple[str, Sequence[Step]]) -> None:
        """Take a text that must stand in the request, and the reply; each is given once."""
        super().__init__()
        self.answers: list[tuple[str, Sequence[Step]]] = list(answers)
        self._lock = threading.Lock()

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Play the first reply that is left and fits."""
        told = "\n".join(text_in(message) for message in request.messages)
        with self._lock:
            self.requests.append(request)
            number = next((n for n, one in enumerate(self.answers) if one[0] in told), None)
            if number is None:
                raise AssertionError(f"nothing is scripted for: {told[-300:]}")
            _, steps = self.answers.pop(number)
        spare = ScriptedModel(steps)
        yield from spare.stream(request)

    @property
    def left(self) -> list[str]:
        """What was never asked for."""
        return [text for text, _ in self.answers]


def plan(*steps: tuple[str, Sequence[str], Sequence[int]]) -> str:
    """A plan as a model writes it: tasks, tools and the steps that they wait for."""
    rows = [
        {"id": number, "task": task, "tools": list(tools), "after": list(after)}
        for number, (task, tools, after) in enumerate(steps, start=1)
    ]
    return json.dumps({"steps": rows})


def planned(
    model: ScriptedModel,
    toolbox: RecordingToolbox,
    *,
    tongue: Tongue = NATIVE,
    limits: Limits | None = None,
    policy: Policy | None = None,
    approvals: Approvals | None = None,
    approved: Sequence[ToolCall] = (),
    shows_plan: bool = True,
    question: str = "Compare the two cities.",
) -> PlannedRun:
    """A run with a plan over a scripted model."""

    def make(request: RunRequest) -> Run:
        return Run(
            request,
            binding(model, tongue),
            ENGLISH,
            text_formats=lambda _: TONGUES[1].format,
            sleep=lambda _: None,
        )

    def tools_for(
        conversation: Conversation, names: Sequence[str] = (), *, searches: bool = True
    ) -> Toolbox:
        del conversation, searches
        return ChosenTools(toolbox, names) if names else toolbox

    setting = Setting(
        conversation=Conversation(instruction="Be brief.", history=[], question=question),
        tools_for=tools_for,
        make=make,
        limits=limits or Limits(rounds=20),
        language="en",
        policy=policy or Policy(),
        shows_plan=shows_plan,
        approvals=approvals or NoApprovals(),
        approved=approved,
    )
    return PlannedRun(setting)
