"""Why a provider ended a reply, in the words of many.

Dify's model plugins pass a provider's word on, some as an enum's name with its class before it
(`FinishReason.MAX_TOKENS`, models/vertex_ai) and some in words of their own; each word is followed
here by the documents that have it. Case and joints differ between them. Of words of Moonshot,
Groq, DashScope, MiniMax, llama.cpp and Ollama, other than OpenAI's, no document was found.
"""

import re
from functools import lru_cache
from typing import Literal

type Ending = Literal["complete", "length", "content_filter", "broken"]
"""How a reply ended: in order, at a limit of tokens, by a filter, or not at all."""

_AT_A_LIMIT = (
    "length",  # OpenAI, "Create chat completion", and its like; vLLM, FINISH_REASON_STRINGS
    "max_tokens",  # Anthropic, "Handling stop reasons"; Bedrock, StopReason; Gemini, FinishReason;
    # Cohere, ChatFinishReason; watsonx, TextGenResult
    "model_length",  # Mistral, ChatCompletionChoice: the context is full
    "model_context_window_exceeded",  # Anthropic and Bedrock, as above; Zhipu, "Chat completion"
    "error_limit",  # Cohere v1, as in Oracle's CohereChatResponse: the context is full
    "token_limit",  # watsonx, TextGenResult
    "max_output_tokens",  # OpenAI, "Create response", incomplete_details
    "incomplete",  # Dify's plugin of OpenAI, of such a response without a reason that it knows
)
_STOPPED = (
    "content_filter",  # OpenAI and DeepSeek, "Create chat completion"
    "content_filtered",  # Bedrock, StopReason
    "guardrail_intervened",  # Bedrock, StopReason
    "refusal",  # Anthropic, "Handling stop reasons"
    "sensitive",  # Zhipu, "Chat completion"
    "error_toxic",  # Cohere v1, as above
    "safety",  # this and the next ones: Gemini, FinishReason
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
    "language",
    "image_safety",
    "image_prohibited_content",
    "image_recitation",
    "model_armor",  # Vertex AI, FinishReason
)
_GIVEN_UP = (
    "error",  # Mistral, Cohere and watsonx, as above; vLLM, FINISH_REASON_STRINGS
    "abort",  # vLLM, FINISH_REASON_STRINGS
    "repetition",  # vLLM, FINISH_REASON_STRINGS
    "network_error",  # Zhipu, "Chat completion"
    "insufficient_system_resource",  # DeepSeek, "Create chat completion"
    "time_limit",  # watsonx, TextChatResultChoice
    "cancelled",  # watsonx, TextChatResultChoice
    "user_cancel",  # Cohere v1, as above
    "timeout",  # Cohere, ChatFinishReason
    "pause_turn",  # Anthropic, "Handling stop reasons"
    "malformed_function_call",  # this and the next ones: Gemini, FinishReason
    "unexpected_tool_call",
    "too_many_tool_calls",
    "other",
    "malformed_model_output",  # Bedrock, StopReason
    "malformed_tool_use",  # Bedrock, StopReason
    "non_json_encountered",  # Dify's SDK, openai_compatible/llm.py, of a stream that it cannot read
)
_LONGEST = 100
"""Characters of a word with what stands before it; anything longer is none, and is not kept."""
_JOINTS = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")


def ending_of(finish_reason: str) -> Ending:
    """Sort a provider's word; one that nobody knows counts as an end in order."""
    return _sorted(finish_reason) if len(finish_reason) <= _LONGEST else "complete"


@lru_cache(maxsize=128)  # a reply is asked for it several times
def _sorted(finish_reason: str) -> Ending:
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
