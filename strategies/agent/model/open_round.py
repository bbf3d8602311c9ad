"""A round, from its opening by the loop to the decision about it: what it works with meanwhile."""

from dataclasses import dataclass, field

from strategies.agent.interface.events import CallFinished, StopReason
from strategies.agent.interface.usage import Usage
from strategies.agent.model.reply import Reply
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.agent.prompt.shortening import cut
from strategies.agent.streaming.round_queue import RoundQueue
from strategies.agent.tools.calls import RoundCalls

# Characters of a result that any model may see: more than the wire takes in one request anyway,
# and few enough to be counted in some 20 ms.
_RESULT_LENGTH = 500_000


@dataclass(slots=True, kw_only=True)
class Round:
    """One round: the loop opens it, the asker and the tools fill it, the decider judges it."""

    number: int
    closing: StopReason | None
    """Why this is the last round, in which no tool can be called; None when it is not."""
    queue: RoundQueue
    calls: RoundCalls
    reply_until: float
    """The moment, as `time.monotonic` tells it, until which its reply may begin."""
    only_answer: bool
    """Whether no tool can be called in this round, so that all its text is the answer."""
    usage: Usage = field(default_factory=Usage)
    """What all the model calls of the round have cost, the failed ones included."""

    def record_of(self, reply: Reply) -> RoundRecord:
        """Write down what the model said, what it called and what came back."""
        done = self._done
        says_something = done or reply.calls or reply.format_errors or reply.visible.strip()
        return RoundRecord(
            content=reply.content if says_something else "",
            visible=reply.visible,
            done=done,
            in_text=reply.wrote_calls or not done,
        )

    def record_of_approved(self) -> RoundRecord:
        """Write down the round of the approved calls; no model wrote them here."""
        return RoundRecord(content="", visible="", done=self._done, in_text=False)

    @property
    def _done(self) -> tuple[DoneCall, ...]:
        ran = self.calls.ran_ids
        return tuple(_done(one, ran=one.call.id in ran) for one in self.calls.results)


def _done(finished: CallFinished, *, ran: bool) -> DoneCall:
    return DoneCall(
        call=finished.call,
        result=cut(finished.outcome.text, _RESULT_LENGTH),
        answer=cut(finished.outcome.answer, _RESULT_LENGTH),
        remark=cut(finished.outcome.remark, _RESULT_LENGTH),
        ran=ran,
        describes_tools=finished.outcome.describes_tools,
    )
