"""What one tool call sends, sorted into what the model reads and what goes on to the reader.

Message types and their fields are those of Dify's ToolInvokeMessage (docs/dify.md, "Tools").
Files go on to the reader once, unread; the model is told their names. A link is for the model
alone: Dify would write a link that is passed on into the answer's text. Base64 in texts and JSON is
taken out of what the model reads; what was a data URL goes on to the reader as a file.

Tools say one thing several times: an API tool as text and as JSON, a workflow also as variables, an
MCP server its text once more under `result`. The model is told it once, as text.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from strategies.agent.failures.error_text import sentence
from strategies.agent.ports import Forwarded, ToolOutcome
from strategies.agent.prompt.truncation import cut
from strategies.dify.calls.base64_text import (
    LEFT_OUT,
    Inline,
    value_without_base64,
    without_base64,
)
from strategies.dify.loose_json import Json, mapping, text
from strategies.dify.outputs.compact_json import compact
from strategies.dify.outputs.media import inline_file, is_tool_file, linked_file
from strategies.dify.outputs.messages import FILE_LENGTH

_NO_OUTPUT = "(the tool returned nothing)"
_LONGEST = 1_000_000
"""Characters of a result: no model reads more, and Dify takes no request above 4 MB."""
_MOST_INLINE = 8
"""Data URLs of one call that become files; a web page may hold hundreds."""
_LONGEST_FOUND = 100_000
"""Characters of JSON that are looked for inside a text."""


class ToolResult:
    """Takes a tool's messages one by one."""

    def __init__(self, *, repeats_text_as_json: bool = False) -> None:
        self._repeats_text_as_json = repeats_text_as_json
        """Workflow tools send their text a second time as JSON."""
        self._texts: list[str] = []
        self._objects: list[object] = []
        self._notes: list[str] = []
        self._file_notes: set[str] = set()
        """Those of the notes that tell a model of files, which a reader sees for themselves."""
        self._logs: dict[str, str] = {}
        self._variables: dict[str, object] = {}
        self._streams: dict[str, list[str]] = {}
        self._forwarded: list[Forwarded] = []
        self._inline: list[str] = []
        """Names of the files that stood inside the text."""
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
                self._take_link(body, meta)
            case "image" | "image_link" | "binary_link" as kind:
                self._forward_link(str(kind), body, meta)
            case "blob":
                self._forward_blob(body.get("blob"), meta)
            case "blob_chunk":
                self._gather_chunk(body, meta)
            case "variable":
                self._set_variable(body)
            case "log":
                # The later messages of a log replace the earlier ones.
                key = text(body.get("id")) or f"number {len(self._logs)}"
                self._logs[key] = f"Log: {compact(_log_content(body))}"
            case "retriever_resources":
                self._notes.append(text(body.get("context")) or compact(body))
            case other:
                self._notes.append(f"{text(other) or 'message'}: {compact(body or meta)}")

    def outcome(self) -> ToolOutcome:
        """Return what the tool gave back."""
        said, shown = self._read(), None
        if not said:
            shown = ""
        elif self._file_notes or self._logs:
            shown = self._read(for_reader=True)
        return ToolOutcome(text=said or _NO_OUTPUT, shown=shown, forwarded=tuple(self._forwarded))

    def failed(self, error: str) -> ToolOutcome:
        """Return what the tool gave back before it failed, and how it failed."""
        partial, error = self._read(), sentence(error)
        told = f"{partial}\n\nThe tool failed: {error}" if partial else f"The tool failed: {error}"
        return ToolOutcome(text=told, error=error, forwarded=tuple(self._forwarded))

    # -- what the model reads -------------------------------------------------------------------

    def _read(self, *, for_reader: bool = False) -> str:
        said, files = without_base64("".join(self._texts))
        self._forward_inline(files)
        parts = ["" if for_reader and files and LEFT_OUT.fullmatch(said.strip()) else said]
        if len(said) < _LONGEST:
            parts += self._new_values(said)
        parts += [note for note in self._notes if not (for_reader and note in self._file_notes)]
        if not for_reader and not any(part.strip() for part in parts):
            parts += self._logs.values()
        parts += ["A file did not arrive whole and is left out."] * len(self._chunks)
        return cut("\n".join(part for part in parts if part.strip()), _LONGEST)

    def _new_values(self, said: str) -> Iterator[str]:
        """Write the JSON and the variables that have not been said already."""
        variables = self._variables | {key: "".join(told) for key, told in self._streams.items()}
        if not self._objects and not variables:
            return
        texts = {said, *(without_base64(one)[0] for one in self._texts)}
        known = [_decoded(one) for one in texts] if said.strip() else []
        objects = [] if self._repeats_text_as_json and said.strip() else self._objects
        for found in map(self._without_base64, objects):
            if found in (None, {}) or self._is_repeated(found, said, known):
                continue
            known.append(found)
            yield compact(found, _LONGEST)
        for name, whole in variables.items():
            value = self._without_base64(whole)
            if value is None or self._is_repeated(value, said, known):
                continue
            if any(mapping(one).get(name) == value for one in known):
                continue
            yield f"{name}: {compact(value, _LONGEST)}"

    def _without_base64(self, value: object) -> object:
        left, files = value_without_base64(value)
        self._forward_inline(files)
        return left

    def _is_repeated(self, value: object, said: str, known: Sequence[object]) -> bool:
        if value in known:
            return True
        if not said.strip():
            return False
        if isinstance(value, str):
            return value.strip() == said.strip()
        if not isinstance(value, list | Mapping):
            return False
        whole = cast("object", value)
        if _only_wraps(whole, said):
            return True
        return whole not in ([], {}) and any(form in said for form in _forms(whole, said))

    def _take_link(self, body: Json, meta: Json) -> None:
        url = text(body.get("text"))
        if is_tool_file(url):
            # This is how Dify hands over a file that a workflow made.
            self._forward_link("binary_link", body, meta)
        else:
            self._notes.append(f"Link: {url}")

    # -- what goes on to the reader -------------------------------------------------------------

    def _forward_link(self, kind: str, body: Json, meta: Json) -> None:
        url = text(body.get("text"))
        forwarded = linked_file(kind, url, meta)
        if forwarded is None:
            self._notes.append(f"Link: {url[:2_000]}")
            return
        size = None
        if forwarded["type"] == "blob":
            url, size = "", _decoded_size(text(mapping(forwarded["message"])["blob"]))
        self._forward(forwarded, _file_note(meta, url, size))

    def _forward_blob(self, blob: object, meta: Json) -> None:
        encoded = base64.b64encode(blob).decode() if isinstance(blob, bytes) else text(blob)
        self._forward(inline_file(encoded, meta), _file_note(meta, "", _decoded_size(encoded)))

    def _forward(self, forwarded: Forwarded, note: str) -> None:
        if forwarded not in self._forwarded:
            self._forwarded.append(forwarded)
            self._notes.append(note)
            self._file_notes.add(note)

    def _forward_inline(self, files: Sequence[Inline]) -> None:
        """Make files of data URLs, each once, whether or not the tool also sent it as a blob."""
        known = {text(mapping(one.get("message")).get("blob")) for one in self._forwarded}
        for file in files:
            if file.encoded in known or len(self._inline) == _MOST_INLINE:
                continue
            known.add(file.encoded)
            name = file.name(len(self._inline) + 1)
            self._inline.append(name)
            self._forward_blob(file.encoded, {"mime_type": file.mime_type, "filename": name})

    def _gather_chunk(self, body: Json, meta: Json) -> None:
        gathered = self._chunks.setdefault(text(body.get("id")), bytearray())
        blob = body.get("blob")
        if isinstance(blob, bytes):
            gathered += blob
        else:
            try:
                gathered += base64.b64decode(text(blob))
            except ValueError:
                self._notes.append("A piece of a file could not be decoded and is missing.")
        if body.get("end"):
            self._forward_blob(bytes(self._chunks.pop(text(body.get("id")))), meta)

    def _set_variable(self, body: Json) -> None:
        name, value = text(body.get("variable_name")), body.get("variable_value")
        if body.get("stream"):
            self._streams.setdefault(name, []).append(text(value))
        else:
            self._streams.pop(name, None)
            self._variables[name] = value


