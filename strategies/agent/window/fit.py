"""Fitting a conversation into a model's context window.

`fit` is a pure function of the whole conversation and of what was decided before (`Decisions`).
The stages go from the cheapest loss to the dearest, and each stops as soon as the prompt fits:

1. a tool result over its share is cut to head and tail;
2. older results of the run are folded to one line;
3. media of older turns become words;
4. the oldest turns of the history go, whole;
5. long arguments of older calls are cut, inside their JSON;
6. the oldest rounds of the run go, each with its calls and results;
7. the newest results are cut further;
8. max_tokens is lowered.

Never lost: system messages, the question, the newest round, and no call without its result.

A provider's prompt cache keeps a prefix that is sent again unchanged. So decisions are kept (what
was cut stays cut the same way), and when the window is full, more is folded than is needed now:
down to `_LOW_WATER`, so that the next rounds only append.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from strategies.agent.ports import Message
from strategies.agent.window.draft import FOLDED_TEXT, Decisions, Draft
from strategies.agent.window.tokens import Estimator
from strategies.protocols.base import ToolSpec

DEFAULT_CONTEXT = 32_000
"""Tokens of a window whose size nobody knows: what nearly every model with tools has, and enough
for a run. A larger window loses some old results by it, a smaller one answers with an error that
says so, and the window is made smaller."""

LEAST_ANSWER = 512
"""Tokens that an answer needs; max_tokens is never lowered below that."""

_DEFAULT_ANSWER = 4_096
_MARGIN = 0.03
"""Share of the window kept free, because tokens are estimated."""

_RESULT_SHARE = 0.25
"""Share of the prompt's room for one result; all results of a round together get twice that."""

_LEAST_RESULT = 300
"""Tokens that a result may always have."""

_LOW_WATER = 0.75
"""Share of the room to which results are folded once it is full."""

_HIGH_WATER = 0.9
"""The same for what is dearer than old results."""

_CUT_FURTHER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a model can take."""

    context_size: int | None = None
    """Tokens of prompt and reply together; None when unknown."""
    max_tokens: int | None = None
    """The configured limit of the reply in tokens; None when the provider decides."""

    @property
    def window(self) -> int:
        """The window to work with."""
        known = self.context_size if self.context_size and self.context_size > 0 else None
        return known or DEFAULT_CONTEXT

    @property
    def reserved(self) -> int:
        """Tokens kept for the reply: at most half of the window, however much is configured."""
        wanted = self.max_tokens or min(_DEFAULT_ANSWER, self.window // 4)
        return min(wanted, self.window // 2)

    def smaller(self, tokens: int, stated: int | None = None) -> "Budget":
        """Return the budget to use after the provider found a prompt too long.

        Args:
            tokens: the estimate for that prompt, which the next one must stay below.
            stated: the window's size, when the provider says it; one that is no smaller than what
                was known shows that the estimate is too low, and changes nothing by itself.
        """
        if stated and stated < self.window:
            return replace(self, context_size=stated)
        refused = min(self.window, tokens + self.reserved)
        return replace(self, context_size=max(int(refused * 0.6), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A conversation as it can be sent; to be passed in again when the conversation has grown."""

    messages: Sequence[Message]
    draft: Draft = field(compare=False)
    room: int
    """Tokens that the prompt might have."""
    notes: tuple[str, ...]
    """What was left out this time and not before, for the log."""
    max_tokens: int | None
    """The limit to set for this call; None keeps the configured one."""
    tokens: int
    """The estimate for the prompt, tools included."""


def fit(
    messages: Sequence[Message],
    *,
    question: int,
    tools: Sequence[ToolSpec] = (),
    budget: Budget,
    estimator: Estimator,
    before: Fitted | None = None,
) -> Fitted:
    """Bring a conversation into the window.

    Args:
        messages: the whole conversation, as it would be sent to a model without limits.
        question: index of the user's question. Before it stands the history, behind it the run:
            replies of the assistant, and results as messages of the tool or, in text protocols,
            of the user.
        tools: the tools that are declared natively.
        budget: what the model can take.
        estimator: what tokens cost for this model.
        before: what came out for this conversation when it was shorter.
    """
    room = max(int(budget.window * (1 - _MARGIN)) - budget.reserved, 1)
    draft = Draft(messages, question, tools, estimator, before.draft if before else None)
    _cut_large_results(draft, room, draft.first_new if before and before.room == room else 0)
    _fold(draft, room)
    if draft.tokens > room:
        _cut_newest(draft, room)
    return Fitted(
        messages=draft.written(),
        draft=draft,
        room=room,
        notes=_notes(before.draft.decisions if before else Decisions(), draft.decisions),
        max_tokens=_lowered(budget, draft.tokens),
        tokens=draft.tokens,
    )


