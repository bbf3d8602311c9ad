"""Why a provider ended a reply, in the words of many.

Dify passes a provider's word on as it came. The sources are the API references of the providers.
"""

import re
from typing import Literal

type Ending = Literal["complete", "length", "content_filter", "broken"]
"""How a reply ended: in order, at a limit of tokens, by a filter, or not at all."""

_AT_A_LIMIT = (
    "length",  # OpenAI, Mistral, DeepSeek, Qwen, Moonshot, Zhipu, Ollama, vLLM and most others
    "max_tokens",  # Anthropic, Bedrock, Gemini, Vertex AI, Cohere, watsonx
    "model_length",  # Mistral, where the context is full
    "model_context_window_exceeded",  # Anthropic and Bedrock, where the context is full
    "context_length_exceeded",  # the error code of OpenAI and its like, sent as a reason
    "error_limit",  # Cohere, where the context is full
    "token_limit",  # watsonx, where the context is full
    "max_output_tokens",  # OpenAI's Responses API: the reason for `incomplete`
    "incomplete",
    "max_length",
    "max_new_tokens",
)
_STOPPED = (
    "content_filter",  # OpenAI, Azure, Mistral
    "content_filtered",  # Bedrock
    "guardrail_intervened",  # Bedrock
    "refusal",  # Anthropic
    "sensitive",  # Zhipu
    "error_toxic",  # Cohere
    "safety",  # this and the next ones: Gemini and Vertex AI
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
    "language",
)
_GIVEN_UP = (
    "error",  # Mistral, Cohere, watsonx
    "network_error",  # Zhipu
    "insufficient_system_resource",  # DeepSeek
    "time_limit",  # watsonx
    "timeout",
    "cancelled",  # watsonx
    "abort",  # vLLM, SGLang
    "pause_turn",  # Anthropic
    "malformed_function_call",  # Gemini
    "non_json_encountered",  # Dify's OpenAI-compatible plugin, of a stream that it cannot read
)
_JOINTS = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")


def ending_of(finish_reason: str) -> Ending:
    """Sort a provider's word; one that nobody knows counts as an end in order."""
    joined = _JOINTS.sub("_", finish_reason.strip().rstrip(".").rpartition(".")[2]).casefold()
    reason = joined.removeprefix("finish_reason_")
    if reason in _AT_A_LIMIT:
        return "length"
    if reason in _STOPPED:
        return "content_filter"
    return "broken" if reason in _GIVEN_UP else "complete"


def is_cut_short(finish_reason: str) -> bool:
    """Tell whether the reply is not all that the model was about to write."""
    return ending_of(finish_reason) != "complete"