def _log_content(body: Json) -> dict[str, object]:
    kept = {name: body.get(name) for name in ("label", "status", "error", "data")}
    return {name: value for name, value in kept.items() if value}


def _file_note(meta: Json, url: str, size: int | None = None) -> str:
    path = url.partition("?")[0].rsplit("/", 1)[-1]
    name = text(meta.get("filename") or meta.get("name")) or path or "a file"
    facts = [text(meta.get("mime_type")), f"{size} bytes" if size is not None else ""]
    known = ", ".join(fact for fact in facts if fact)
    described = f"{name} ({known})" if known else name
    if size is not None and size > FILE_LENGTH:
        return f"File made, but too large for Dify (15 MB), so the user did not get it: {described}"
    return f"File made for the user: {described}"


def _decoded_size(encoded: str) -> int:
    # Four letters of base64 are three bytes, less one for each letter of padding.
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def _decoded(said: str) -> object:
    if said.lstrip()[:1] not in set('{["-0123456789'):
        return None
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _only_wraps(value: object, said: str) -> bool:
    """Tell whether an object is no more than the text under one name, as MCP servers send it."""
    items: Sequence[Any] = tuple(mapping(value).values())
    return len(items) == 1 and isinstance(items[0], str) and items[0].strip() == said.strip()


def _forms(value: object, said: str) -> Iterator[str]:
    """Write a value in the ways in which a text may hold it."""
    most = min(len(said), _LONGEST_FOUND)
    written = compact(value, most)
    if len(written) <= most:
        yield written
        yield json.dumps(value, default=str)
        yield json.dumps(value, ensure_ascii=False, default=str)
