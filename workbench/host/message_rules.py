"""What Dify's daemon, core and log view do not survive in a message of the plugin.

`problem(message)` is one sentence or nothing. Dify itself fails the node, breaks the page or drops
the message; the workbench fails the run and says why.
"""

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from workbench.base.ports import Json, is_object
from workbench.runtimes.limits import Limits

_TYPES = frozenset(
    {
        "text",
        "file",
        "blob",
        "blob_chunk",
        "json",
        "link",
        "image",
        "image_link",
        "binary_link",
        "variable",
        "log",
        "retriever_resources",
    }
)
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")
_PRICES = (
    "prompt_unit_price",
    "completion_unit_price",
    "prompt_price_unit",
    "completion_price_unit",
    "prompt_price",
    "completion_price",
    "total_price",
)
_SECONDS = ("latency", "time_to_first_token", "time_to_generate")
_RESERVED_VARIABLES = frozenset({"text", "json", "files", "usage"})
_STATUSES = frozenset({"start", "success", "error"})


def problem(message: Json, limits: Limits) -> str | None:
    """Say what is wrong with a message, or nothing."""
    kind = message.get("type")
    if kind not in _TYPES:
        return f"the daemon knows no message type {kind!r}"
    if kind == "file":
        return "a file message fails the node: files leave as blobs"
    body: Any = message.get("message")
    if not is_object(body):
        return f"a {kind} message holds no object"
    if kind == "text":
        return _text_problem(body, limits)
    if kind in ("image_link", "binary_link"):
        return _link_problem(message)
    rule = _RULES.get(str(kind))
    return rule(body) if rule else None


def _text_problem(body: Json, limits: Limits) -> str | None:
    text = body.get("text")
    if not isinstance(text, str):
        return "the text of a text message is not text"
    size = len(text.encode(errors="surrogatepass"))
    if size > limits.text_bytes:
        return f"a text message of {size} bytes may never reach the reader: send it in parts"
    return None


def _link_problem(message: Json) -> str | None:
    meta: Any = message.get("meta")
    if is_object(meta) and meta.get("tool_file_id"):
        return None
    body: Json = message["message"]
    if "/files/tools/" in str(body.get("text")):
        return None
    return f"{message['type']} without meta.tool_file_id fails the node (ToolFileNotFoundError)"


def _json_problem(body: Json) -> str | None:
    value = body.get("json_object")
    if not is_object(value) or "execution_metadata" not in value:
        return None
    metadata: Any = value["execution_metadata"]
    if not is_object(metadata):
        return "execution_metadata is not an object"
    for name, value_ in metadata.items():
        if value_ is None:
            return f"execution_metadata.{name} is null and fails the node"
    return (
        _first_bad(metadata, _TOKENS, _is_count, "no whole number")
        or _first_bad(metadata, _PRICES, _is_decimal, "no number")
        or _first_bad(metadata, _SECONDS, _is_number, "no number")
        or _first_bad(metadata, ("currency",), _is_text, "no text")
    )


def _first_bad(
    metadata: Json, names: tuple[str, ...], fits: Callable[[Any], bool], what: str
) -> str | None:
    for name in names:
        if name in metadata and not fits(metadata[name]):
            return f"execution_metadata.{name} is {what} and fails the node: {metadata[name]!r}"
    return None


def _is_count(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_decimal(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _variable_problem(body: Json) -> str | None:
    name = body.get("variable_name")
    if not isinstance(name, str) or not name:
        return "a variable message names no variable"
    if name in _RESERVED_VARIABLES:
        return f"a variable named {name!r} fails the node: the name is Dify's own"
    if body.get("stream") and not isinstance(body.get("variable_value"), str):
        return f"the streamed variable {name!r} is not text"
    return None


def _log_problem(body: Json) -> str | None:
    label = body.get("label")
    if not body.get("id") or not label:
        return "a log message needs an id and a label"
    if body.get("status") not in _STATUSES:
        return f"the log {label!r} has an unknown status {body.get('status')!r}"
    if not isinstance(body.get("data"), dict):
        return f"the data of the log {label!r} is not an object"
    metadata: Any = body.get("metadata")
    if metadata is None:
        return None
    if not is_object(metadata):
        return f"the metadata of the log {label!r} is not an object"
    return _log_metadata_problem(str(label), str(body["status"]), metadata)


def _log_metadata_problem(label: str, status: str, metadata: Json) -> str | None:
    elapsed = metadata.get("elapsed_time")
    if elapsed is not None and not _is_number(elapsed):
        return f"elapsed_time of the log {label!r} is not a number and breaks the log view"
    if status == "start" and metadata.get("provider"):
        return f"the start of the log {label!r} carries provider, which holds back all later text"
    return None


_RULES: dict[str, Callable[[Json], str | None]] = {
    "json": _json_problem,
    "variable": _variable_problem,
    "log": _log_problem,
}
