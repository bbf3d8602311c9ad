"""A run with a plan: the model plans, steps run side by side, and one answer is written from them.

Every part is a run of the engine (`agent/loop.py`); here they are put in order, and what a run may
spend is shared out among them. Where no plan is needed or to be had, an ordinary run answers.
"""

import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from strategies.agent.config import Limits, Policy
from strategies.agent.events import (
    Event,
    PlannedStep,
    RunFailed,
    RunFinished,
    StepFinished,
    StepHeld,
    StepStarted,
    ToolCall,
    place_of,
)
from strategies.agent.loop import Run
from strategies.agent.planning.answer import direct_answer, written_answer
from strategies.agent.planning.board import Board, StepResult, ticked
from strategies.agent.planning.budget import Budget
from strategies.agent.planning.parts import (
    HeldBack,
    MakeRun,
    Manner,
    RunEnd,
    RunPart,
    Setting,
    ToolsFor,
    event_within,
)
from strategies.agent.planning.planner import Planner
from strategies.agent.planning.sentences import filled
from strategies.agent.planning.side_by_side import Over, SideBySide
from strategies.agent.ports import Toolbox, Usage
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.prompt.truncation import shortened_line
from strategies.agent.prompt.wording import wording_for
from strategies.agent.tools.approval import Approvals, NoApprovals
from strategies.protocols.base import Language

_ROUNDS_TO_SEARCH = 3
"""For a search for tools, a call of what was found and the result."""
_SURPRISE = 160
"""Characters of what a step calls unexpected that stand as its error."""
_UNEXPECTED = re.compile(r"[*_\s]*UNEXPECTED[*_\s]*[:：]", re.IGNORECASE)


