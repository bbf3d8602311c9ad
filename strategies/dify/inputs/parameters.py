"""The strategy's parameters, read from what Dify's core sends (docs/dify.md, "Parameters").

Read leniently where a value can only mean one thing (numbers as text, blanks and nulls for what is
optional, keys that are absent) and refused clearly where it cannot: one sentence that names the
parameter, before any model call.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from strategies.agent.outcomes import Limits
from strategies.agent.prompt.formats import MustCall
from strategies.agent.schema.answer import AnswerShape, ShapeError, read_shape
from strategies.agent.window.fit import Budget
from strategies.dify.inputs.files import RunFile, read_files
from strategies.dify.inputs.knowledge import Passage, read_context
from strategies.dify.inputs.tools import DifyTool, Unreadable, only_allowed, read_tools
from strategies.dify.loose_json import Json, mapping, number_of, only_text, sequence, text
from strategies.dify.outputs.compact_json import compact
from strategies.dify.outputs.log_data import one_line
from strategies.protocols.registry import TEXT_PROTOCOLS

# A name that is alone may be written as JSON text; Chinese keyboards have commas of their own.
_PARTED = re.compile(r"[,，、;；\n\"\[\]]")
PROTOCOLS = ("auto", "native", *TEXT_PROTOCOLS)

_REQUEST_BYTES = 3_800_000
"""Bytes of messages and tools in one request. Dify's daemon reads a plugin line by line and ends
its process, with every run in it, at a line of 5 MiB; what stands around the messages fits into the
rest of 4 MB."""


class ParameterError(Exception):
    """A parameter cannot be used; the text is one sentence for the builder of the app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What a model call needs, and what is known of the model."""

    provider: str
    model: str
    mode: str
    completion_params: Mapping[str, Any]
    features: frozenset[str]
    """Such as tool-call, vision; empty when Dify does not know them."""
    context_size: int | None
    """Tokens; None when Dify does not know it."""
    max_tokens_name: str
    """What this model calls the limit of its reply."""

    @property
    def budget(self) -> Budget:
        """What the model can take."""
        max_tokens = number_of(self.completion_params.get(self.max_tokens_name))
        return Budget(
            context_size=self.context_size,
            max_tokens=int(max_tokens) if max_tokens and max_tokens >= 1 else None,
            request_bytes=_REQUEST_BYTES,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run's parameters."""

    model: ModelConfig
    history: Sequence[Json]
    instruction: str
    query: str
    tools: Sequence[DifyTool]
    skipped_tools: Sequence[Unreadable]
    unknown_allowed_tools: Sequence[str]
    """Names in `allowed_tools` that fit no tool."""
    limits: Limits
    protocol: str
    """`auto`, `native` or the name of a text protocol."""
    fallback_model: ModelConfig | None
    files: Sequence[RunFile]
    odd_files: Sequence[str]
    """What in `files` is no file, each in a few words."""
    passages: Sequence[Passage]
    """What `context` holds."""
    direct_tools: frozenset[str]
    """Tools whose result is the answer, by the names that the model knows."""
    unknown_direct_tools: Sequence[str]
    must_call: MustCall | None
    shape: AnswerShape | None
    answer_on_error: bool
    separate_reasoning: bool


def read_settings(parameters: Json) -> Settings:
    """Read all parameters.

    Raises:
        ParameterError: one of them cannot be used.
    """
    model = mapping(parameters.get("model"))
    all_tools, skipped = read_tools(_tool_items(parameters.get("tools")))
    allowed = _names(parameters.get("allowed_tools"))
    tools = only_allowed(all_tools, allowed) if allowed else all_tools
    choice = _tool_choice(parameters.get("tool_choice"), tools)
    direct = _names(parameters.get("return_direct"))
    files, odd_files = read_files(parameters.get("files"))
    return Settings(
        model=_model(model),
        history=[mapping(item) for item in sequence(model.get("history_prompt_messages"))],
        instruction=text(parameters.get("instruction")),
        query=_query(parameters.get("query")),
        tools=() if choice == "none" else tools,
        skipped_tools=skipped,
        unknown_allowed_tools=[name for name in allowed if not only_allowed(all_tools, [name])],
        limits=Limits(
            rounds=_whole(parameters, "maximum_iterations", default=10, highest=None),
            parallel_tools=_whole(parameters, "parallel_tools", default=4, highest=16),
            seconds=_seconds(parameters, "time_limit", default=540, lowest=10, highest=3600),
            tool_seconds=_seconds(parameters, "tool_timeout", default=120, lowest=1, highest=3600),
        ),
        protocol=_protocol(parameters.get("tool_protocol")),
        fallback_model=_fallback(parameters.get("fallback_model"), _model(model)),
        files=files,
        odd_files=odd_files,
        passages=read_context(parameters.get("context")),
        direct_tools=frozenset(tool.spec.name for tool in only_allowed(tools, direct)),
        unknown_direct_tools=[name for name in direct if not only_allowed(tools, [name])],
        must_call=choice if isinstance(choice, MustCall) else None,
        shape=_shape(parameters.get("answer_schema")),
        answer_on_error=_yes(parameters.get("answer_on_error")),
        separate_reasoning=_yes(parameters.get("separate_reasoning")),
    )


