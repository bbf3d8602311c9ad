"""The answer of a planned run: written from what the steps have found, or a tool's own result."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from strategies.agent.config import RunRequest
from strategies.agent.interface.events import (
    CLOSING,
    AnswerText,
    ClosingFinished,
    ClosingStarted,
    Event,
    ReasoningShown,
    RoundFinished,
    RunFailed,
    RunFinished,
    TextShown,
)
from strategies.agent.planning.board import Board
from strategies.agent.planning.budget import PlanBudget
from strategies.agent.planning.parts import NoTools, RunEnd, Setting, event_within
from strategies.agent.planning.sentences import filled
from strategies.agent.prompt.wording import wording_for
from strategies.agent.schema.answer import Shaped


def written_answer(
    setting: Setting, budget: PlanBudget, board: Board
) -> Generator[Event, None, RunEnd]:
    """Have the answer written from the results, and stream it; return how that ended."""
    yield from setting.show("\n")
    yield ClosingStarted()
    run = setting.make(_part(setting, budget, board))
    found = [] if setting.policy.shape else board.findings
    unsaid = False
    for event in run.events():
        match event:
            case RunFinished() | RunFailed():
                error = event.sentence if isinstance(event, RunFailed) else ""
                yield ClosingFinished(event.usage, error)
                return (yield from _known(setting, event, found, unsaid=unsaid))
            case TextShown() | AnswerText() if found and unsaid:
                pass  # the engine's words; there is more to say
            case TextShown() | AnswerText() | ReasoningShown():
                yield event
            case _:
                unsaid = isinstance(event, RoundFinished) and _brought_no_answer(event)
                yield event_within(CLOSING, event)
    raise AssertionError  # a run ends with its ending


def direct_answer(setting: Setting, ending: RunFinished) -> RunEnd:
    """End with a result that is the answer; where it is to be of some shape, it must be so."""
    shape = setting.policy.shape
    if shape is None:
        return ending
    read = shape.read(ending.answer)
    if isinstance(read, Shaped):
        return replace(ending, answer=read.text, structured=read.value)
    problems = wording_for(setting.language).no_shape.format(problems="; ".join(read.problems))
    return RunFailed(problems, "error", ending.usage)


def _part(setting: Setting, budget: PlanBudget, board: Board) -> RunRequest:
    asked, results = setting.conversation.question, board.told()
    question = filled(setting.sentences.answer, question=asked, results=results)
    return RunRequest(
        conversation=replace(setting.shaped, question=question),
        toolbox=NoTools(),
        limits=budget.for_answer(),
        policy=replace(setting.policy, answer_on_error=False),
        approvals=setting.approvals,
    )


def _brought_no_answer(done: RoundFinished) -> bool:
    return bool(done.results) or not done.text.strip()


def _known(
    setting: Setting, ending: RunEnd, found: Sequence[str], *, unsaid: bool
) -> Generator[Event, None, RunEnd]:
    """Answer with what the steps have found, where the model did not write the answer."""
    if isinstance(ending, RunFailed):
        unsaid = ending.stop_reason != "error"
    elif not ending.answer:
        unsaid = False  # a picture without a word
    if not (found and unsaid):
        return ending
    heading = wording_for(setting.language).empty_answer_with_results
    answer = "\n\n".join([heading, *found])
    yield from setting.say(answer)
    return RunFinished(answer, ending.stop_reason, ending.usage)
