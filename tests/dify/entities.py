"""Tools and parameters as Dify's core sends them, for the tests of the adapters."""

import gc
import time
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


def parameter(name: str = "q", **fields: Any) -> dict[str, Any]:
    """Describe one parameter of a tool, with everything that the core writes."""
    return {
        "name": name,
        "label": {"en_US": name},
        "placeholder": None,
        "scope": None,
        "auto_generate": None,
        "template": None,
        "required": False,
        "default": None,
        "min": None,
        "max": None,
        "precision": None,
        "options": [],
        "type": "string",
        "human_description": {"en_US": f"The {name}."},
        "form": "llm",
        "llm_description": f"What {name} is.",
        "input_schema": None,
        **fields,
    }


def tool(
    name: str = "search",
    *parameters: Any,
    provider: str = "langgenius/google/google",
    **fields: Any,
) -> dict[str, Any]:
    """Describe one tool."""
    return {
        "identity": {
            "author": "langgenius",
            "name": name,
            "label": {"en_US": f"Label of {name}"},
            "provider": provider,
            "icon": None,
        },
        "parameters": list(parameters),
        "description": {"human": {"en_US": "For people."}, "llm": f"What {name} does."},
        "output_schema": {},
        "has_runtime_parameters": False,
        "runtime_parameters": {},
        "credential_id": None,
        "provider_type": "builtin",
        **fields,
    }


def model(**fields: Any) -> dict[str, Any]:
    """Describe the model of a node."""
    return {
        "provider": "langgenius/openai/openai",
        "model": "gpt-4o",
        "model_type": "llm",
        "mode": "chat",
        "completion_params": {"temperature": 0.1},
        "type": "model-selector",
        "history_prompt_messages": [],
        "entity": {
            "features": ["tool-call", "vision"],
            "model_properties": {"mode": "chat", "context_size": 128_000},
            "parameter_rules": [{"name": "max_completion_tokens", "use_template": "max_tokens"}],
        },
        **fields,
    }


def cpu_seconds(work: Callable[[], object]) -> float:
    """Measure the time for which a piece of work holds the process, whoever else runs.

    Sweeping up what other tests left behind is not its work.
    """
    gc.disable()
    before = time.thread_time()
    work()
    taken = time.thread_time() - before
    gc.enable()
    return taken


odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
"""Anything that may stand where something else should."""


def odd_objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects that have anything under some of these names."""
    return st.dictionaries(st.sampled_from(names), odd_values)
