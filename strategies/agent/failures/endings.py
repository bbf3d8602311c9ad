"""How a provider says that a reply is over, in the words of each.

    OpenAI      stop, tool_calls, function_call, length, content_filter
    Anthropic   end_turn, stop_sequence, tool_use, max_tokens, refusal, pause_turn,
                model_context_window_exceeded
    Gemini      STOP, MAX_TOKENS, SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII,
                MALFORMED_FUNCTION_CALL
    Mistral     stop, tool_calls, length, model_length, error
    Bedrock     guardrail_intervened, content_filtered
    Cohere      COMPLETE, MAX_TOKENS, ERROR_TOXIC, ERROR_LIMIT, ERROR
    Zhipu       stop, tool_calls, length, sensitive, network_error
    DeepSeek    insufficient_system_resource
    Dify        Non-JSON encountered. (its OpenAI-compatible plugin, of a stream it cannot read)

Each stands in the provider's API reference under finish_reason or stop_reason.

A word that nobody knows counts as an orderly end: a new provider must not fail for its word.
"""

import re

from strategies.agent.events import Ending
from strategies.agent.failures.classify import ModelFailure

BROKEN_STREAM = ModelFailure(
    kind="transient", message="The model's reply broke off before it was complete."
)

_ENDINGS: tuple[tuple[Ending, re.Pattern[str]], ...] = (
    (
        "length",
        re.compile(r"length|max.?(?:output.?)?tokens|context.?window|token.?limit|error.?limit"),
    ),
    (
        "content_filter",
        re.compile(
            r"filter|safety|refusal|recitation|block.?list|prohibited|spii|toxic|guardrail|sensitive"
        ),
    ),
    (
        "broken",
        re.compile(r"non-?json|^error$|network.?error|insufficient.?system|abort|cancel|malformed"),
    ),
)


def ending_of(finish_reason: str) -> Ending:
    """Sort a provider's word."""
    word = finish_reason.lower()
    for ending, known in _ENDINGS:
        if known.search(word):
            return ending
    return "complete"
