"""The run of an agent: rounds of asking the model and running its calls, until it answers.

`Run.events` is a synchronous generator of everything that happens. One round, from top to bottom:
open it, ask the model (its calls begin while it still writes), wait for the results, decide. This
file knows no Dify, no protocol and no provider: those come in as ports and a prompt format.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from strategies.agent.config import ModelBinding, RunRequest
from strategies.agent.decider import Again, Answered, AskedAnew, Broken, Composed, Decider, Decision
from strategies.agent.interface.events import (
    AnswerText,
    Event,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    StopReason,
    TextShown,
)
from strategies.agent.interface.usage import Usage
from strategies.agent.model.asking import Asker, TextFormats
from strategies.agent.model.open_round import Round
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.wording import Wording
from strategies.agent.streaming.round_queue import RoundQueue
from strategies.agent.streaming.text_pace import TextPace
from strategies.agent.tools.calls import RunCalls


class Run:
    """One run of the agent. Made anew for every run; nothing outlives it."""

    def __init__(
        self,
        request: RunRequest,
        binding: ModelBinding,
        wording: Wording,
        *,
        text_formats: TextFormats,
        fallback: ModelBinding | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what the run needs.

        Args:
            request: what the run is about.
            binding: the model that is asked.
            wording: the engine's own sentences, in the language of the question.
            text_formats: for a model that turns out to call tools in its text.
            fallback: the model that is asked once the first has failed.
            sleep: waits so many seconds.
        """
        limits = request.limits
        deadline = time.monotonic() + limits.seconds
        self._deadline = deadline
        self._tools_until = deadline - limits.answer_seconds
        self._conversation = request.conversation
        self._toolbox = request.toolbox
        self._limits = limits
        self._pace = TextPace(limits.text_pause, sleep)
        self._asker = Asker(
            request,
            binding,
            fallback,
            text_formats,
            wording=wording,
            deadline=deadline,
            pace=self._pace,
            sleep=sleep,
        )
        self._calls = RunCalls(
            request.toolbox,
            wording,
            parallel=limits.parallel_tools,
            tool_seconds=limits.tool_seconds,
            tools_until=self._tools_until,
            approvals=request.approvals,
        )
        self._decider = Decider(request, wording, tools_until=self._tools_until, deadline=deadline)
        self._approved = request.approved
        self.rounds_with_calls: list[RoundRecord] = []
        """Those so far, for later turns."""
        self._rounds = 0
        self._model_is_silent = False
        self._usage = Usage()

    def events(self) -> Iterator[Event]:
        """Play rounds until the run is over; the last event is RunFinished or RunFailed."""
        decision: Decision = (yield from self._run_approved()) if self._approved else Again()
        while isinstance(decision, Again | AskedAnew):
            decision = yield from self._play_round()
        match decision:
            case Answered(answer, reason, streamed):
                if not streamed:
                    yield AnswerText(answer)
                yield RunFinished(answer, reason, self._usage)
            case Composed(answer, reason, structured, error, unseen, unstreamed):
                yield TextShown(answer if unseen is None else unseen)
                yield AnswerText(answer if unstreamed is None else unstreamed)
                yield RunFinished(answer, reason, self._usage, structured, error)
            case Broken(sentence, reason):
                yield RunFailed(sentence, reason, self._usage)

    def _play_round(self) -> Generator[Event, None, Decision]:
        self._rounds += 1
        round_ = self._open_round()
        yield RoundStarted(round_.number)
        reply = yield from self._asker.ask(round_, self._conversation, self._toolbox)
        yield from round_.calls.finish()
        self._usage += round_.usage
        yield RoundFinished(
            round_.number,
            reply.visible,
            round_.calls.results,
            round_.usage,
            reply.error,
            ending=reply.ending,
        )
        record = round_.record_of(reply)
        decision = self._decider.decide(round_, reply, record, self._conversation.rounds)
        self._asker.adopt_format(reply)
        self._model_is_silent = reply.fell_silent
        self._keep(record, decision)
        return decision

    def _run_approved(self) -> Generator[Event, None, Decision]:
        """Play round 0, for which no model is asked."""
        round_ = self._open_round()
        yield RoundStarted(round_.number)
        for call in self._approved:
            yield from round_.calls.begin_approved(call)
        yield from round_.calls.finish()
        yield RoundFinished(round_.number, "", round_.calls.results, round_.usage)
        decision = self._decider.after_approved(round_)
        self._keep(round_.record_of_approved(), decision)
        return decision

    def _open_round(self) -> Round:
        closing = self._reason_to_close()
        queue = RoundQueue(self._pace)
        return Round(
            number=self._rounds,
            closing=closing,
            queue=queue,
            calls=self._calls.open_round(queue),
            reply_until=self._deadline if closing else self._tools_until,
            only_answer=closing is not None or not self._toolbox.specs,
        )

    def _reason_to_close(self) -> StopReason | None:
        if self._calls.stuck:
            return "repeated_calls"
        if time.monotonic() >= self._tools_until or self._model_is_silent:
            return "time_limit"
        # Where one round is all there is, it may call tools, and their results are the answer.
        if self._rounds >= self._limits.rounds > 1:
            return "iteration_limit"
        return None

    def _keep(self, record: RoundRecord, decision: Decision) -> None:
        """Keep a round: for the next one to read, and where tools were called, for later turns."""
        if isinstance(decision, Again):
            record = replace(record, remark=decision.remark, is_unreadable=decision.is_unreadable)
            self._conversation = self._conversation.with_round(record)
        if record.done:
            self.rounds_with_calls.append(record)
