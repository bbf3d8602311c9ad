"""The models of a run, as the node names them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from strategies.agent.window.fit import WindowBudget
from strategies.dify.inputs.values import ParameterError, Values
from strategies.dify.wire_values import Json, mapping, number_of, only_text, sequence, text_of

# Dify's own rule for the three parts of a provider's name.
_PROVIDER = re.compile(r"[a-z0-9_-]{1,64}(?:/[a-z0-9_-]{1,128}){2}")
# A model may be called a/b/c, but hardly a/b/b, as most providers are.
_ONLY_A_PROVIDER = re.compile(r"[a-z0-9_-]+/([a-z0-9_-]+)/\1")
_WHOLE_NAME = "author/plugin/provider:model"
_REQUEST_BYTES = 3_800_000
"""Bytes of messages and tools in one request. Dify's daemon reads a plugin line by line and ends
its process, with every run in it, at a line of 5 MiB; what stands around the messages fits into the
rest of 4 MB."""


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
    def budget(self) -> WindowBudget:
        """What the model can take."""
        max_tokens = number_of(self.completion_params.get(self.max_tokens_name))
        return WindowBudget(
            context_size=self.context_size,
            max_tokens=int(max_tokens) if max_tokens and max_tokens >= 1 else None,
            request_bytes=_REQUEST_BYTES,
        )


def read_model(value: Json) -> ModelConfig:
    """Read the parameter `model`, in which all but the two names may be missing.

    Raises:
        ParameterError: it names no model.
    """
    provider, model = only_text(value.get("provider")), only_text(value.get("model"))
    if not provider or not model:
        raise ParameterError(
            "The parameter `model` is missing: choose a model in the settings of the Agent node."
        )
    entity = mapping(value.get("entity"))
    size = number_of(mapping(entity.get("model_properties")).get("context_size"))
    return ModelConfig(
        provider=provider,
        model=model,
        mode=text_of(value.get("mode")) or "chat",
        completion_params=mapping(value.get("completion_params")),
        features=frozenset(text_of(feature) for feature in sequence(entity.get("features"))),
        context_size=int(size) if size is not None and size > 0 else None,
        max_tokens_name=_max_tokens_name(entity),
    )


def read_fallback(values: Values, first: ModelConfig) -> ModelConfig | None:
    """Read `author/plugin/provider:model`, or a model's name alone for the first one's provider.

    A name that no model can have is told at once, and the run goes on without a fallback. Whether
    Dify knows the model cannot be told before it is asked: a plugin can call a model back but not
    look one up, and a call made only to see would cost what it is to spare.
    """
    named = values.words("fallback_model", f"the name of a model, such as {_WHOLE_NAME}")
    if not named:
        return None
    provider, model = _parted(named, first.provider)
    problem = _problem(provider, model, first)
    if problem:
        values.notice("✗ FALLBACK MODEL cannot be used", given=named, problem=problem)
        return None
    # Nothing is known of a model that is only named: what it can do is taken to be the same.
    return replace(first, provider=provider, model=model, context_size=None)


def _parted(named: str, provider: str) -> tuple[str, str]:
    """Part a provider from its model; a model may have colons and slashes of its own.

    Models are called llama3:8b and meta/llama:free; only a provider has two slashes before a colon.
    """
    before, colon, model = named.partition(":")
    if colon and before.count("/") == 2:  # noqa: PLR2004 - author, plugin and provider
        return before.strip(), model.strip()
    return provider, named


def _problem(provider: str, model: str, first: ModelConfig) -> str:
    if not model or _ONLY_A_PROVIDER.fullmatch(model):
        return f"The name of the model is missing: write it as {_WHOLE_NAME}."
    if provider != first.provider and not _PROVIDER.fullmatch(provider):
        return f'"{provider}" is not the name of a provider: write it as {_WHOLE_NAME}.'
    if model.startswith((":", "/")) or model.endswith((":", "/")) or "//" in model:
        return f'"{model}" is not the name of a model: write it as {_WHOLE_NAME}.'
    if (provider, model) == (first.provider, first.model):
        return "It is the first model itself, so it cannot take over from it."
    return ""


def _max_tokens_name(entity: Json) -> str:
    for rule in map(mapping, sequence(entity.get("parameter_rules"))):
        if "max_tokens" in (rule.get("name"), rule.get("use_template")):
            return only_text(rule.get("name")) or "max_tokens"
    return "max_tokens"
