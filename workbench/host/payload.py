"""The payload of a run, built as Dify's core builds it.

Everything passes through Go maps on its way to the plugin, so keys arrive in alphabetical order.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.base.ports import Json, WorkbenchError, objects

PROVIDER = "rondo"
NATIVE = ("tool-call", "multi-tool-call", "stream-tool-call")
"""The features of a model that calls tools by itself."""
_SPEAKERS = frozenset({"user", "assistant"})


def request_frame(
    session: str,
    strategy: str,
    parameters: Json,
    *,
    context: Json | None = None,
    conversation: str | None = None,
) -> Json:
    """Write the frame that begins a run; a Workflow has no conversation."""
    return {
        "session_id": session,
        "conversation_id": conversation,
        "message_id": None,
        "app_id": "workbench",
        "endpoint_id": None,
        "context": context or {"credentials": {"tool_credentials": {}}},
        "event": "request",
        "data": {
            "user_id": "workbench",
            "type": "agent_strategy",
            "action": "invoke_agent_strategy",
            "agent_strategy_provider": PROVIDER,
            "agent_strategy": strategy,
            "agent_strategy_params": _through_go(parameters),
        },
    }


def model_value(
    *,
    name: str = "demo",
    provider: str = "langgenius/openai_api_compatible/openai_api_compatible",
    features: Sequence[str] | None = NATIVE,
    context_size: int = 128_000,
    completion_params: Json | None = None,
    history: Sequence[Json] = (),
    pricing: Json | None = None,
    entity: bool = True,
) -> Json:
    """Write the value of a model-selector. `entity=False`: Dify found no schema of the model."""
    return {
        "provider": provider,
        "model": name,
        "model_type": "llm",
        "mode": "chat",
        "completion_params": completion_params or {},
        "type": "model-selector",
        "history_prompt_messages": list(history),
        "entity": _entity(name, features, context_size, pricing) if entity else None,
    }


def history_message(role: str, text: str) -> Json:
    """Write one message of the history, as Dify's memory keeps it."""
    message: Json = {"role": role, "content": text, "name": None}
    return {**message, "tool_calls": []} if role == "assistant" else message


def read_turns(value: Any, place: str) -> list[Json]:
    """Read earlier turns as Dify's memory hands them over."""
    said = objects(value)
    odd = [turn for turn in said if turn.get("role") not in _SPEAKERS or "content" not in turn]
    if odd:
        raise WorkbenchError(
            f"{place}: a turn is an object with a role (user or assistant) and a content,"
            f" not {json.dumps(odd[0], ensure_ascii=False)[:80]}."
        )
    return [history_message(str(turn["role"]), turn["content"]) for turn in said]


def parameter(
    name: str,
    kind: str = "string",
    *,
    required: bool = True,
    description: str = "",
    form: str = "llm",
    options: Sequence[str] = (),
    default: Any = None,
    input_schema: Json | None = None,
) -> Json:
    """Write one parameter of a tool."""
    return {
        "name": name,
        "label": _in_english(name),
        "placeholder": None,
        "scope": None,
        "auto_generate": None,
        "template": None,
        "required": required,
        "default": default,
        "min": None,
        "max": None,
        "precision": None,
        "options": [
            {"value": option, "label": _in_english(option), "icon": None} for option in options
        ],
        "type": kind,
        "human_description": _in_english(description),
        "form": form,
        "llm_description": description,
        "input_schema": input_schema,
    }


def tool_value(
    name: str,
    *,
    provider: str = "workbench",
    description: str = "",
    parameters: Sequence[Json] = (),
    provider_type: str = "builtin",
    runtime_parameters: Json | None = None,
    credential_id: str | None = None,
    output_schema: Json | None = None,
) -> Json:
    """Write one item of the tools value."""
    return {
        "identity": {
            "author": "workbench",
            "name": name,
            "label": _in_english(name),
            "provider": provider,
            "icon": None,
        },
        "parameters": list(parameters),
        "description": {"human": _in_english(description), "llm": description},
        "output_schema": output_schema or {},
        "has_runtime_parameters": bool(runtime_parameters),
        "runtime_parameters": runtime_parameters or {},
        "credential_id": credential_id,
        "provider_type": provider_type,
    }


def schema_parameters(schema: Mapping[str, Any]) -> list[Json]:
    """Turn a tool's JSON Schema into parameters, as Dify does it for MCP tools."""
    needed: Sequence[str] = schema.get("required") or ()
    properties: Mapping[str, Json] = schema.get("properties") or {}
    return [
        parameter(
            name,
            _dify_type(described),
            required=name in needed,
            description=str(described.get("description") or ""),
            default=described.get("default"),
            input_schema=described if _dify_type(described) in ("object", "array") else None,
        )
        for name, described in properties.items()
    ]


def strategy_parameters(
    query: str, *, model: Json | None = None, tools: Sequence[Json] | None = (), **others: Any
) -> Json:
    """Write agent_strategy_params; parameters that are not named are absent."""
    return {
        "model": model or model_value(),
        "tools": None if tools is None else list(tools),
        "query": query,
        **others,
    }


def _dify_type(schema: Mapping[str, Any]) -> str:
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        kinds: list[Any] = [each for each in kind if each != "null"]  # pyright: ignore[reportUnknownVariableType]
        kind = kinds[0] if kinds else "string"
    if kind in ("integer", "number"):
        return "number"
    return kind if kind in ("boolean", "array", "object") else "string"


def _entity(
    name: str, features: Sequence[str] | None, context_size: int, pricing: Json | None
) -> Json:
    return {
        "model": name,
        "label": _in_english(name),
        "model_type": "llm",
        "features": None if features is None else list(features),
        "fetch_from": "customizable-model",
        "model_properties": {"mode": "chat", "context_size": context_size},
        "deprecated": False,
        "parameter_rules": [_rule("temperature", "float", 2), _rule("max_tokens", "int", 8192)],
        "pricing": pricing,
    }


def _rule(name: str, kind: str, highest: float) -> Json:
    return {
        "name": name,
        "use_template": name,
        "label": _in_english(name),
        "type": kind,
        "help": None,
        "required": False,
        "default": None,
        "min": 0,
        "max": highest,
        "precision": None,
        "options": [],
    }


def _in_english(text: str) -> Json:
    return {"en_US": text, "zh_Hans": text, "pt_BR": text, "ja_JP": text}


def _through_go(value: Json) -> Json:
    sorted_value: Json = json.loads(json.dumps(value, sort_keys=True))
    return sorted_value
