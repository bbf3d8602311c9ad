"""What a round leads to: another round, or one of the ends of a run.

`Decider.decide` is asked once after every round. Beside asking for approval it changes
nothing but its own memory of what was pointed out: each fault of a reply is pointed out once in a
run, an empty reply once more after tools ran.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from strategies.agent.config import RunRequest
from strategies.agent.failures.classify import ModelFailure
from strategies.agent.interface.events import StopReason
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.model.open_round import Round
from strategies.agent.model.reply import Reply
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.wording import Wording
from strategies.agent.schema.answer import AnswerShape, Shaped

type Fault = Literal["unreadable", "empty", "misshapen"]
"""What can be wrong with a reply that its model may do over."""


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round, in which it reads of this one."""

    remark: str = ""
    """What it is told about this one, such as a fault of its reply."""
    is_unreadable: bool = False
    """Whether its reply begins with a call that could not be read, and called nothing."""


@dataclass(frozen=True, slots=True)
class AskedAnew:
    """The model is asked once more, as if this round, which brought nothing, had not been."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The run is over; the reader has seen the text, which is the answer."""

    answer: str
    reason: StopReason
    streamed: bool
    """It went out piece by piece as the answer, known to be one from its first word."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The run is over; the answer was put together here."""

    answer: str
    reason: StopReason
    structured: object = None
    """The answer as a JSON value, where a shape was asked for."""
    error: str = ""
    """What went wrong, where the run is to end with what is known all the same."""
    unseen: str | None = None
    """The end of the answer that the reader has yet to see; None for all of it."""
    unstreamed: str | None = None
    """The end of it that has yet to go out as the answer; None for all of it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The run is over, without an answer."""

    sentence: str
    reason: StopReason


type Decision = Again | AskedAnew | Answered | Composed | Broken


