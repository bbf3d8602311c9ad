"""What one run takes over from the turns before it, and leaves to those after it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Message, Model, ModelRequest
from strategies.agent.prompt.conversation import Recalled, RoundRecord
from strategies.agent.prompt.wording import Wording
from strategies.agent.turns.consent import Decided, approval_question, decide, may_mislead
from strategies.agent.turns.recall import PastTurn, PausedTurn, holds, matched, remember, resumed
from strategies.dify.storage.approvals import Held, PendingApproval, named
from strategies.dify.storage.memory import Memory
from strategies.dify.storage.places import name_of
from strategies.dify.storage.replies import CachedModel
from strategies.dify.storage.store import Access, Store
from strategies.dify.wire_values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOwner:
    """Whose turn this is. What is kept belongs to all of it together."""

    app: str
    conversation: str
    """Blank in a Workflow, which has no next turn."""
    user: str
    tools: tuple[str, ...]
    """The names of the tools: they tell the Agent nodes of one app apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPolicy:
    """What the builder wants to be kept beyond the run, and which tools need a yes to run."""

    remembers: bool = True
    asks_before: frozenset[str] = frozenset()
    """The tools that need the reader's approval, by the names that the model knows."""
    approval: object = None
    """The builder's own answer to the question that was asked before."""
    cache_minutes: float = 0
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the builder calls the tools."""


type NamedIn = Callable[[object], Sequence[Json]]
"""Writes those of a run's files that a value names, to be kept with a held call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsBefore:
    """What the turns before have left to this one."""

    taken: Held = field(default_factory=Held)
    """What the turn before asked about."""
    decided: Decided = field(default_factory=Decided)
    """What became of the calls that the turn before asked about."""
    remembered: Sequence[PastTurn] = ()
    """The turns that called tools."""

    @property
    def approved_files(self) -> Sequence[Json]:
        """The files, as they were written, of the calls that the reader has approved."""
        return self.taken.files if self.decided.approved else ()

    def recalled(self, history: Sequence[Message]) -> tuple[Sequence[Message], Recalled]:
        """Find what the turns of the history have called; the one that was paused stands last."""
        recalled = matched(history, self.remembered)
        return (
            resumed(history, recalled, self.taken.turn) if self.taken.turn else (history, recalled)
        )

    def told(self, wording: Wording) -> Sequence[str]:
        """Tell the model what the reader did not approve, and what a plan had found out."""
        calls = "; ".join(
            f"{call.name} {json.dumps(call.arguments, ensure_ascii=False, default=str)}"
            for call in self.decided.rejected
        )
        known = self.taken.turn.known if self.taken.turn else ""
        return [
            wording.rejected.format(calls=calls) if calls else "",
            wording.known.format(results=known) if known else "",
        ]

    def followed_by(self, turn: PausedTurn) -> PausedTurn:
        """Put what was paused, where this run goes on with it, before the turn that this run is."""
        before = self.taken.turn
        if not before or not self.decided.approved:
            return turn
        return PausedTurn(
            question=f"{before.question}\n\n{turn.question}",
            asked=turn.asked,
            rounds=(*before.rounds, *turn.rounds),
            known="\n\n".join(one for one in (before.known, turn.known) if one),
        )


class TurnStorage:
    """Where one run finds what outlives it, and puts it."""

    def __init__(self, access: Access, turn: TurnOwner, policy: TurnPolicy) -> None:
        place = (turn.app, turn.conversation, *sorted(turn.tools))
        self.turn = turn
        self.policy = policy
        self.store = Store(access)
        self.memory = Memory(self.store, name_of(*place))
        self.held = PendingApproval(self.store, name_of(turn.user, *place))

    def read(self, query: str, last_answer: str = "") -> TurnsBefore:
        """Read what the turns before have left; what they have asked is answered by this query.

        Args:
            query: the reader's message.
            last_answer: the last one of the history; blank where there is none. Only what was asked
                in it is answered: the app may be in another branch of the conversation.
        """
        if not self.turn.conversation or not self.turn.tools:
            return TurnsBefore()
        asks = self.policy.asks_before
        taken = self.held.take(lambda held: self._answers(held, last_answer)) if asks else Held()
        decided = decide(taken.calls, query, self.policy.approval) if asks else Decided()
        if self.policy.remembers:
            self.memory.recall()
        else:
            self.memory.forget()  # whoever switches it off wants nothing kept
        return TurnsBefore(taken=taken, decided=decided, remembered=self.memory.turns)

    def _answers(self, held: Held, last_answer: str) -> bool:
        # An app that answers by its variable may ask in words and buttons of its own.
        was_shown = held.turn is not None and holds(last_answer, held.turn.asked)
        return not last_answer or bool(self.policy.approval) or was_shown


class BetweenTurns:
    """One run's share in what outlives it; an `Approvals` of the engine."""

    def __init__(
        self, storage: TurnStorage, before: TurnsBefore, query: str, named_in: NamedIn
    ) -> None:
        self._storage = storage
        self._policy = storage.policy
        self.before = before
        self._query = query
        self._named_in = named_in
        self._shown: list[str] = []
        """All that the reader has seen of this run."""
        self.pending: tuple[ToolCall, ...] = ()
        """The calls of this run that wait for an approval or, in a Workflow, go without."""

    @property
    def problems(self) -> Sequence[str]:
        """What went wrong with the storage so far."""
        return tuple(self._storage.store.problems)

    @property
    def can_ask(self) -> bool:
        """See `Approvals.can_ask`."""
        return bool(self._storage.turn.conversation)

    def cached(self, model: Model, body: Callable[[ModelRequest], bytes]) -> Model:
        """Let a model's replies be cached, where that is wanted.

        `body` writes all that decides a reply.
        """
        if self._policy.cache_minutes <= 0:
            return model

        def of_this_app(request: ModelRequest) -> bytes:
            return self._storage.turn.app.encode() + b"\0" + body(request)

        return CachedModel(model, self._storage.store, self._policy.cache_minutes, of_this_app)

    def asks(self, name: str) -> bool:
        """See `Approvals.asks`."""
        return name in self._policy.asks_before

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """See `Approvals.ask`."""
        if not self.can_ask:
            self.pending = (*self.pending, *calls)
        if not self.can_ask or may_mislead("".join(self._shown)):
            return ""
        calls = named(calls)
        turn = self.before.followed_by(
            PausedTurn(question=self._query, asked="", rounds=tuple(rounds), known=known)
        )
        # A yes may be of another language than what the turn is about.
        asked = approval_question(calls, self._policy.titles, turn.question)
        held = Held(
            calls=calls,
            turn=replace(turn, asked=asked),
            files=self._named_in([one.arguments for one in calls]),
        )
        self.pending = calls if self._storage.held.hold(held) else ()
        return asked if self.pending else ""

    def show(self, text: str) -> None:
        """Take note of what the reader is shown before a question."""
        self._shown.append(text)

    def end(self, shown: Sequence[str], rounds: Sequence[RoundRecord]) -> None:
        """Remember the run, without waiting for it.

        Args:
            shown: what may stand in the next turn's history as this one's answer.
            rounds: those in which tools were called.
        """
        if self._policy.remembers and self._storage.turn.conversation and rounds:
            self._storage.memory.keep(remember(self._query, shown, rounds))

    def settle(self) -> None:
        """Let what is to be kept leave; wait a little, and only for that."""
        self._storage.store.settle()