# The parts of a conversation.


def _rounds(draft: Draft, first: int = 0) -> list[range]:
    """Return the run's rounds from a place on: a reply of the assistant and what follows it."""
    return _split(draft, max(draft.question + 1, first), len(draft.weighed), "assistant")


def _turns(draft: Draft) -> list[range]:
    """Return the history's turns: a message of the user and what follows it."""
    return _split(draft, 0, draft.question, "user")


def _split(draft: Draft, start: int, end: int, first: str) -> list[range]:
    starts = [place for place in range(start, end) if draft.message(place).get("role") == first]
    starts = [start, *starts[1:]] if starts else [start]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], end], strict=True) if a < b]


def _results(draft: Draft, places: Iterable[int]) -> list[int]:
    return [place for place in places if draft.message(place).get("role") in {"tool", "user"}]


# The stages.


def _cut_large_results(draft: Draft, room: int, first: int) -> None:
    """Give each result from a place on its share; for those before, that was decided then."""
    for places in _rounds(draft, first):
        results = _results(draft, places)
        share = max(
            room * min(_RESULT_SHARE, 2 * _RESULT_SHARE / max(len(results), 1)), _LEAST_RESULT
        )
        for place in results:
            if draft.price(place) > share and draft.limit_of(place) is None:
                _cut_to(draft, place, share)


def _fold(draft: Draft, room: int) -> None:
    """Go through the stages that lose old things, each only when the one before was not enough."""
    if draft.tokens <= room:
        return
    older = [place for places in _rounds(draft)[:-1] for place in places]
    stages: tuple[tuple[float, Iterable[Callable[[], None]]], ...] = (
        (_LOW_WATER, [partial(_fold_result, draft, place) for place in _results(draft, older)]),
        (_HIGH_WATER, [partial(draft.forget_media, place) for place in range(draft.question)]),
        (_HIGH_WATER, [partial(draft.drop, turn) for turn in _turns(draft)]),
        (_HIGH_WATER, [partial(draft.trim, place) for place in older]),
        (_HIGH_WATER, [partial(draft.drop, places) for places in _rounds(draft)[:-1]]),
    )
    for water, steps in stages:
        if draft.tokens <= room:
            return
        for step in steps:
            if draft.tokens <= room * water:
                break
            step()


def _fold_result(draft: Draft, place: int) -> None:
    content = draft.message(place).get("content")
    if isinstance(content, str) and len(content) > FOLDED_TEXT:
        draft.limit(place, 0)


def _cut_newest(draft: Draft, room: int) -> None:
    """Cut the newest results further, the largest first, as far as there is anything in them."""
    newest = _results(draft, (_rounds(draft) or [range(0)])[-1])
    while newest and draft.tokens > room:
        largest = max(newest, key=draft.price)
        price = draft.price(largest)
        if price <= _LEAST_RESULT:
            return
        _cut_to(draft, largest, max(price * _CUT_FURTHER, _LEAST_RESULT * 0.9))
        if draft.price(largest) >= price:
            newest.remove(largest)


def _cut_to(draft: Draft, place: int, tokens: float) -> None:
    """Cut a result to some tokens; in steps, since head and tail may be denser than the rest."""
    content = draft.message(place).get("content")
    if not isinstance(content, str):
        return
    limit = draft.limit_of(place) or len(content)
    while limit > 1 and draft.price(place) > tokens:
        limit = max(int(limit * tokens / draft.price(place) * 0.98), 1)
        draft.limit(place, limit)


def _lowered(budget: Budget, tokens: int) -> int | None:
    """Lower max_tokens to what is left, when it is configured and more than that."""
    if not budget.max_tokens:
        return None
    left = int(budget.window * (1 - _MARGIN)) - tokens
    least = min(LEAST_ANSWER, budget.max_tokens)
    return max(left, least) if left < budget.max_tokens and budget.max_tokens > least else None


def _notes(before: Decisions, after: Decisions) -> tuple[str, ...]:
    limits = {
        place: limit
        for place, limit in after.limits.items()
        if before.limits.get(place) != limit and place not in after.dropped
    }
    counted = (
        (sum(1 for limit in limits.values() if limit), "cut {} tool result(s) to head and tail"),
        (sum(1 for limit in limits.values() if not limit), "folded {} older tool result(s)"),
        (len(after.without_media - before.without_media), "named the files of {} older message(s)"),
        (len(after.trimmed - before.trimmed), "cut the arguments of {} older round(s)"),
        (len(after.dropped - before.dropped), "left out {} old message(s)"),
    )
    return tuple(text.format(count) for count, text in counted if count)
