"""A run with a plan: the model plans, steps run side by side, and one answer is written from them.

Every part is a run of the engine (`agent/loop.py`); here they are put in order. Where no plan is
needed or to be had, an ordinary run answers.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from strategies.agent.config import RunRequest
from strategies.agent.interface.events import Event, RunFailed, RunFinished
from strategies.agent.interface.ports import Toolbox
from strategies.agent.planning.answer import written_answer
from strategies.agent.planning.board import Board
from strategies.agent.planning.budget import PlanBudget
from strategies.agent.planning.parts import RunEnd, Setting
from strategies.agent.planning.planner import Planner
from strategies.agent.planning.steps import Steps
from strategies.agent.prompt.conversation import RoundRecord


class PlannedRun:
    """One run with a plan. Like `Run`, it is made anew for every run."""

    def __init__(self, setting: Setting) -> None:
        """Take what the run is about."""
        self._setting = setting
        self._budget = PlanBudget(setting.limits)
        self._board = Board(setting.sentences)

    @property
    def rounds_with_calls(self) -> Sequence[RoundRecord]:
        """The rounds so far in which tools were called."""
        return self._board.rounds_with_calls

    def events(self) -> Iterator[Event]:
        """Play the run; the last event is RunFinished or RunFailed."""
        for event in self._course():
            self._budget.count(event)
            yield event

    def _course(self) -> Iterator[Event]:
        """Plan, carry out the steps, answer, end; a part that ends the run leaves out the rest."""
        toolbox = self._setting.tools_for(self._setting.conversation)
        planner = Planner(self._setting, toolbox, self._budget, self._board)
        plans = toolbox.specs and self._budget.allows_plan and not self._setting.approved
        ending = (yield from planner.plan()) if plans else None
        if ending is None and not self._board.steps:
            yield from self._ordinary(toolbox)
            return
        if ending is None:
            ending = yield from self._carry_out(planner)
        if ending is None:
            ending = yield from written_answer(self._setting, self._budget, self._board)
        yield from self._end(ending)

    def _carry_out(self, planner: Planner) -> Generator[Event, None, RunEnd | None]:
        """Run the steps; return the end of the run where one of them ends it."""
        steps = Steps(self._setting, self._budget, self._board)
        try:
            yield from steps.play()
            while steps.ask_for_revision:
                if planner.may_revise:
                    yield from planner.revise()
                yield from steps.play()
        finally:
            steps.leave()
        return (yield from steps.end())

    def _end(self, ending: RunEnd) -> Iterator[Event]:
        """End the whole run as its last part ended."""
        if isinstance(ending, RunFinished) or not self._setting.policy.answer_on_error:
            yield replace(ending, usage=self._budget.usage)
            return
        said = "\n\n".join([ending.sentence, *self._board.findings])
        yield from self._setting.say(said)
        yield RunFinished(said, ending.stop_reason, self._budget.usage, error=ending.sentence)

    def _ordinary(self, toolbox: Toolbox) -> Iterator[Event]:
        """Answer as function calling does, with what is left."""
        run = self._setting.make(
            RunRequest(
                conversation=self._setting.shaped,
                toolbox=toolbox,
                limits=self._budget.for_answer(),
                policy=self._setting.policy,
                approvals=self._setting.approvals,
                approved=self._setting.approved,
                makes_demanded_call=True,
            )
        )
        for event in run.events():
            if isinstance(event, RunFinished | RunFailed):
                self._board.rounds_with_calls += run.rounds_with_calls
                yield replace(event, usage=self._budget.usage + event.usage)
            else:
                yield event
