"""The steps of a plan carried out: as many side by side as wait for no other one."""

import re
from collections.abc import Generator

from strategies.agent.config import Policy, RunRequest
from strategies.agent.interface.events import (
    Event,
    PlannedStep,
    RunFailed,
    RunFinished,
    StepFinished,
    StepHeld,
    StepStarted,
    place_of,
)
from strategies.agent.interface.usage import Usage
from strategies.agent.loop import Run
from strategies.agent.planning.answer import direct_answer
from strategies.agent.planning.board import Board, StepResult, ticked
from strategies.agent.planning.budget import PlanBudget
from strategies.agent.planning.parts import HeldBack, RunEnd, Setting, event_within
from strategies.agent.planning.sentences import filled
from strategies.agent.planning.side_by_side import SideBySide
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.shortening import shortened_line
from strategies.agent.prompt.wording import wording_for

_ROUNDS_TO_SEARCH = 3
"""For a search for tools, a call of what was found and the result."""
_SURPRISE = 160
"""Characters of what a step calls unexpected that stand as its error."""
_UNEXPECTED = re.compile(r"[*_\s]*UNEXPECTED[*_\s]*[:：]", re.IGNORECASE)


class Steps:
    """Plays the steps that stand on the board, those of revised plans included."""

    def __init__(self, setting: Setting, budget: PlanBudget, board: Board) -> None:
        """Take what the run shares."""
        self._setting = setting
        self._budget = budget
        self._board = board
        self._side = SideBySide()
        self._runs: dict[int, tuple[PlannedStep, Run]] = {}
        """Those that go on, by the id of the step."""
        self._held = HeldBack(setting.approvals)
        self._halted: list[tuple[PlannedStep, Usage]] = []
        """The steps that ended at a call for which the reader must be asked."""
        self._direct: RunFinished | None = None
        """The first end of a step with a result that is the whole run's answer."""
        self._surprised = False
        """Whether a step has failed, or found what the plan did not expect."""
        self._is_call_demanded = setting.calls_at_least_once

    def play(self) -> Generator[Event, None, None]:
        """Run steps until none goes on and none may begin."""
        self._surprised = False
        yield from self._begin()
        while self._runs:
            yield from self._go_on()
            yield from self._begin()

    @property
    def ask_for_revision(self) -> bool:
        """Whether steps were left because one surprised, and not because the run is to end."""
        return self._surprised and not self._ends_run

    def end(self) -> Generator[Event, None, RunEnd | None]:
        """Conclude all steps; return the end of the run where one of them ends it."""
        ending = yield from self._approval()
        if ending is None and self._direct:
            ending = direct_answer(self._setting, self._direct)
        if isinstance(ending, RunFinished):
            yield from self._setting.say(ending.answer, below="\n")
        elif ending is None:
            yield from self._give_up()
        return ending

    def leave(self) -> None:
        """Let the steps that still run end unread."""
        self._side.leave()

    @property
    def _ends_run(self) -> bool:
        return self._direct is not None or self._held.stops

    def _begin(self) -> Generator[Event, None, None]:
        """Begin what waits for no other step, unless all that runs is to come to its end first."""
        if self._surprised or self._ends_run:
            return
        for step in self._board.ready[: self._budget.at_once - len(self._runs)]:
            rounds = self._budget.lend(place_of(StepStarted(step)), len(self._board.waiting))
            if not rounds:
                return
            self._board.running.add(step.id)
            run = self._setting.make(self._part(step, rounds))
            self._runs[step.id] = (step, run)
            yield StepStarted(step)
            self._side.start(step.id, run)

    def _part(self, step: PlannedStep, rounds: int) -> RunRequest:
        setting = self._setting
        question, results = step.task, ""
        if step.after:
            results = self._board.told(step.after)
            question = filled(setting.sentences.task, task=question, results=results)
        conversation = Conversation(
            instruction=setting.instructed(setting.sentences.step),
            history=(),
            question=question,
            attachments=setting.conversation.attachments,
            material=(*setting.conversation.material, results),
        )
        searches = rounds >= _ROUNDS_TO_SEARCH
        # The first step is to make the call that the builder demands.
        demanded, self._is_call_demanded = self._is_call_demanded, False
        return RunRequest(
            conversation=conversation,
            toolbox=setting.tools_for(conversation, step.tools, searches=searches),
            limits=self._budget.for_step(rounds),
            policy=Policy(direct_tools=setting.policy.direct_tools),
            approvals=self._held,
            makes_demanded_call=demanded,
        )

    def _go_on(self) -> Generator[Event, None, None]:
        """Wait for what happens next in any of the steps, and tell it."""
        number, event = self._side.next()
        if event is None:
            return
        step, run = self._runs[number]
        place = place_of(StepStarted(step))
        if not isinstance(event, RunFinished | RunFailed):
            yield event_within(place, event)
            return
        del self._runs[number]
        self._board.rounds_with_calls += run.rounds_with_calls
        self._budget.take_back(place)
        yield from self._ended(step, event)

    def _ended(self, step: PlannedStep, ending: RunEnd) -> Generator[Event, None, None]:
        if isinstance(ending, RunFinished) and ending.stop_reason == "approval_needed":
            self._halted.append((step, ending.usage))
            return
        result = _result(ending)
        yield from self._finish(step, result, ending.usage)
        if isinstance(ending, RunFinished) and ending.stop_reason == "direct_result":
            self._direct = self._direct or ending
        self._surprised = self._surprised or bool(result.error)

    def _finish(
        self, step: PlannedStep, result: StepResult, usage: Usage
    ) -> Generator[Event, None, None]:
        self._board.running.discard(step.id)
        self._board.results[step.id] = result
        yield StepFinished(step, result.text, usage, result.error)
        yield from self._setting.show(ticked(step, result))

    def _approval(self) -> Generator[Event, None, RunEnd | None]:
        """Ask once for all the calls that the steps have held."""
        held, board, question = self._held.calls, self._board, ""
        if held:
            question = self._setting.approvals.ask(held, board.rounds_with_calls, board.told())
        for step, usage in self._halted:
            if question:
                yield StepHeld(step, usage)
            else:
                error = wording_for(self._setting.language).not_asked
                yield from self._finish(step, StepResult(text="", error=error), usage)
        return RunFinished(question, "approval_needed", Usage()) if question else None

    def _give_up(self) -> Generator[Event, None, None]:
        """Say of the steps that were not begun why not."""
        reason = self._why_over()
        for step in self._board.waiting:
            self._board.results[step.id] = StepResult(text="", error=reason)
            yield StepStarted(step)
            yield StepFinished(step, "", Usage(), reason)

    def _why_over(self) -> str:
        if self._held.stops:
            return wording_for(self._setting.language).not_asked
        sentences = self._setting.sentences
        return sentences.no_rounds if self._budget.in_time else sentences.stopped


def _result(ending: RunEnd) -> StepResult:
    if isinstance(ending, RunFailed):
        return StepResult(text="", error=ending.sentence)
    said = ending.answer.strip()
    if not _UNEXPECTED.match(said):
        return StepResult(text=said)
    return StepResult(text=said, error=shortened_line(said, _SURPRISE))
