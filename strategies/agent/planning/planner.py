"""Asking the model for a plan and for its revisions; the board gets the steps that it writes."""

from collections.abc import Generator
from dataclasses import replace

from strategies.agent.config import Policy, RunRequest
from strategies.agent.interface.events import (
    AnswerText,
    CallStarted,
    Event,
    Noticed,
    PlanFinished,
    PlannedStep,
    PlanStarted,
    RunFailed,
    RunFinished,
    TextShown,
    place_of,
)
from strategies.agent.interface.ports import Toolbox
from strategies.agent.planning.board import Board, checklist
from strategies.agent.planning.budget import PlanBudget
from strategies.agent.planning.parts import NoTools, RunEnd, Setting, event_within
from strategies.agent.planning.plan import DirectAnswer, read_plan
from strategies.agent.planning.sentences import filled
from strategies.agent.prompt.shortening import shortened_line

_MOST_REVISIONS = 2
_DESCRIPTION = 160
"""Characters of a tool's description that the planner reads."""


class Planner:
    """Has plans written for one run."""

    def __init__(
        self, setting: Setting, toolbox: Toolbox, budget: PlanBudget, board: Board
    ) -> None:
        """Take what the run shares, and the tools that will carry out the plan."""
        self._setting = setting
        self._toolbox = toolbox
        self._budget = budget
        self._board = board
        self._revisions = 0
        self._takes_answers = not setting.calls_at_least_once and setting.policy.shape is None
        """Whether an answer without a call, in free words, is what the builder wants."""

    def plan(self) -> Generator[Event, None, RunEnd | None]:
        """Ask for the plan; return the end of the run where the model answered, or failed."""
        direct = DirectAnswer()
        said, ending = yield from self._ask(self._setting.conversation.question, direct)
        steps = self._read(said) if said and not direct.text else None
        unread = not steps and not direct.text
        error = self._setting.sentences.unreadable if unread else ""
        yield PlanFinished(0, steps or (), ending.usage, error)
        if isinstance(ending, RunFailed) and ending.stop_reason != "empty_reply":
            return ending
        if unread:
            detail = {"reply": said, "instead": "function calling"}
            yield Noticed("✗ PLAN unreadable, function calling", detail)
        if isinstance(ending, RunFinished) and direct.text and self._takes_answers:
            return replace(ending, answer=direct.text)
        # A plan of one step is no plan: then the step is the whole of the question.
        if steps and len(steps) > 1:
            self._board.revise(steps)
            yield from self._setting.show(checklist(steps))
        return None

    @property
    def may_revise(self) -> bool:
        """Whether a plan that did not go well may be written anew."""
        left = self._budget.allows_plan and self._budget.in_time
        return self._revisions < _MOST_REVISIONS and left

    def revise(self) -> Generator[Event, None, None]:
        """Ask for the steps that are to take the place of those that have not begun."""
        self._revisions += 1
        told = filled(self._setting.sentences.revise, results=self._board.told())
        question = f"{self._setting.conversation.question}\n\n{told}"
        said, ending = yield from self._ask(question, DirectAnswer())
        steps = self._read(said) if isinstance(ending, RunFinished) else None
        error = self._setting.sentences.unreadable if steps is None else ""
        yield PlanFinished(self._revisions, steps or (), ending.usage, error)
        # A revision that cannot be read ends the plan: the answer says what is known.
        self._board.revise(steps or ())
        if steps:
            yield from self._setting.show(checklist(steps))

    def _ask(
        self, question: str, direct: DirectAnswer
    ) -> Generator[Event, None, tuple[str, RunEnd]]:
        """Return what the model wrote; an answer that comes instead of a first plan is streamed."""
        started = PlanStarted(self._revisions)
        yield started
        run = self._setting.make(self._part(question))
        streams = self._revisions == 0 and self._takes_answers
        calls = False
        for event in run.events():
            match event:
                case TextShown(text):
                    if (answer := direct.read(text)) and streams:
                        yield from self._setting.say(answer)
                case AnswerText():
                    pass
                case RunFinished() | RunFailed():
                    if (answer := direct.read("", ending=True)) and streams:
                        yield from self._setting.say(answer)
                    # A model that calls a tool all the same has written no plan.
                    said = "" if calls or isinstance(event, RunFailed) else event.answer
                    return said, event
                case _:
                    calls = calls or isinstance(event, CallStarted)
                    yield event_within(place_of(started), event)
        raise AssertionError  # a run ends with its ending

    def _part(self, question: str) -> RunRequest:
        setting = self._setting
        tools = "\n".join(
            f"- {one.name}: {shortened_line(one.description, _DESCRIPTION)}"
            for one in self._toolbox.specs
        )
        instruction = setting.instructed(filled(setting.sentences.plan, tools=tools))
        return RunRequest(
            conversation=replace(setting.conversation, instruction=instruction, question=question),
            toolbox=NoTools(),
            limits=self._budget.for_plan(),
            policy=Policy(),
            approvals=setting.approvals,
        )

    def _read(self, said: str) -> tuple[PlannedStep, ...] | None:
        return read_plan(
            said,
            first=self._board.next_id,
            tools=tuple(self._toolbox.known),
            done=tuple(self._board.results),
        )
