"""From what Dify reports to what a person can read.

An error crosses up to six layers on its way to a strategy, and each wraps it: provider, model
plugin, daemon, core, daemon again, SDK. `unwrap` takes the layers off and keeps the names they
gave the error; `sentence` makes one short line of the rest, without request ids, tracebacks, host
paths or secrets. `seconds_to_wait` reads what a provider says about when to come back.

Nothing here raises, whatever the text, and no text is read beyond its first and last 12,000
characters.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

MAX_SENTENCE = 300
"""Characters of one sentence; more is not read in a red box."""

_MAX_TEXT = 12_000
_MAX_READ = 4_000
_MAX_LAYERS = 12
_SPEAKS = re.compile(r"[^\W_]")
_SILENT = "The model failed without saying why."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """The innermost text of an error and the names that its layers gave it."""

    text: str
    types: tuple[str, ...] = ()
    """Class names, outermost first, such as `InvokeRateLimitError`."""
    statuses: tuple[int, ...] = ()
    """HTTP statuses of the layers that were taken off, outermost first."""


def unwrap(error_text: str) -> Unwrapped:
    """Take off what Dify, its daemon and the SDK put round a provider's own words."""
    text = _bounded(error_text).strip()
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
    return Unwrapped(text=text, types=tuple(types), statuses=tuple(statuses))


def sentence(error_text: str) -> str:
    """Say an error in one short line that a person can act on; never empty, never a secret."""
    text = unwrap(error_text).text
    for pattern, plain in _PLAIN_WORDS:
        found = pattern.search(text)
        if found:
            return found.expand(plain)
    said = _without_traceback(_provider_message(text) or text)[:_MAX_READ]
    tidy = _tidied(_redacted(said))
    return _SILENT if tidy.startswith("{") or not _SPEAKS.search(tidy) else _shortened(tidy)


def seconds_to_wait(text: str) -> float | None:
    """Read `Retry-After` words: the seconds that the provider asks for, None when it does not."""
    found = _RETRY_AFTER_MS.search(text)
    if found:
        return _seconds(found[1], "ms")
    for pattern in _RETRY_AFTER:
        found = pattern.search(text)
        if found:
            return _seconds(found[1], found[2] or "s")
    found = _TRY_AGAIN_IN.search(text)
    if not found:
        return None
    return sum(_seconds(amount, unit or "s") for amount, unit in _DURATION.findall(found[1]))


