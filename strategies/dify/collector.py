"""What one tool call sends, sorted into what the model reads and what goes on to the reader.

Message types and their fields are those of Dify's ToolInvokeMessage (dify-contract.md §2, §4).
Files go on to the reader once, unread; the model is told their names. A link is for the model
alone: Dify would write a link that is passed on into the answer's text.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from strategies.agent.error_text import sentence
from strategies.agent.ports import Forwarded, ToolOutcome
from strategies.dify.reading import Json, mapping, sequence, text

_NO_OUTPUT = "(the tool returned nothing)"


class Collector:
    """Takes a tool's messages one by one."""

    def __init__(self, *, repeats_text_as_json: bool = False) -> None:
        self._repeats_text_as_json = repeats_text_as_json
        """Workflow tools send their text a second time as JSON."""
        self._texts: list[str] = []
        self._objects: list[object] = []
        self._notes: list[str] = []
        self._variables: dict[str, Any] = {}
        self._forwarded: list[Forwarded] = []
        self._chunks: dict[str, bytearray] = {}

    def add(self, raw: Json) -> None:
        """Take one message."""
        body, meta = mapping(raw.get("message")), mapping(raw.get("meta"))
        match raw.get("type"):
            case "text":
                self._texts.append(text(body.get("text")))
            case "json":
                self._objects.append(body.get("json_object"))
            case "link":
                self._notes.append(f"Link: {text(body.get('text'))}")
            case "image":
                self._forward_link("image", body, meta)
            case "image_link" | "binary_link" as kind:
                self._forward_link(str(kind), body, meta)
            case "blob":
                self._forward_blob(body.get("blob"), meta)
            case "blob_chunk":
                self._gather_chunk(body, meta)
            case "variable":
                self._set_variable(body)
            case "log":
                self._notes.append(f"Log: {_compact(_log_content(body))}")
            case "retriever_resources":
                self._notes.append(text(body.get("context")) or _compact(dict(body)))
            case other:
                self._notes.append(f"{text(other) or 'message'}: {_compact(dict(body) or meta)}")

    def outcome(self) -> ToolOutcome:
        """Return what the tool gave back."""
        return ToolOutcome(text=self._read() or _NO_OUTPUT, forwarded=tuple(self._forwarded))

    def failed(self, error: str) -> ToolOutcome:
        """Return what the tool gave back before it failed, and how it failed."""
        partial, error = self._read(), sentence(error)
        told = f"{partial}\n\nThe tool failed: {error}" if partial else f"The tool failed: {error}"
        return ToolOutcome(text=told, error=error, forwarded=tuple(self._forwarded))

    def _read(self) -> str:
        said = "".join(self._texts)
        parts = [said, *self._new_objects(said), *self._notes]
        parts += [f"{name}: {_compact(value)}" for name, value in self._variables.items()]
        return "\n".join(part for part in parts if part.strip())

    def _new_objects(self, said: str) -> list[str]:
        """Write the JSON that the text has not said already."""
        if self._repeats_text_as_json and said.strip():
            return []
        known = [_decoded(one) for one in {said, *self._texts}] if self._objects else []
        return [_compact(found) for found in self._objects if found not in known and found != {}]

    def _forward_link(self, kind: str, body: Json, meta: Json) -> None:
        forwarded = {"type": kind, "message": dict(body), "meta": dict(meta) or None}
        if forwarded in self._forwarded:
            return
        self._forwarded.append(forwarded)
        self._notes.append(_file_note(meta, text(body.get("text"))))

    def _forward_blob(self, blob: object, meta: Json) -> None:
        encoded = base64.b64encode(blob).decode() if isinstance(blob, bytes) else text(blob)
        message = {"type": "blob", "message": {"blob": encoded}, "meta": dict(meta)}
        if message in self._forwarded:
            return
        self._forwarded.append(message)
        # Four letters of base64 are three bytes.
        self._notes.append(_file_note(meta, "", len(encoded) * 3 // 4))

    def _gather_chunk(self, body: Json, meta: Json) -> None:
        gathered = self._chunks.setdefault(text(body.get("id")), bytearray())
        blob = body.get("blob")
        if isinstance(blob, bytes):
            gathered += blob
        else:
            try:
                gathered += base64.b64decode(text(blob))
            except binascii.Error:
                self._notes.append("A piece of a file could not be decoded and is missing.")
        if body.get("end"):
            self._forward_blob(bytes(self._chunks.pop(text(body.get("id")))), meta)

    def _set_variable(self, body: Json) -> None:
        name, value = text(body.get("variable_name")), body.get("variable_value")
        if body.get("stream"):
            self._variables[name] = text(self._variables.get(name)) + text(value)
        else:
            self._variables[name] = value


def _log_content(body: Json) -> dict[str, object]:
    kept = {name: body.get(name) for name in ("label", "status", "error", "data")}
    return {name: value for name, value in kept.items() if value}


def _file_note(meta: Json, url: str, size: int | None = None) -> str:
    name = text(meta.get("filename") or meta.get("name")) or url.rsplit("/", 1)[-1] or "a file"
    facts = [text(meta.get("mime_type")), f"{size} bytes" if size is not None else ""]
    known = ", ".join(fact for fact in facts if fact)
    described = f"{name} ({known})" if known else name
    return f"File made and already shown to the user: {described}"


def _decoded(said: str) -> object:
    try:
        return json.loads(said)
    except ValueError:
        return None


def _compact(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _plain(value: object) -> object:
    """Turn mappings and sequences of any type into those that JSON knows."""
    match value:
        case Mapping():
            return {text(key): _plain(item) for key, item in mapping(cast("object", value)).items()}
        case list():
            return [_plain(item) for item in sequence(cast("object", value))]
        case _:
            return value
