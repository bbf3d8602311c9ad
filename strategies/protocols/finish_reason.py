"""Why a provider ended a reply, in the words of many.

Dify passes a provider's word on as it came. The sources are the API references of the providers.
"""

import re

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
    "malformed_function_call",
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
)
_CUT_SHORT = frozenset((*_AT_A_LIMIT, *_STOPPED, *_GIVEN_UP))
_JOINTS = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")


def is_cut_short(finish_reason: str) -> bool:
    """Tell whether the reply is not all that the model was about to write."""
    reason = _JOINTS.sub("_", finish_reason.strip().rpartition(".")[2]).casefold()
    return reason.removeprefix("finish_reason_") in _CUT_SHORT
