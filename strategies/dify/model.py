"""A model of the workspace as the engine's `Model` port.

Replies are always streamed: with `stream=False` Dify sends them in one piece, and the SDK keeps
only the last chunk's tool calls and loses list content. What is odd in a reply counts as absent.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.ports import Forwarded, ModelDelta, ModelError, ModelRequest, Usage
from strategies.dify.backwards import call_back
from strategies.dify.parameters import ModelConfig
from strategies.dify.reading import Json, mapping, sequence, text
from strategies.protocols.base import CallDelta, ToolSpec


class DifyModel:
    """One model, called through the session of one run."""

    def __init__(self, session: Session, config: ModelConfig) -> None:
        self._session = session
        self._config = config

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
            for chunk in call_back(self._session.model.llm, InvokeType.LLM, self._body(request)):
                yield read_chunk(chunk)
        except Exception as error:
            # The SDK raises plain Exception with the provider's text, whatever went wrong.
            raise ModelError(str(error)) from error

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
            "prompt_messages": list(request.messages),
            "tools": [_declared(tool) for tool in request.tools] or None,
            "stop": stop or None,
            "stream": True,
        }


def read_chunk(chunk: Json) -> ModelDelta:
    """Read one LLMResultChunk as it stands on the wire; what is missing or odd counts as absent."""
    delta = mapping(chunk.get("delta"))
    message = mapping(delta.get("message"))
    parts = _parts(message.get("content"))
    return ModelDelta(
        text="".join(text(part.get("data")) for part in parts if part.get("type") == "text"),
        calls=tuple(_call_delta(mapping(call)) for call in sequence(message.get("tool_calls"))),
        usage=read_usage(delta.get("usage")),
        finish_reason=text(delta.get("finish_reason")),
        files=tuple(_file(part) for part in parts if part.get("base64_data") or part.get("url")),
    )


def read_usage(value: object) -> Usage | None:
    """Read LLMUsage as it stands on the wire: tokens as numbers, prices as numbers or text."""
    usage = mapping(value)
    if not usage:
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_count(usage.get("total_tokens")) or prompt + completion,
        prompt_unit_price=_price(usage.get("prompt_unit_price")),
        prompt_price_unit=_price(usage.get("prompt_price_unit")),
        prompt_price=_price(usage.get("prompt_price")),
        completion_unit_price=_price(usage.get("completion_unit_price")),
        completion_price_unit=_price(usage.get("completion_price_unit")),
        completion_price=_price(usage.get("completion_price")),
        total_price=_price(usage.get("total_price")),
        currency=str(usage.get("currency") or "USD"),
        latency=float(_price(usage.get("latency"))),
    )


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(word) for word in sequence(value) if word]


def _declared(tool: ToolSpec) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }


def _parts(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "data": content}]
    return [mapping(part) for part in sequence(content)]


def _call_delta(call: Json) -> CallDelta:
    function = mapping(call.get("function"))
    return CallDelta(
        id=text(call.get("id")),
        name=text(function.get("name")),
        arguments=_argument_text(function.get("arguments")),
    )


def _argument_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else text(value)


def _file(part: Json) -> Forwarded:
    """Make a picture of the model a message for the reader: never base64 in the text."""
    meta = {"mime_type": str(part.get("mime_type") or "application/octet-stream")}
    if part.get("filename"):
        meta["filename"] = str(part["filename"])
    if part.get("base64_data"):
        return {"type": "blob", "message": {"blob": part["base64_data"]}, "meta": meta}
    return {"type": "image", "message": {"text": str(part.get("url") or "")}, "meta": meta}


def _count(value: object) -> int:
    return int(_price(value))


def _price(value: object) -> Decimal:
    try:
        price = Decimal(str(value)) if value is not None else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
    return price if price.is_finite() else Decimal(0)
