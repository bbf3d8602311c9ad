"""Files on their way to the reader: the forms that Dify takes (docs/dify.md, "Messages")."""

import re

from strategies.agent.interface.ports import Forwarded
from strategies.dify.wire_values import Json

_DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w=.-]+)*;base64,")
_TOOL_FILE = "/files/tools/"


def linked_file(kind: str, url: str, meta: Json) -> Forwarded | None:
    """Write a file that a message names by its address; None when Dify could not take it.

    `image_link` and `binary_link` must name a file that Dify keeps: the node fails over any other.
    A picture elsewhere goes as `image`, which Dify fetches, and goes on where it cannot.
    """
    inline = _DATA_URL.match(url)
    if inline:
        mime_type = inline[1] or "application/octet-stream"
        return inline_file(url[inline.end() :], {**meta, "mime_type": mime_type})
    if meta.get("tool_file_id") or _TOOL_FILE in url:
        kept_as = "image_link" if kind == "image" else kind
        return {"type": kept_as, "message": {"text": url}, "meta": dict(meta) or None}
    if kind != "binary_link" and url.startswith(("http://", "https://")):
        return {"type": "image", "message": {"text": url}, "meta": dict(meta) or None}
    return None


def inline_file(encoded: str, meta: Json) -> Forwarded:
    """Write a file that is there as base64."""
    return {"type": "blob", "message": {"blob": encoded}, "meta": dict(meta)}


def is_tool_file(url: str) -> bool:
    """Tell whether an address is that of a file that Dify keeps for a tool."""
    return _TOOL_FILE in url


def decoded_size(encoded: str) -> int:
    """Count the bytes that base64 of either alphabet, padded or not, stands for."""
    return len(encoded.rstrip("=")) * 3 // 4