class Decider:
    """Decides for one run."""

    def __init__(
        self,
        request: RunRequest,
        wording: Wording,
        *,
        tools_until: float,
        deadline: float,
    ) -> None:
        """Take the moments after which no tool may start, and after which nothing may."""
        self._policy = request.policy
        self._limits = request.limits
        self._approvals = request.approvals
        self._wording = wording
        self._tools_until = tools_until
        self._deadline = deadline
        self._pointed_out: set[Fault] = set()

    def decide(
        self, round_: Round, reply: Reply, record: RoundRecord, earlier: Sequence[RoundRecord]
    ) -> Decision:
        """Say what comes after a round; `record` tells it, `earlier` the rounds before it."""
        decision = self._decide(round_, reply, record, earlier)
        if isinstance(decision, Broken) and self._policy.answer_on_error:
            return self._with_what_is_known(decision, round_, reply, earlier)
        return decision

    def _decide(
        self, round_: Round, reply: Reply, record: RoundRecord, earlier: Sequence[RoundRecord]
    ) -> Decision:
        if record.done:
            return self._after_calls(round_, (*earlier, record))
        if reply.failure is not None:
            return self._after_failure(round_, reply, reply.failure, earlier)
        if reply.format_errors and not round_.closing and self._may_ask_again("unreadable", round_):
            told = self._wording.format_error.format(problem=reply.format_errors[0].problem)
            again = self._ask_again("unreadable", told)
            return replace(again, is_unreadable=reply.begins_unreadable)
        if self._policy.shape and (reply.visible.strip() or reply.calls):
            return self._after_shaped_answer(round_, reply, self._policy.shape)
        # A picture without a word is an answer, too.
        if not reply.visible.strip() and not reply.files:
            return self._after_no_answer(round_, reply, earlier)
        return _answered(round_, reply, _reason(round_, reply))

    def after_approved(self, round_: Round) -> Decision:
        """Say what comes after the calls that the reader has approved."""
        return self._direct(round_) or Again()

    def _after_calls(self, round_: Round, records: Sequence[RoundRecord]) -> Decision:
        held = round_.calls.held
        if held:
            with_calls = [record for record in records if record.done]
            if question := self._approvals.ask(held, with_calls):
                return Composed(question, "approval_needed")
        if direct := self._direct(round_):
            return direct
        # Tools brought the run on: the next empty reply is a new one.
        self._pointed_out.discard("empty")
        if self._limits.rounds > 1:
            return Again(self._wording.not_asked if held and self._approvals.can_ask else "")
        return self._from_results(
            [done.outcome for done in round_.calls.results], "iteration_limit"
        )

    def _direct(self, round_: Round) -> Decision | None:
        """End with results that are the answer, where there are any."""
        direct = [
            done.outcome
            for done in round_.calls.results
            if done.call.name in self._policy.direct_tools and not done.outcome.error
        ]
        return self._from_results(direct, "direct_result") if direct else None

    def _from_results(self, outcomes: Sequence[ToolOutcome], reason: StopReason) -> Decision:
        """Let results stand for the answer; where it is to be of some shape, they must be so."""
        answer = _answer(outcomes)
        shape = self._policy.shape
        if shape is None:
            return Composed(answer, reason)
        read = shape.read(answer)
        if isinstance(read, Shaped):
            return Composed(read.text, reason, read.value)
        problems = "; ".join(read.problems)
        return Broken(self._wording.no_shape.format(problems=problems), "error")

    def _after_failure(
        self, round_: Round, reply: Reply, failure: ModelFailure, earlier: Sequence[RoundRecord]
    ) -> Decision:
        if reply.visible.strip() and not self._policy.shape and self._is_cut_by_time(reply):
            return _answered(round_, reply, "time_limit")
        if self._may_still_answer(round_, reply, failure):
            return AskedAnew()
        if self._is_cut_by_time(reply):
            return self._from_earlier(earlier) or Broken(failure.message, "time_limit")
        return Broken(failure.message, "error")

    def _is_cut_by_time(self, reply: Reply) -> bool:
        return reply.fell_silent or time.monotonic() >= self._deadline

    def _from_earlier(self, earlier: Sequence[RoundRecord]) -> Decision | None:
        """Answer from what tools had found, where the model had no time left to do so."""
        found = _findings(earlier)
        if not found or self._policy.shape:
            return None
        return Composed(
            _paragraphs([self._wording.empty_answer_with_results, *found]), "time_limit"
        )

    def _may_still_answer(self, round_: Round, reply: Reply, failure: ModelFailure) -> bool:
        """Whether the time kept back for the closing answer is to be used for a second try."""
        is_unseen = not reply.visible.strip() and not reply.files
        has_room = round_.number < self._limits.rounds and time.monotonic() < self._deadline
        is_late = failure.kind == "transient" and time.monotonic() >= self._tools_until
        return is_unseen and has_room and not round_.closing and (is_late or reply.fell_silent)

    def _after_no_answer(
        self, round_: Round, reply: Reply, earlier: Sequence[RoundRecord]
    ) -> Decision:
        if self._may_ask_again("empty", round_):
            wording = self._wording
            nudge = wording.nudge_without_tools if round_.only_answer else wording.nudge
            return self._ask_again("empty", nudge)
        reason = _reason(round_, reply, "empty_reply")
        found = _findings(earlier)
        if self._policy.shape or not any(one.done for one in earlier):
            return Broken(self._wording.empty_answer, reason)
        said = self._wording.empty_answer_with_results if found else self._wording.empty_answer
        return Composed(_paragraphs([said, *found]), reason)

    def _after_shaped_answer(self, round_: Round, reply: Reply, shape: AnswerShape) -> Decision:
        # An object that reads like a call has not been shown as text.
        read = shape.read(reply.visible if reply.visible.strip() else reply.content)
        if isinstance(read, Shaped):
            return Composed(read.text, _reason(round_, reply), read.value)
        problems = "; ".join(read.problems)
        if self._may_ask_again("misshapen", round_):
            return self._ask_again("misshapen", self._wording.misshapen.format(problems=problems))
        return Broken(self._wording.no_shape.format(problems=problems), "error")

    def _may_ask_again(self, fault: Fault, round_: Round) -> bool:
        """Whether a reply can be asked for anew: once for each fault, as long as there is time.

        An answer of the wrong shape gets its second try even when the rounds are used up: the try
        calls no tool, and without it the run would have ended with nothing.
        """
        rounds_left = round_.number < self._limits.rounds or fault == "misshapen"
        return fault not in self._pointed_out and rounds_left and time.monotonic() < self._deadline

    def _ask_again(self, fault: Fault, remark: str) -> Again:
        self._pointed_out.add(fault)
        return Again(remark)

    def _with_what_is_known(
        self, broken: Broken, round_: Round, reply: Reply, earlier: Sequence[RoundRecord]
    ) -> Decision:
        """End with what the reader has seen of the reply, what failed and what the tools found."""
        said = _paragraphs([broken.sentence, *_findings(earlier)])
        seen = "" if self._policy.shape else reply.visible.strip()
        if not seen:
            return Composed(said, broken.reason, error=broken.sentence)
        answer = f"{seen}\n\n{said}"
        return Composed(
            answer,
            broken.reason,
            error=broken.sentence,
            unseen=said,
            unstreamed=f"\n\n{said}" if round_.only_answer else answer,
        )


def _answered(round_: Round, reply: Reply, reason: StopReason) -> Decision:
    return Answered(reply.visible, reason, streamed=round_.only_answer)


def _reason(round_: Round, reply: Reply, otherwise: StopReason = "answered") -> StopReason:
    """Say why a run ends with this reply; an answer that was cut off is never just answered."""
    ending = reply.ending
    if ending in ("length", "content_filter"):
        return ending
    return round_.closing or otherwise


def _findings(rounds: Sequence[RoundRecord]) -> list[str]:
    """List what the tools found, each once, for a reader."""
    found = (one.answer for record in rounds for one in record.done if one.ran and one.answer)
    return list(dict.fromkeys(found))


def _answer(outcomes: Sequence[ToolOutcome]) -> str:
    """Write the results that stand for an answer; of those that brought nothing, one says so."""
    found = _paragraphs(outcome.answer for outcome in outcomes)
    if found or any(outcome.forwarded for outcome in outcomes):
        return found
    return outcomes[0].text


def _paragraphs(texts: Iterable[str]) -> str:
    return "\n\n".join(text for text in texts if text)
