"""A model of the workspace as the engine's `Model` port.

Replies are always streamed: with `stream=False` Dify sends them in one piece, and the SDK keeps
only the last chunk's tool calls and loses list content.
"""

from collections.abc import Iterator
from typing import Any

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.interface.ports import Message, ModelDelta, ModelRequest
from strategies.agent.prompt.memo import Memo
from strategies.dify.calls.callback import call_back
from strategies.dify.calls.chunks import read_chunk
from strategies.dify.calls.errors import model_error
from strategies.dify.inputs.model_config import ModelConfig
from strategies.dify.transport.frames import array, as_json, joined
from strategies.dify.wire_values import sequence
from strategies.protocols.base import ToolSpec
from strategies.protocols.writing.rendering import function_of


class DifyModel:
    """One model, called through the session of one run."""

    def __init__(self, session: Session, config: ModelConfig) -> None:
        self._session = session
        self._config = config
        self._messages = Memo(_sent)
        self._tools = Memo(_declared)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._config.model

    @property
    def provider(self) -> str:
        """The provider's name, such as `langgenius/openai/openai`."""
        return self._config.provider

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Send the request and yield the reply as it comes; see `Model.stream`."""
        try:
            for chunk in call_back(self._session, InvokeType.LLM, self._body(request)):
                yield read_chunk(chunk)
        except Exception as error:
            # The SDK raises plain Exception with the provider's text, whatever went wrong.
            raise model_error(str(error)) from error

    def written(self, request: ModelRequest) -> bytes:
        """Write the request as it would be sent."""
        return bytes(joined(self._body(request)))

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        config = self._config
        parameters = dict(config.completion_params)
        stop = [*_words(parameters.pop("stop", None)), *request.stop]
        if request.max_tokens is not None:
            parameters[config.max_tokens_name] = request.max_tokens
        return {
            "provider": config.provider,
            "model": config.model,
            "model_type": "llm",
            "mode": config.mode,
            "completion_params": parameters,
            "prompt_messages": array(self._messages.all(request.messages)),
            "tools": array(self._tools.all(request.tools)) if request.tools else None,
            "stop": stop or None,
            "stream": True,
        }


def _sent(message: Message) -> bytes:
    """Write a message; without a list of calls the daemon makes one null, which Dify refuses."""
    if message.get("role") == "assistant" and not message.get("tool_calls"):
        return as_json({**message, "tool_calls": []})
    return as_json(message)


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(word) for word in sequence(value) if word]


def _declared(tool: ToolSpec) -> bytes:
    return as_json(function_of(tool))
