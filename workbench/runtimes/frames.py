"""The frames on the plugin's stdin and stdout: one JSON object a line."""

import json
from typing import Any

from workbench.base.ports import Json, is_object


def encoded(frame: Json) -> bytes:
    """Write a frame as its line."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def decoded(line: bytes) -> Json | None:
    """Read a line; None when it is not a JSON object (the daemon logs such a line and goes on)."""
    try:
        frame: Any = json.loads(line)
    except ValueError:
        return None
    return frame if is_object(frame) else None


def response(session: str, request: str, data: Json) -> bytes:
    """One piece of an answer to a backwards call."""
    return _answer(session, request, "response", "stream", data)


def error(session: str, request: str, text: str) -> bytes:
    """Tell the plugin that its backwards call failed."""
    return _answer(session, request, "error", text, None)


def end(session: str, request: str) -> bytes:
    """Tell the plugin that its backwards call is over. It follows errors too."""
    return _answer(session, request, "end", "", None)


def _answer(session: str, request: str, event: str, message: str, data: Json | None) -> bytes:
    return encoded(
        {
            "session_id": session,
            "event": "backwards_response",
            "data": {
                "backwards_request_id": request,
                "event": event,
                "message": message,
                "data": data,
            },
        }
    )