class PlannedRun:
    """One run with a plan. Like `Run`, it is made anew for every run."""

    def __init__(
        self,
        conversation: Conversation,
        tools_for: ToolsFor,
        make: MakeRun,
        limits: Limits,
        *,
        language: Language,
        manner: Manner,
        approvals: Approvals | None = None,
        approved: Sequence[ToolCall] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what the run is about.

        Args:
            conversation: the question and what stands before it, without the answer's shape.
            tools_for: chooses the tools of a part.
            make: makes the run of a part.
            limits: what all parts together may spend.
            language: that of the question.
            manner: what the builder wants.
            approvals: which calls the reader must approve first.
            approved: the calls that the reader has approved; an ordinary run goes on from them.
            clock: the time in seconds.
        """
        self._setting = Setting(
            conversation=conversation,
            tools_for=tools_for,
            make=make,
            language=language,
            manner=manner,
            approvals=approvals or NoApprovals(),
        )
        self._approved = approved
        self._at_once = limits.parallel_tools
        self._budget = Budget(limits, clock)
        self._held = HeldBack(self._setting.approvals)
        self._board = Board(self._setting.sentences)
        self._demands_call = manner.demands_call
        self.called: list[RoundRecord] = []
        """The rounds so far in which tools were called."""

    def events(self) -> Iterator[Event]:
        """Play the run; the last event is RunFinished or RunFailed."""
        for event in self._course():
            self._budget.count(event)
            yield event

    def _course(self) -> Iterator[Event]:
        toolbox = self._setting.tools_for(self._setting.conversation)
        if self._approved or not toolbox.specs or not self._budget.allows_plan:
            yield from self._ordinary(toolbox)
            return
        planner = Planner(self._setting, toolbox, self._budget, self._board)
        ending = yield from planner.plan()
        if ending is None and not self._board.steps:
            yield from self._ordinary(toolbox)
            return
        if ending is None:
            ending = yield from self._carry_out(planner)
        if ending is None:
            ending = yield from written_answer(self._setting, self._budget, self._board)
        yield from self._end(ending)

    # -- the steps ------------------------------------------------------------------------------

    def _carry_out(self, planner: Planner) -> Generator[Event, None, RunEnd | None]:
        """Run the steps; return the end of the run where one of them ends it."""
        side, surprised, direct = SideBySide(), False, None
        runs: dict[int, tuple[PlannedStep, Run]] = {}
        waiting: list[tuple[PlannedStep, Usage]] = []
        try:
            while True:
                if not (surprised or direct or self._held.stops):
                    yield from self._begin(side, runs)
                if not runs:
                    if not surprised or direct or self._held.stops:
                        break
                    surprised = False
                    if planner.may_revise:
                        yield from planner.revise()
                    continue
                number, event = side.next()
                if isinstance(event, Over):
                    continue
                step, run = runs[number]
                if not isinstance(event, RunFinished | RunFailed):
                    yield event_within(place_of(StepStarted(step)), event)
                    continue
                del runs[number]
                self.called += run.called
                self._budget.take_back(place_of(StepStarted(step)))
                if isinstance(event, RunFinished) and event.stop_reason == "approval_needed":
                    waiting.append((step, event.usage))
                    continue
                yield from self._finish(step, self._result(event), event.usage)
                if isinstance(event, RunFinished) and event.stop_reason == "direct_result":
                    direct = direct or event
                surprised = surprised or bool(self._board.results[number].error)
        finally:
            side.leave()
        ending = (yield from self._approval(waiting)) or (
            direct_answer(self._setting, direct) if direct else None
        )
        if isinstance(ending, RunFinished):
            yield from self._setting.say(ending.answer, below="\n")
        elif ending is None:
            yield from self._give_up(self._why_over())
        return ending

    def _begin(
        self, side: SideBySide, runs: dict[int, tuple[PlannedStep, Run]]
    ) -> Generator[Event, None, None]:
        for step in self._board.ready[: self._at_once - len(runs)]:
            rounds = self._budget.lend(place_of(StepStarted(step)), len(self._board.waiting))
            if not rounds:
                return
            self._board.running.add(step.id)
            run = self._setting.make(self._step_part(step, rounds))
            runs[step.id] = (step, run)
            yield StepStarted(step)
            side.start(step.id, run)

    def _finish(
        self, step: PlannedStep, result: StepResult, usage: Usage
    ) -> Generator[Event, None, None]:
        self._board.running.discard(step.id)
        self._board.results[step.id] = result
        yield StepFinished(step, result.text, usage, result.error)
        yield from self._setting.show(ticked(step, result))

    def _result(self, ending: RunEnd) -> StepResult:
        if isinstance(ending, RunFailed):
            return StepResult(text="", error=ending.sentence)
        said = ending.answer.strip()
        if not _UNEXPECTED.match(said):
            return StepResult(text=said)
        return StepResult(text=said, error=shortened_line(said, _SURPRISE))

    def _step_part(self, step: PlannedStep, rounds: int) -> RunPart:
        question, results = step.task, ""
        if step.after:
            results = self._board.told(step.after)
            question = filled(self._setting.sentences.task, task=question, results=results)
        conversation = Conversation(
            instruction=self._setting.instructed(self._setting.sentences.step),
            history=(),
            question=question,
            attachments=self._setting.conversation.attachments,
            material=(*self._setting.conversation.material, results),
        )
        searches = rounds >= _ROUNDS_TO_SEARCH
        toolbox = self._setting.tools_for(conversation, step.tools, searches=searches)
        part = self._part(conversation, toolbox, self._budget.for_step(rounds))
        demanded, self._demands_call = self._demands_call, False
        policy = Policy(direct_tools=self._setting.policy.direct_tools)
        return replace(part, policy=policy, approvals=self._held, demands_call=demanded)

    def _why_over(self) -> str:
        if self._held.stops:
            return wording_for(self._setting.language).not_asked
        sentences = self._setting.sentences
        return sentences.no_rounds if self._budget.in_time else sentences.stopped

    def _give_up(self, reason: str) -> Generator[Event, None, None]:
        """Say of the steps that were not begun why not."""
        for step in self._board.waiting:
            self._board.results[step.id] = StepResult(text="", error=reason)
            yield StepStarted(step)
            yield StepFinished(step, "", Usage(), reason)

    # -- the end --------------------------------------------------------------------------------

    def _end(self, ending: RunEnd) -> Iterator[Event]:
        """End the whole run as its last part ended."""
        if isinstance(ending, RunFinished) or not self._setting.policy.answer_on_error:
            yield replace(ending, usage=self._budget.usage)
            return
        said = "\n\n".join([ending.sentence, *self._board.findings])
        yield from self._setting.say(said)
        yield RunFinished(said, ending.stop_reason, self._budget.usage, error=ending.sentence)

    def _approval(
        self, waiting: Sequence[tuple[PlannedStep, Usage]]
    ) -> Generator[Event, None, RunEnd | None]:
        """Ask once for all the calls that the steps have held; `waiting` are these steps."""
        held = self._held.calls
        question = (
            self._setting.approvals.ask(held, self.called, self._board.told()) if held else ""
        )
        for step, usage in waiting:
            if question:
                yield StepHeld(step, usage)
            else:
                error = wording_for(self._setting.language).not_asked
                yield from self._finish(step, StepResult(text="", error=error), usage)
        return RunFinished(question, "approval_needed", self._budget.usage) if question else None

    def _ordinary(self, toolbox: Toolbox) -> Iterator[Event]:
        """Answer as function calling does, with what is left."""
        conversation = self._setting.shaped
        part = self._part(conversation, toolbox, self._budget.for_answer())
        run = self._setting.make(replace(part, approved=self._approved, demands_call=True))
        for event in run.events():
            if isinstance(event, RunFinished | RunFailed):
                self.called += run.called
                yield replace(event, usage=self._budget.usage + event.usage)
            else:
                yield event

    # -- what the parts have in common ----------------------------------------------------------

    def _part(self, conversation: Conversation, toolbox: Toolbox, limits: Limits) -> RunPart:
        return RunPart(
            conversation=conversation,
            toolbox=toolbox,
            limits=limits,
            policy=self._setting.policy,
            approvals=self._setting.approvals,
        )
