"""Takes off what Dify puts round an error: the provider's or the tool's own words are left.

An error crosses up to six layers on its way to a strategy, and each wraps it: provider, plugin,
daemon, core, daemon again, SDK (docs/dify.md, "Errors"). Of a model's error the innermost text
counts, and the names and statuses that the layers gave it help to sort it. Of a tool's error
everything that the tool itself said is kept, because the model has to act on it.

Nothing here raises, whatever the text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from strategies.agent.failures.error_text import bounded, message_in, object_at_start
from strategies.agent.ports import ModelError
from strategies.dify.outputs.compact_json import compact
from strategies.dify.wire_values import Json, mapping

_MAX_LAYERS = 12


def model_error(error_text: str) -> ModelError:
    """Make the error of a model call of what Dify reports of it."""
    text = bounded(error_text).strip()
    types: list[str] = []
    statuses: list[int] = []
    for _ in range(_MAX_LAYERS):
        status = _DIFY_STATUS.match(text)
        if status:
            statuses.append(int(status[1]))
        inner, named = _peel(text)
        types.extend(named)
        if inner == text:
            break
        text = inner
    for pattern, plain, kind in _PLUMBING:
        found = pattern.search(text)
        if found:
            return ModelError(found.expand(plain), types=(kind,))
    return ModelError(text, types=tuple(types), statuses=tuple(statuses))


def tool_error(error_text: str, depth: int = 0) -> str:
    """Return all that a tool said of its failure: type, text and every further field."""
    text = error_text.strip()
    for _ in range(_MAX_LAYERS):
        found = _ROUND_TOOLS.match(text)
        text = text[found.end() :] if found and text[found.end() :] else text
    wrapper = _DIFY_STATUS.match(text) or _INVOKE_ERROR.match(text)
    if not wrapper or depth > _MAX_LAYERS:
        return text
    body = text[wrapper.end() :].strip()
    try:
        decoded, end = json.JSONDecoder(strict=False).raw_decode(body)
    except (ValueError, RecursionError):
        return body
    fields = mapping(decoded)
    if not isinstance(fields.get("message"), str):
        return body
    return "\n".join(_told(fields, body[end:].strip(), depth))


def _told(fields: Json, behind: str, depth: int) -> Iterator[str]:
    said = tool_error(fields["message"], depth + 1)
    kind = fields.get("error_type")
    said = f"{kind}: {said}" if isinstance(kind, str) and not said.startswith(kind) else said
    yield said
    for name, value in _further(fields):
        written = compact(value)
        if written and written not in said:
            yield f"{name}: {written}"
    if behind.strip('"}'):
        yield behind


def _further(fields: Json) -> Iterator[tuple[str, object]]:
    """Yield the fields beside type and message; a traceback is that of the plugin's own code."""
    for name, value in fields.items():
        if name == "args" and isinstance(value, Mapping):
            arguments = mapping(cast("object", value)).items()
            yield from ((key, one) for key, one in arguments if key != "traceback" and one)
        elif name not in {"message", "error_type"} and value not in (None, "", [], {}):
            yield name, value


# What the layers write. Each pattern is anchored at the start of the text that is left.

_ROUND_TOOLS = re.compile(
    r"""(?:invoke\ tool|read\ tool\ response)\ failed:\s*(?:request\ failed:\s*)?
      | request\ failed:\s*(?=req_id:|Plugin\w*Error:|request\ failed\ with)
      | (?:req_id:\s*[\w-]+\s+)(?=Plugin\w*Error:)
      | Failed\ to\ transform\ \w+\ message:\s*
      | PluginDaemon\w*Error:\s* | Plugin\s?Invoke\s?Error:\s*(?=[^{\s])""",
    re.VERBOSE,
)
_PREFIX = re.compile(
    r"""(?:
        Failed\ to\ transform\ agent\ message
      | (?:invoke|read)\ (?:llm|tool)\ (?:model|response)?\s*failed
      | (?:invoke|read)\ tool\ failed
      | Run\ failed
      | request\ failed(?=:)
      | req_id:\s*[\w-]+(?=\s)
      | PluginDaemon\w*Error | PluginInvoke\w*Error(?=:\s*[^{\s])
      | An\ error\ occurred\ in\ the\ [^,]{1,80},\ please\ contact.{0,200}?error\ details
      | An\ error\ occurred\ during\ credentials\ validation
    )\s*:?\s*""",
    re.VERBOSE | re.DOTALL,
)
_DIFY_STATUS = re.compile(r"request failed with status code:?\s*(\d{3}) and respond with:?\s*")
_INVOKE_ERROR = re.compile(r"Plugin\s?Invoke\s?Error\s*:\s*(?=\{)")
_FAMILY = re.compile(
    r"(Rate Limit|Server Unavailable|Connection|Bad Request|Authorization) Error,\s*"
)
_PROVIDER = re.compile(r"\[[\w .\-/]{1,60}\]\s+(?:Error:\s*)?")
_MESSAGE_TAIL = re.compile(r'\\*"message\\*"\s*:\s*\\*"(.*)', re.DOTALL)
_TYPE_TAIL = re.compile(r'\\*"error_type\\*"\s*:\s*\\*"(\w+)')

_FAMILY_TYPES = {
    "Rate Limit": "InvokeRateLimitError",
    "Server Unavailable": "InvokeServerUnavailableError",
    "Connection": "InvokeConnectionError",
    "Bad Request": "InvokeBadRequestError",
    "Authorization": "InvokeAuthorizationError",
}


def _peel(text: str) -> tuple[str, list[str]]:
    status = _DIFY_STATUS.match(text)
    if status:
        return _message_of_wrapper(text[status.end() :])
    invoked = _INVOKE_ERROR.match(text)
    if invoked:
        return _message_of_wrapper(text[invoked.end() :])
    family = _FAMILY.match(text)
    if family:
        return text[family.end() :].strip(), [_FAMILY_TYPES[family[1]]]
    for pattern in (_PREFIX, _PROVIDER):
        found = pattern.match(text)
        if found and text[found.end() :].strip():
            return text[found.end() :].strip(), []
    return text, []


def _message_of_wrapper(body: str) -> tuple[str, list[str]]:
    parsed = object_at_start(body)
    if parsed is None:
        # Nested quotes are not always escaped on the way (dify#22166): take what follows the key.
        types = _TYPE_TAIL.findall(body)
        tail = _MESSAGE_TAIL.search(body)
        return (_unescaped(tail[1]) if tail else body).strip(' "}\\'), types
    types = [parsed["error_type"]] if isinstance(parsed.get("error_type"), str) else []
    message = parsed.get("message")
    if isinstance(message, str) and message.strip():
        return message.strip(), cast("list[str]", types)
    return (message_in(parsed) or body).strip(), cast("list[str]", types)


def _unescaped(text: str) -> str:
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\+n", " ", text).replace('\\"', '"')


_PLUMBING = (
    (
        re.compile(r"invocation exited without response(?: after (\d+) seconds)"),
        r"The model sent nothing for \1 seconds.",
        "TimeoutError",
    ),
    (
        re.compile(r"invocation exited without response"),
        "The model sent nothing for too long.",
        "TimeoutError",
    ),
    (
        re.compile(r"killed by timeout"),
        "Dify ended the call because it took too long.",
        "TimeoutError",
    ),
    (
        re.compile(r"closed response body|failed to read system header"),
        "The connection broke while the model was answering.",
        "ConnectionError",
    ),
)
"""What only Dify's makers understand, in plain words, and the type by which it is sorted."""
