"""What the daemon, Dify's core and the providers refuse in a request, in their words.

Every rule was met in a real Dify or in the code of the daemon; a plugin that breaks one works in a
lenient test and fails at its users.
"""

import re

from workbench.base.ports import AnswerError, Json, objects

_ROLES = frozenset({"system", "user", "assistant", "tool"})
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_TYPES = frozenset({"builtin", "workflow", "api", "mcp"})
_UNREADABLE = "unmarshal backwards invoke request failed: "


def check_model_request(request: Json) -> None:
    """Raise what the plugin would be told instead of a reply."""
    messages = objects(request.get("prompt_messages"))
    for index, message in enumerate(messages):
        _check_message(index, message)
    if isinstance(request.get("tool_choice"), str):
        raise _unreadable("'tool_choice' expected a map, got 'string'")
    tools = objects(request.get("tools"))
    _check_tools(tools)
    _check_pairs(messages, offers_tools=bool(tools))


def check_tool_request(request: Json) -> None:
    """Raise what the plugin would be told instead of the tool's output."""
    if request.get("tool_type") not in _TOOL_TYPES:
        raise _unreadable(
            "Key: 'InvokeToolRequest.ToolType' Error:Field validation for 'ToolType' failed"
        )
    for name in ("provider", "tool"):
        if not isinstance(request.get(name), str) or not request[name]:
            raise _unreadable(f"Key: 'InvokeToolRequest.{name}' failed on the 'required' tag")
    if not isinstance(request.get("tool_parameters"), dict):
        raise _unreadable("'tool_parameters' expected a map")


def _check_message(index: int, message: Json) -> None:
    if message.get("opaque_body") is not None:
        raise _unreadable(
            f"error decoding map: 1 error(s) decoding:\n\n* 'prompt_messages[{index}].opaque_body':"
            " source data must be an array or slice, got "
            + ("string" if isinstance(message["opaque_body"], str) else "map")
        )
    if message.get("role") not in _ROLES:
        allowed = "'system', 'user', 'assistant' or 'tool'"
        raise _refused_by_core(
            f"prompt_messages.{index}.role", f"{allowed}, got '{message.get('role')}'"
        )
    if message["role"] == "assistant" and not isinstance(message.get("tool_calls"), list):
        # The daemon makes null of a list that is missing.
        raise _refused_by_core("prompt_messages.tool_calls", "a valid list")
    if message.get("content") is None:
        raise _unreadable(f"prompt_messages[{index}]: content field is required")
    if not isinstance(message["content"], str | list):
        raise _unreadable(
            f"prompt_messages[{index}]: content must be a string or an array of prompt message"
            " content"
        )


def _check_tools(tools: list[Json]) -> None:
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        name = str(tool.get("name"))
        if not _TOOL_NAME.fullmatch(name):
            raise _refused_by_provider(
                f"Invalid 'tools[{index}].function.name': string does not match pattern."
                " Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'"
                f" and is no longer than 64 characters, got '{name}'."
            )
        if name in seen:
            raise _refused_by_provider(f"tools: Tool names must be unique, got '{name}' twice.")
        seen.add(name)


def _check_pairs(messages: list[Json], *, offers_tools: bool) -> None:
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            _close_call(index, message, open_calls, offers_tools=offers_tools)
            continue
        if open_calls:
            break
        open_calls = [str(call.get("id")) for call in objects(message.get("tool_calls"))]
        if len(set(open_calls)) < len(open_calls) or "" in open_calls:
            raise _refused_by_provider(f"messages[{index}]: the ids of tool_calls must be unique.")
    if open_calls:
        raise _refused_by_provider(
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            " to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(open_calls)
        )


def _close_call(index: int, message: Json, open_calls: list[str], *, offers_tools: bool) -> None:
    if not offers_tools:
        raise _refused_by_provider("The tools field must be set when messages hold tool results.")
    call = str(message.get("tool_call_id"))
    if call not in open_calls:
        raise _refused_by_provider(
            f"Invalid parameter: messages[{index}] with role 'tool' must be a response to a"
            f" preceding message with 'tool_calls' (tool_call_id '{call}')."
        )
    open_calls.remove(call)


def _unreadable(text: str) -> AnswerError:
    return AnswerError(_UNREADABLE + text, stage="wire")


def _refused_by_core(place: str, wanted: str) -> AnswerError:
    return AnswerError(
        f'{{"error":"1 validation error for RequestInvokeLLM\\n{place}\\n'
        f'  Input should be {wanted}"}}',
        stage="invoke",
    )


def _refused_by_provider(text: str) -> AnswerError:
    return AnswerError(f"[workbench] Bad Request Error, {text}")
