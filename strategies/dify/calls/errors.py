"""Takes off what Dify puts round a model's error: the provider's own words are left.

An error crosses up to six layers on its way to a strategy, and each wraps it: provider, plugin,
daemon, core, daemon again, SDK (docs/dify.md, "Errors"). The innermost text counts, and the names
and statuses that the layers gave it help to sort it. What a tool says is read in `tool_failure`.

Nothing here raises, whatever the text.
"""

import re

from strategies.agent.failures.error_text import bounded, message_in, object_at_start
from strategies.agent.interface.ports import ModelError

MAX_LAYERS = 12


def model_error(error_text: str) -> ModelError:
    """Make the error of a model call of what Dify reports of it."""
    text = bounded(error_text).strip()
    types: list[str] = []
    statuses: list[int] = []
    for _ in range(MAX_LAYERS):
        status = DIFY_STATUS.match(text)
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


# What the layers write. Each pattern is anchored at the start of the text that is left.

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
DIFY_STATUS = re.compile(r"request failed with status code:?\s*(\d{3}) and respond with:?\s*")
INVOKE_ERROR = re.compile(r"Plugin\s?Invoke\s?Error\s*:\s*(?=\{)")
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
    wrapper = DIFY_STATUS.match(text) or INVOKE_ERROR.match(text)
    if wrapper:
        return _message_of_wrapper(text[wrapper.end() :])
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
    kind, message = parsed.get("error_type"), parsed.get("message")
    types = [kind] if isinstance(kind, str) else []
    if isinstance(message, str) and message.strip():
        return message.strip(), types
    return (message_in(parsed) or body).strip(), types


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
