"""Fitting a request into a model's context window.

The stages go from the cheapest loss to the dearest, and stop as soon as the prompt fits:

1. a tool result over its share is cut to head and tail;
2. older results of the run are folded to one line;
3. media of older turns become words;
4. the oldest turns of the history go, whole;
5. long arguments of older calls are cut, inside their JSON;
6. the oldest rounds of the run go, each with its calls and results;
7. the newest results are cut further;
8. max_tokens is lowered.

Where the request has too many bytes all the same, its largest parts are cut.

Never lost: system messages, the question, the newest round, and no call without its result.

A provider's prompt cache keeps a prefix that is sent again unchanged. So reductions are kept (what
was cut stays cut the same way), and when the window is full, more goes than is needed now: down to
`_LOW_WATER`, so that the next rounds only append.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from strategies.agent.window.byte_limits import LEAST_PART, level, part_sizes
from strategies.agent.window.draft import Draft

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
"""Share of the room to which old results, calls and rounds give way once it is full."""

_HIGH_WATER = 0.9
"""Share of the room to which dearer things give way, and which no stage leaves exceeded."""

_CUT_FURTHER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBudget:
    """What a model can take."""

    context_size: int | None = None
    """Tokens of prompt and reply together; None when unknown."""
    max_tokens: int | None = None
    """The configured limit of the reply in tokens; None when the provider decides."""
    request_bytes: int | None = None
    """Bytes that messages and tools may have as JSON; None when nothing bounds them."""

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

    @property
    def room(self) -> int:
        """Tokens that the prompt may have."""
        return max(int(self.window * (1 - _MARGIN)) - self.reserved, 1)

    def max_tokens_beside(self, tokens: int) -> int | None:
        """Lower max_tokens to what a prompt leaves, when more than that is configured."""
        if not self.max_tokens:
            return None
        left = int(self.window * (1 - _MARGIN)) - tokens
        least = min(LEAST_ANSWER, self.max_tokens)
        return max(left, least) if left < self.max_tokens and self.max_tokens > least else None

    def smaller(self, tokens: int, stated: int | None = None) -> "WindowBudget":
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


def fit(draft: Draft, budget: WindowBudget) -> None:
    """Bring a draft into the window."""
    room = budget.room
    _cut_large_results(draft, room)
    _fold(draft, room)
    if draft.tokens > room:
        _cut_newest(draft, room)
    if budget.request_bytes and draft.size > budget.request_bytes:
        _cut_parts(draft, int(budget.request_bytes * _HIGH_WATER))


# The parts of a conversation.


def _rounds(draft: Draft, first: int = 0) -> list[range]:
    """Return the run's rounds from a place on: a reply of the assistant and what follows it."""
    return _split(draft, max(draft.question_index + 1, first), len(draft.entries), "assistant")


def _turns(draft: Draft) -> list[range]:
    """Return the history's turns: a message of the user and what follows it."""
    return _split(draft, 0, draft.question_index, "user")


def _split(draft: Draft, start: int, end: int, first: str) -> list[range]:
    starts = [place for place in range(start, end) if draft.role(place) == first]
    starts = [start, *starts[1:]] if starts else [start]
    return [range(a, b) for a, b in zip(starts, [*starts[1:], end], strict=True) if a < b]


def _results(draft: Draft, places: Iterable[int]) -> list[int]:
    return [place for place in places if draft.role(place) in {"tool", "user"}]


# The stages.


def _cut_large_results(draft: Draft, room: int) -> None:
    """Give each new result its share; for those before, that was decided then."""
    for places in _rounds(draft, draft.first_new):
        results = _results(draft, places)
        share = max(
            room * min(_RESULT_SHARE, 2 * _RESULT_SHARE / max(len(results), 1)), _LEAST_RESULT
        )
        for place in results:
            if draft.entries[place].reduction.characters is None:
                _cut_result(draft, place, share)


def _fold(draft: Draft, room: int) -> None:
    """Go through the stages that lose old things, each only when the one before was not enough."""
    if draft.tokens <= room:
        return
    older = [place for places in _rounds(draft)[:-1] for place in places]
    stages: tuple[tuple[float, Iterable[Callable[[], None]]], ...] = (
        (_LOW_WATER, [partial(draft.fold_result, place) for place in _results(draft, older)]),
        (_HIGH_WATER, [partial(draft.name_media, place) for place in range(draft.question_index)]),
        (_HIGH_WATER, [partial(draft.drop, turn) for turn in _turns(draft)]),
        (_LOW_WATER, [partial(draft.shorten_arguments, place) for place in older]),
        (_LOW_WATER, [partial(draft.drop, places) for places in _rounds(draft)[:-1]]),
    )
    for water, steps in stages:
        if draft.tokens <= room * _HIGH_WATER:
            return
        for step in steps:
            if draft.tokens <= room * water:
                break
            step()


def _cut_newest(draft: Draft, room: int) -> None:
    """Cut the newest results further, the largest first, as far as there is anything in them."""
    newest = _results(draft, (_rounds(draft) or [range(0)])[-1])
    while newest and draft.tokens > room:
        largest = max(newest, key=lambda place: draft.entries[place].cost.tokens)
        tokens = draft.entries[largest].cost.tokens
        if tokens <= _LEAST_RESULT:
            return
        _cut_result(draft, largest, max(tokens * _CUT_FURTHER, _LEAST_RESULT * 0.9))
        if draft.entries[largest].cost.tokens >= tokens:
            newest.remove(largest)


def _cut_result(draft: Draft, place: int, most: float) -> None:
    """Cut a result to some tokens; in steps, since head and tail may be denser than the rest."""
    entry = draft.entries[place]
    content = entry.message.get("content")
    if not isinstance(content, str):
        return
    characters = entry.reduction.characters or len(content)
    while characters > 1 and (tokens := draft.entries[place].cost.tokens) > most:
        characters = max(int(characters * most / tokens * 0.98), 1)
        draft.cut_result(place, characters)


def _cut_parts(draft: Draft, most: int) -> None:
    """Bring the draft under a size in bytes: the largest parts give way, and no more than must."""
    parts = [
        (part, place)
        for place, entry in enumerate(draft.entries)
        if entry.sent
        for part in part_sizes(entry.sent)
        if part.is_medium or part.size > LEAST_PART
    ]
    parts.sort(key=lambda found: found[0].size, reverse=True)
    while parts and draft.size > most:
        limit = level([part.size for part, _ in parts], draft.size - most)
        largest, place = parts.pop(0)
        # Of several media only the larger go: each goes as a whole.
        draft.cut_parts(place, largest.size - 1 if largest.is_medium else limit)
