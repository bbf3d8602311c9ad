"""From what a provider or a tool says of its failure to what a person can read.

`sentence` makes one short line of it, without request ids, tracebacks, host paths or secrets.
`seconds_to_wait` reads what a provider says about when to come back. Nothing here raises, whatever
the text, and no text is read beyond its first and last 12,000 characters.
"""

import ast
import json
import re
from collections.abc import Iterator
from typing import cast

from strategies.agent.failures.redaction import redacted
from strategies.agent.prompt.shortening import shortened

MAX_SENTENCE = 300
"""Characters of one sentence; more is not read in a red box."""

_MAX_TEXT = 12_000
_MAX_READ = 4_000
_MAX_DEPTH = 12
_SPEAKS = re.compile(r"[^\W_]")


def sentence(error_text: str) -> str:
    """Say an error in one short line, never with a secret; blank where it says nothing."""
    text = bounded(error_text).strip()
    said = _without_traceback(_provider_message(text) or text)[:_MAX_READ]
    tidy = _tidied(_PATHS.sub("…", redacted(said)))
    if tidy.startswith("{") or not _SPEAKS.search(tidy):
        return ""
    return shortened(tidy, MAX_SENTENCE)


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


# What a provider writes: an object somewhere behind a status.

_MESSAGE_KEYS = ("message", "error_msg", "status_msg", "msg", "detail", "error", "errors")


def _provider_message(text: str) -> str:
    messages = (message_in(found) for found in _objects_in(text))
    best = next((said for said in messages if said), "")
    if "{" in best and best != text:
        return _provider_message(best) or best
    return best


def message_in(value: object, depth: int = 0) -> str:
    """Find the message in a provider's error object; blank where there is none."""
    if depth > _MAX_DEPTH:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        items = cast("list[object]", value)
        return message_in(items[0], depth + 1) if items else ""
    if not isinstance(value, dict):
        return ""
    fields = cast("dict[str, object]", value)
    nested = [fields[key] for key in ("error", "base_resp") if isinstance(fields.get(key), dict)]
    for candidate in [*nested, *(fields.get(key) for key in _MESSAGE_KEYS)]:
        said = message_in(candidate, depth + 1)
        if said:
            return said
    return ""


def object_at_start(text: str) -> dict[str, object] | None:
    """Read the JSON or Python object that a text begins with; None where it begins otherwise."""
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


def _objects_in(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON or Python objects written out in a text, outermost first."""
    start = text.find("{")
    waiting: list[object] = [object_at_start(text[start:])] if start >= 0 else []
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            inner = cast("dict[str, object]", value)
            yield inner
            waiting.extend(inner.values())
        elif isinstance(value, list):
            waiting.extend(cast("list[object]", value))


# What a person may read.

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


def bounded(text: str) -> str:
    """Leave out the middle of a text that is too long to be read."""
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