def _model(value: Json) -> ModelConfig:
    provider, model = only_text(value.get("provider")), only_text(value.get("model"))
    if not provider or not model:
        raise ParameterError(
            "The parameter `model` is missing: choose a model in the settings of the Agent node."
        )
    entity = mapping(value.get("entity"))
    return ModelConfig(
        provider=provider,
        model=model,
        mode=text(value.get("mode")) or "chat",
        completion_params=mapping(value.get("completion_params")),
        features=frozenset(text(feature) for feature in sequence(entity.get("features"))),
        context_size=_context_size(mapping(entity.get("model_properties")).get("context_size")),
        max_tokens_name=_max_tokens_name(entity),
    )


def _max_tokens_name(entity: Json) -> str:
    for rule in map(mapping, sequence(entity.get("parameter_rules"))):
        if "max_tokens" in (rule.get("name"), rule.get("use_template")):
            return only_text(rule.get("name")) or "max_tokens"
    return "max_tokens"


def _context_size(value: object) -> int | None:
    size = number_of(value)
    return int(size) if size is not None and size > 0 else None


def _query(value: object) -> str:
    query = text(value)
    if not query.strip():
        raise ParameterError(
            "The parameter `query` is missing: enter what the agent is to answer, "
            "such as the variable sys.query, in the settings of the Agent node."
        )
    return query


def _tool_items(value: object) -> Sequence[object]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return ()
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    raise ParameterError(
        f"The parameter `tools` must be a list of tools, but it is {_kind(value)}: "
        "choose the tools again in the settings of the Agent node."
    )


def _names(value: object) -> list[str]:
    """Read a list of names: a list, JSON text of one, or names parted by commas."""
    if isinstance(value, str):
        try:
            decoded = cast("object", json.loads(value))
        except (ValueError, RecursionError):
            decoded = None
        value = sequence(decoded) or _PARTED.split(value)
    return [name for item in sequence(value) if (name := text(item).strip())]


def _whole(parameters: Json, name: str, *, default: int, highest: int | None) -> int:
    value = parameters.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return default
    number = number_of(value)
    if number is None or number != int(number) or number < 1:
        raise ParameterError(
            f"The parameter `{name}` must be a whole number from 1 up, but it is {_shown(value)}."
        )
    return min(int(number), highest) if highest else int(number)


def _seconds(
    parameters: Json, name: str, *, default: float, lowest: float, highest: float
) -> float:
    value = parameters.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return default
    number = number_of(value)
    if number is None or number <= 0:
        raise ParameterError(
            f"The parameter `{name}` must be a number of seconds, but it is {_shown(value)}."
        )
    return min(max(number, lowest), highest)


def _protocol(value: object) -> str:
    protocol = text(value).strip().lower() or "auto"
    if protocol not in PROTOCOLS:
        raise ParameterError(
            f"The parameter `tool_protocol` must be one of {', '.join(PROTOCOLS)}, "
            f"but it is {_shown(value)}."
        )
    return protocol


def _fallback(value: object, first: ModelConfig) -> ModelConfig | None:
    """Read `author/plugin/provider:model`, or a model's name alone for the same provider."""
    named = text(value).strip()
    if not named:
        return None
    provider, _, model = named.partition(":")
    # Only a provider has two slashes: models are called llama3:8b and meta/llama:free.
    whole = provider.count("/") == 2 and model  # noqa: PLR2004
    return replace(
        first,
        provider=provider.strip() if whole else first.provider,
        model=model.strip() if whole else named,
        # Nothing is known of a model that is only named: what it can do is taken to be the same.
        context_size=None,
    )


def _tool_choice(value: object, tools: Sequence[DifyTool]) -> Literal["auto", "none"] | MustCall:
    choice = text(value).strip()
    match choice.lower():
        case "" | "auto":
            return "auto"
        case "none":
            return "none"
        case "required":
            return MustCall()
        case _:
            named = only_allowed(tools, [choice])
    if not named:
        raise ParameterError(
            "The parameter `tool_choice` must be auto, none, required or the name of one of the "
            f"chosen tools, but it is {_shown(value)}."
        )
    return MustCall(named[0].spec.name)


def _shape(value: object) -> AnswerShape | None:
    try:
        return read_shape(value)
    except ShapeError as error:
        raise ParameterError(str(error)) from None


def _yes(value: object) -> bool:
    return value if isinstance(value, bool) else text(value).strip().lower() in {"true", "1", "yes"}


def _shown(value: object) -> str:
    return f'"{one_line(value, 40)}"' if isinstance(value, str) else _kind(value)


def _kind(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return one_line(compact(value), 40)
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case _:
            return f"of type {type(value).__name__}"
