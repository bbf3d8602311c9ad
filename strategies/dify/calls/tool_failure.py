"""What is told of a tool that failed: the whole of it to the model, one sentence to the reader.

The model has to act on it, so everything that the tool itself said is kept; what Dify puts round it
is taken off (docs/dify.md, "Errors"). The sentence stands in the red row of the call, which
`outputs/narrator.py` writes. Nothing here raises, whatever the text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from strategies.agent.failures.error_text import MAX_SENTENCE, sentence
from strategies.agent.failures.redaction import redacted
from strategies.agent.interface.ports import Forwarded, ToolOutcome
from strategies.agent.prompt.shortening import cut, shortened
from strategies.dify.calls.errors import DIFY_STATUS, INVOKE_ERROR, MAX_LAYERS
from strategies.dify.outputs.compact_json import compact
from strategies.dify.wire_values import Json, mapping

_FAILED = "The tool failed."
_NO_REASON = "It did not say why."


def tool_failure(
    error: str, said_before: str, forwarded: Sequence[Forwarded], longest: int
) -> ToolOutcome:
    """Make the outcome of a tool that failed after it had said something.

    Args:
        error: what Dify reports of the failure.
        said_before: the result as far as it came; blank where nothing did.
        forwarded: files that came before the failure.
        longest: characters of the result at the most; each of its two parts gets half of them.
    """
    whole = redacted(cut(tool_error(error), longest // 2))
    # Behind the tool's own words: a small model gives what it read first as its answer (issue 13).
    ending = _FAILED if whole else f"{_FAILED} {_NO_REASON}"
    told = [cut(said_before, longest // 2), whole, ending]
    short = sentence(whole) or shortened(whole, MAX_SENTENCE) or _NO_REASON
    text = "\n\n".join(part for part in told if part)
    return ToolOutcome(text=text, error=short, remark=ending, forwarded=tuple(forwarded))


def tool_error(error_text: str, depth: int = 0) -> str:
    """Return all that a tool said of its failure: type, text and every further field."""
    text = error_text.strip()
    for _ in range(MAX_LAYERS):
        found = _ROUND_TOOLS.match(text)
        text = text[found.end() :] if found and text[found.end() :] else text
    wrapper = DIFY_STATUS.match(text) or INVOKE_ERROR.match(text)
    if not wrapper or depth > MAX_LAYERS:
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


_ROUND_TOOLS = re.compile(
    r"""(?:invoke\ tool|read\ tool\ response)\ failed:\s*(?:request\ failed:\s*)?
      | request\ failed:\s*(?=req_id:|Plugin\w*Error:|request\ failed\ with)
      | (?:req_id:\s*[\w-]+\s+)(?=Plugin\w*Error:)
      | Failed\ to\ transform\ \w+\ message:\s*
      | PluginDaemon\w*Error:\s* | Plugin\s?Invoke\s?Error:\s*(?=[^{\s])""",
    re.VERBOSE,
)