def objects_in(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON or Python objects written out in a text, outermost first."""
    start = text.find("{")
    if start < 0:
        return
    parsed = _parsed(text[start:])
    if parsed is not None:
        yield parsed
        yield from _nested(parsed)


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
    parsed = _parsed(body)
    if parsed is None:
        # Nested quotes are not always escaped on the way (dify#22166): take what follows the key.
        types = _TYPE_TAIL.findall(body)
        tail = _MESSAGE_TAIL.search(body)
        return (_unescaped(tail[1]) if tail else body).strip(' "}\\'), types
    types = [parsed["error_type"]] if isinstance(parsed.get("error_type"), str) else []
    message = parsed.get("message")
    if isinstance(message, str) and message.strip():
        return message.strip(), cast("list[str]", types)
    return (_message_in(parsed) or body).strip(), cast("list[str]", types)


def _unescaped(text: str) -> str:
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\+n", " ", text).replace('\\"', '"')


# What a provider writes: an object somewhere behind a status.

_MESSAGE_KEYS = ("message", "error_msg", "status_msg", "msg", "detail", "error", "errors")


def _provider_message(text: str) -> str:
    best = ""
    for found in objects_in(text):
        said = _message_in(found)
        if said:
            best = said
            break
    if "{" in best and best != text:
        return _provider_message(best) or best
    return best


def _message_in(value: object, depth: int = 0) -> str:
    if depth > _MAX_LAYERS:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        items = cast("list[object]", value)
        return _message_in(items[0], depth + 1) if items else ""
    if not isinstance(value, dict):
        return ""
    fields = cast("dict[str, object]", value)
    nested = [fields[key] for key in ("error", "base_resp") if isinstance(fields.get(key), dict)]
    for candidate in [*nested, *(fields.get(key) for key in _MESSAGE_KEYS)]:
        said = _message_in(candidate, depth + 1)
        if said:
            return said
    return ""


def _parsed(text: str) -> dict[str, object] | None:
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        value = _python_literal(text)
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _python_literal(text: str) -> object:
    end = text.rfind("}") + 1
    if not end:
        return None
    try:
        return cast("object", ast.literal_eval(text[:end]))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _nested(fields: dict[str, object]) -> Iterator[dict[str, object]]:
    waiting: list[object] = list(fields.values())
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            inner = cast("dict[str, object]", value)
            yield inner
            waiting.extend(inner.values())
        elif isinstance(value, list):
            waiting.extend(cast("list[object]", value))


# What a person may read.

_PLAIN_WORDS = (
    (
        re.compile(r"invocation exited without response(?: after (\d+) seconds)"),
        r"The model sent nothing for \1 seconds.",
    ),
    (re.compile(r"invocation exited without response"), "The model sent nothing for too long."),
    (re.compile(r"killed by timeout"), "Dify ended the call because it took too long."),
    (
        re.compile(
            r"closed response body|closed network connection|failed to read system header"
            r"|incomplete chunked read|peer closed connection|unexpected EOF"
            r"|Connection aborted|Connection reset by peer|RemoteDisconnected"
        ),
        "The connection broke while the model was answering.",
    ),
    (
        re.compile(r"dial tcp|connect: connection refused|\[Errno 111\]|Max retries exceeded with"),
        "The model's server could not be reached.",
    ),
)

_SECRETS = (
    re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]{6,}"),
    re.compile(r"(?i)(\b(?:api[-_ ]?key|access[-_]?key|secret|token|password|authorization|key)"
               r"\s*(?:provided)?[\"']?\s*[:=]\s*[\"']?)(?!bearer\b)[\w.~+/*-]{6,}=*"),
    re.compile(r"()\b(?:sk|pk|rk|ak|gsk|xai|hf|ghp|glpat|nvapi|app)[-_][\w*-]{8,}"),
    re.compile(r"()\bAIza[\w-]{10,}"),
    re.compile(r"()\b(?:AKIA|LTAI)\w{8,}"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?"),
    re.compile(r"()\borg-[\w-]{8,}"),
    re.compile(r"(\b\w+://)[^\s/@:]+:[^\s/@]+(?=@)"),
)  # fmt: skip
_PATHS = re.compile(
    r"(?<![\w:/])(?:file://)?(?:/(?:app|usr|home|root|tmp|opt|var|Users|workspace|mnt|data|srv|etc"
    r"|code)/[^\s\"',:;)]+|[A-Za-z]:\\[^\s\"',;)]+)"
)
_REQUEST_IDS = re.compile(
    r"(?i)[\s,;(\[]{0,3}\b(?:req(?:uest)?[-_ ]?id|trace[-_ ]?id|ref)\b[\"']?\s*[:=]\s*"
    r"[\"']?[\w-]{6,}[\"')\]]*"
)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)\s*:?")
_FRAME = re.compile(r'\s{0,8}File "[^"]*", line \d+(?:, in \S+)?[^\n]*')


def _redacted(text: str) -> str:
    for pattern in _SECRETS:
        text = pattern.sub(r"\1[redacted]", text)
    return _PATHS.sub("…", text)


def _without_traceback(text: str) -> str:
    found = _TRACEBACK.search(text)
    if not found:
        return _FRAME.sub("", text)
    lines = [line.strip() for line in text[found.end() :].splitlines() if line.strip()]
    return text[: found.start()] + (lines[-1] if lines else "")


def _tidied(text: str) -> str:
    text = _REQUEST_IDS.sub("", text)
    text = re.sub(r"<[^>]{1,200}>", " ", text) if "<html" in text.lower() else text
    text = re.sub(r"[\s\x00-\x1f\x7f]+", " ", text)
    # Lone surrogates cannot be written to Dify.
    text = text.encode("utf-8", "replace").decode("utf-8").strip(" \t:;,-—")
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if quoted else text


def _shortened(text: str) -> str:
    if len(text) <= MAX_SENTENCE:
        return text
    return text[: MAX_SENTENCE - 1].rstrip() + "…"


def _bounded(text: str) -> str:
    if len(text) <= 2 * _MAX_TEXT:
        return text
    return text[:_MAX_TEXT] + text[-_MAX_TEXT:]


# When to come back.

_UNIT = r"(milliseconds?|ms|毫秒|seconds?|secs?|s|秒钟?|minutes?|mins?|m|分钟?|hours?|hrs?|h|小时)?"
_RETRY_AFTER_MS = re.compile(r"(?i)retry-after-ms[\"']?\s*[:=]\s*[\"']?(\d{1,9})")
_RETRY_AFTER = (
    re.compile(
        r"(?i)retry[-_ ]?(?:after|delay)[\"']?\s*[:=]?\s*[\"']?(\d{1,9}(?:\.\d{1,12})?)\s*"
        + _UNIT
        + r"(?![a-z0-9])"
    ),
    re.compile(r"(\d{1,9}(?:\.\d{1,12})?)\s*" + _UNIT.removesuffix("?") + r"(?:钟)?(?:之|以)?后"),
)
_DURATION = re.compile(r"(?i)(\d{1,9}(?:\.\d{1,12})?)\s*" + _UNIT + r"(?![a-z])")
_TRY_AGAIN_IN = re.compile(
    r"(?i)(?:try(?:ing)? again|retry(?: your request| again)?|wait|available again)\s*"
    r"(?:in|after|for|within)?\s*(?:about |at least )?"
    r"((?:\d{1,9}(?:\.\d{1,12})?\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?"
    r"|hours?)(?![a-z])[\s,]*)+)"
)  # fmt: skip


def _seconds(amount: str, unit: str) -> float:
    value = float(amount)
    unit = unit.lower()
    if unit in {"ms", "毫秒"} or unit.startswith("milli"):
        return value / 1000
    if unit.startswith(("h", "小")):
        return value * 3600
    if unit.startswith(("m", "分")):
        return value * 60
    return value
