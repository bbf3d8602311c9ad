"""One run's requests kept inside the model's window.

The estimate of tokens is corrected by every reply; what was left out of the conversation when it
was shorter stays left out, so that the prefix of the prompt stays the same from round to round.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from strategies.agent.interface.ports import ModelRequest
from strategies.agent.interface.usage import Usage
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.window.draft import Draft
from strategies.agent.window.fit import WindowBudget, fit
from strategies.agent.window.tokens import Report, estimator_for

type Write = Callable[[Conversation], ModelRequest]
"""How a format writes the conversation as a request."""

# Where results stand inside the question (the qwen protocol), messages cannot give way: then the
# results are cut to so many characters each, those of the last round and the older ones, by the
# first pair that is enough.
_RESULT_LENGTHS = (
    (20_000, 20_000),
    (20_000, 800),
    (4_000, 800),
    (4_000, 200),
    (800, 200),
    (800, 60),
    (300, 60),
)

# What earlier turns called gives way first: its results are cut, then all of it is left out.
_RECALLED = {
    240: ("cut the results of earlier turns",),
    0: ("left out the calls of earlier turns",),
}

_SHORTENED = ("shortened the results and rounds inside the question",)


class ContextWindow:
    """The window of one model in one run."""

    def __init__(self, model: str, budget: WindowBudget) -> None:
        self._budget = budget
        self._estimator = estimator_for(model)
        self._report = Report()
        self._drafts: dict[str, Draft] = {}
        """The last one for each way of writing the conversation."""
        self._recalls: int | None = None
        """Characters of each result of earlier turns; None for all."""
        self._estimated = 0
        self.tokens = 0
        """The estimate for the last prompt, tools included."""

    def fitted(self, conversation: Conversation, draft_key: str, write: Write) -> ModelRequest:
        """Write the conversation so that it fits, or as short as it can be.

        `draft_key` names the way of writing, `open` or `closing`: what was left out is known by a
        message's place, which differs in each.
        """
        request, conversation = self._recalling(conversation, draft_key, write)
        if request.question_index < len(request.messages) - 1:
            return request
        for shorter in _shortened(conversation):
            if self.tokens <= self._budget.room:
                break
            request = self._fit(write(shorter), draft_key)
            request = replace(request, left_out=(*request.left_out, *_SHORTENED))
        return request

    def _recalling(
        self, conversation: Conversation, draft_key: str, write: Write
    ) -> tuple[ModelRequest, Conversation]:
        """Let what earlier turns called give way before anything else does, and stay away."""
        told: tuple[str, ...] = ()
        if self._recalls is not None:
            conversation = conversation.with_recalled_cut(self._recalls)
        request = self._fit(write(conversation), draft_key)
        for limit, note in _RECALLED.items():
            if not request.left_out or not conversation.recalled:
                break
            self._recalls, told = limit, note
            conversation = conversation.with_recalled_cut(limit)
            self.forget()
            request = self._fit(write(conversation), draft_key)
        return replace(request, left_out=(*told, *request.left_out)), conversation

    def learn(self, usage: Usage) -> None:
        """Correct the estimate by what the last prompt really had; nonsense is ignored."""
        report = Report(counted=usage.prompt_tokens, estimated=self._estimated)
        if report.is_plausible:
            self._report = report

    def forget(self) -> None:
        """Decide anew: another format writes other messages, and reductions go by their place."""
        self._drafts.clear()

    def narrow(self, stated: int | None = None) -> None:
        """Work with a smaller window: the provider found the last prompt too long.

        `stated` is the size in tokens that the provider names, where it does.
        """
        self._budget = self._budget.smaller(self.tokens, stated)
        self._drafts.clear()

    def _fit(self, request: ModelRequest, draft_key: str) -> ModelRequest:
        before = self._drafts.get(draft_key)
        if before and before.question_index != request.question_index:
            before = None  # the messages have moved, and reductions go by their place
        draft = Draft(request, self._estimator, self._report, before)
        fit(draft, self._budget)
        self._drafts[draft_key] = draft
        self._estimated, self.tokens = draft.estimated, draft.tokens
        return replace(
            request,
            messages=draft.sent(),
            max_tokens=self._budget.max_tokens_beside(draft.tokens),
            left_out=draft.notes,
        )


def _shortened(conversation: Conversation) -> Iterator[Conversation]:
    """Make a run shorter step by step: its results, the older ones first, then its older rounds."""
    if not conversation.rounds:
        return
    shortest = conversation
    for newest, older in _RESULT_LENGTHS:
        shortest = conversation.with_results_cut(newest, older)
        yield shortest
    kept = len(conversation.rounds)
    while kept > 1:
        kept = kept * 2 // 3
        yield shortest.with_last_rounds(kept)
