"""One run's requests kept inside the model's window and the wire's limit.

The estimate of tokens is corrected by every reply; what was decided for the conversation when it
was shorter is kept, so that the prefix of the prompt stays the same from round to round.
"""

from collections.abc import Callable
from dataclasses import replace

from strategies.agent.conversation import Conversation
from strategies.agent.ports import ModelRequest, Usage
from strategies.agent.shapes import EMPTY, Shape, Shapes
from strategies.agent.sizes import MAX_REQUEST_BYTES, json_size, shrink
from strategies.agent.tokens import estimator_for
from strategies.agent.window import Budget, Decisions, fit

type Write = Callable[[Conversation], ModelRequest]
"""How a dialect writes the conversation as a request."""

# Where results stand inside the question (the qwen protocol), messages cannot give way: then the
# results are cut to so many characters each, the first limit that is enough.
_RESULT_LENGTHS = (20_000, 4_000, 800)


class Fitting:
    """The window of one model in one run."""

    def __init__(self, model: str, budget: Budget) -> None:
        self._budget = budget
        self._estimator = estimator_for(model)
        self._shapes = Shapes()
        self._shape: Shape = EMPTY
        self._decisions: dict[str, Decisions] = {}

    def fitted(self, conversation: Conversation, form: str, write: Write) -> ModelRequest:
        """Write the conversation so that it fits, or as short as it can be.

        `form` names the way of writing: decisions go by a message's place, which differs in each.
        """
        request, tokens = self._fit(write(conversation), form)
        for length in _RESULT_LENGTHS:
            if tokens <= self._budget.window - self._budget.reserved:
                break
            request, tokens = self._fit(write(conversation.with_results_cut(length)), form)
        return request

    def learn(self, usage: Usage) -> None:
        """Correct the estimate by what the last request really cost."""
        if usage.prompt_tokens:
            self._estimator = self._estimator.corrected(self._shape, usage.prompt_tokens)

    def narrow(self) -> None:
        """Work with a smaller window: the provider found a fitted prompt too long."""
        self._budget = self._budget.smaller()

    def _fit(self, request: ModelRequest, form: str) -> tuple[ModelRequest, int]:
        fitted = fit(
            request.messages,
            question=request.question,
            tools=request.tools,
            budget=self._budget,
            estimator=self._estimator,
            shapes=self._shapes,
            decisions=self._decisions.get(form),
        )
        self._decisions[form] = fitted.decisions
        self._shape = fitted.shape
        around = json_size(
            [[tool.name, tool.description, tool.parameters] for tool in request.tools]
        )
        messages, _ = shrink(fitted.messages, max(MAX_REQUEST_BYTES - around, 1))
        return replace(request, messages=messages, max_tokens=fitted.max_tokens), fitted.tokens
