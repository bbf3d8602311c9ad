"""What one tool call sends, sorted into what the model reads and what goes on to the reader.

Message types and their fields are those of Dify's ToolInvokeMessage (docs/dify.md, "Tools"). The
model reads all that a tool says, each thing once (deduplication.py). Files go on to the reader
once, unread; the model is told their names, kinds and sizes. A link is for the model alone: Dify
would write a link that is passed on into the answer's text. Media in data URLs are files, too
(inline_media.py).
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence

from strategies.agent.interface.ports import Forwarded, ToolOutcome
from strategies.agent.prompt.shortening import cut
from strategies.dify.calls.deduplication import told_once
from strategies.dify.calls.inline_media import (
    InlineMedium,
    is_medium,
    name_by_type,
    value_without_media,
    without_media,
)
from strategies.dify.calls.tool_failure import tool_failure
from strategies.dify.outputs.compact_json import compact
from strategies.dify.outputs.media import decoded_size, inline_file, is_tool_file, linked_file
from strategies.dify.outputs.messages import FILE_LENGTH
from strategies.dify.wire_values import Json, mapping, text_of

_NO_OUTPUT = "(the tool returned nothing)"
_LONGEST = 1_000_000
"""Characters of a result: no model reads more, and Dify takes no request above 4 MB."""
_MOST_INLINE = 8
"""Data URLs of one call that become files; a web page may hold hundreds."""

type Naming = Callable[[Forwarded], str | None]
"""Gives a file the name by which later calls know it; None for what they cannot be given."""


class ToolResult:
    """Takes a tool's messages one by one."""

    def __init__(
        self, naming: Naming = lambda _: None, *, repeats_text_as_json: bool = False
    ) -> None:
        self._naming = naming
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
        self._inline: dict[str, str] = {}
        """Names of the files that stood inside the text, by their content."""
        self._chunks: dict[str, bytearray] = {}

    def add(self, raw: Json) -> None:
        """Take one message."""
        body, meta = mapping(raw.get("message")), mapping(raw.get("meta"))
        match raw.get("type"):
            case "text":
                self._texts.append(text_of(body.get("text")))
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
                key = text_of(body.get("id")) or f"number {len(self._logs)}"
                self._logs[key] = f"Log: {compact(_log_content(body))}"
            case "retriever_resources":
                self._notes.append(text_of(body.get("context")) or compact(body))
            case other:
                self._notes.append(f"{text_of(other) or 'message'}: {compact(body or meta)}")

    def outcome(self) -> ToolOutcome:
        """Return what the tool gave back."""
        said = _joined([*self._parts(self._texts), *self._notes]) or _joined(self._logs.values())
        shown = None
        if not said:
            shown = ""
        elif self._file_notes or self._logs:
            texts = [one for one in self._texts if not is_medium(one)]
            notes = [note for note in self._notes if note not in self._file_notes]
            shown = _joined([*self._parts(texts), *notes])
        remark = "" if said else _NO_OUTPUT
        return ToolOutcome(
            text=said or remark, remark=remark, shown=shown, forwarded=tuple(self._forwarded)
        )

    def failed(self, error: str) -> ToolOutcome:
        """Return what the tool gave back before it failed, and the whole of how it failed."""
        said_before = _joined([*self._parts(self._texts), *self._notes])
        return tool_failure(error, said_before, self._forwarded, _LONGEST)

    # -- what the model reads -------------------------------------------------------------------

    def _parts(self, sent: Sequence[str]) -> Iterator[str]:
        """Yield what was said in texts, JSON and variables, and what did not arrive."""
        take = self._take_inline
        texts = [without_media(one, take) for one in sent if one.strip()]
        objects = [] if self._repeats_text_as_json and texts else self._objects
        variables = self._variables | {key: "".join(told) for key, told in self._streams.items()}
        yield from told_once(
            texts,
            [value_without_media(one, take) for one in objects],
            {name: value_without_media(one, take) for name, one in variables.items()},
            _LONGEST,
        )
        yield from ["A file did not arrive whole and is left out."] * len(self._chunks)

    def _take_link(self, body: Json, meta: Json) -> None:
        url = text_of(body.get("text"))
        if is_tool_file(url):
            # This is how Dify hands over a file that a workflow made.
            self._forward_link("binary_link", body, meta)
        else:
            self._notes.append(f"Link: {url}")

    # -- what goes on to the reader -------------------------------------------------------------

    def _forward_link(self, kind: str, body: Json, meta: Json) -> None:
        url = text_of(body.get("text"))
        forwarded = linked_file(kind, url, meta)
        if forwarded is None:
            self._notes.append(f"Link: {url}")
        else:
            self._forward(forwarded)

    def _forward_blob(self, blob: object, meta: Json) -> None:
        encoded = base64.b64encode(blob).decode() if isinstance(blob, bytes) else text_of(blob)
        self._forward(inline_file(encoded, meta))

    def _forward(self, forwarded: Forwarded) -> None:
        if forwarded not in self._forwarded:
            self._forwarded.append(forwarded)
            note = _file_note(forwarded, self._name(forwarded))
            self._notes.append(note)
            self._file_notes.add(note)

    def _name(self, forwarded: Forwarded) -> str:
        body, meta = mapping(forwarded.get("message")), mapping(forwarded.get("meta"))
        path = text_of(body.get("text")).partition("?")[0].rsplit("/", 1)[-1]
        own = text_of(meta.get("filename") or meta.get("name")) or path
        return self._naming(forwarded) or own or name_by_type(text_of(meta.get("mime_type")), 1)

    def _take_inline(self, medium: InlineMedium) -> str:
        """Make a file of a data URL, once, whether or not the tool also sent it as a blob."""
        content = medium.encoded
        if content not in self._inline:
            sent = [one for one in self._forwarded if _content(one) == content]
            if not sent and len(self._inline) < _MOST_INLINE:
                name = name_by_type(medium.mime_type, len(self._inline) + 1)
                self._forward_blob(content, {"mime_type": medium.mime_type, "filename": name})
                sent = self._forwarded[-1:]
            self._inline[content] = self._name(sent[0]) if sent else ""
        return self._inline[content]

    def _gather_chunk(self, body: Json, meta: Json) -> None:
        gathered = self._chunks.setdefault(text_of(body.get("id")), bytearray())
        blob = body.get("blob")
        if isinstance(blob, bytes):
            gathered += blob
        else:
            try:
                gathered += base64.b64decode(text_of(blob))
            except ValueError:
                self._notes.append("A piece of a file could not be decoded and is missing.")
        if body.get("end"):
            self._forward_blob(bytes(self._chunks.pop(text_of(body.get("id")))), meta)

    def _set_variable(self, body: Json) -> None:
        name, value = text_of(body.get("variable_name")), body.get("variable_value")
        if body.get("stream"):
            self._streams.setdefault(name, []).append(text_of(value))
        else:
            self._streams.pop(name, None)
            self._variables[name] = value


def _log_content(body: Json) -> dict[str, object]:
    kept = {name: body.get(name) for name in ("label", "status", "error", "data")}
    return {name: value for name, value in kept.items() if value}


def _content(forwarded: Forwarded) -> str:
    return text_of(mapping(forwarded.get("message")).get("blob"))


def _file_note(forwarded: Forwarded, name: str) -> str:
    """Describe a file so that a model can speak of it: its name, its type or kind, its size."""
    meta, encoded = mapping(forwarded.get("meta")), _content(forwarded)
    kind = "image" if text_of(forwarded.get("type")).startswith("image") else ""
    size = decoded_size(encoded) if encoded else meta.get("size")
    facts = [
        text_of(meta.get("mime_type")) or kind,
        f"{size} bytes" if isinstance(size, int) else "",
    ]
    known = ", ".join(fact for fact in facts if fact)
    described = f"{name} ({known})" if known else name
    if encoded and decoded_size(encoded) > FILE_LENGTH:
        return f"File made, but too large for Dify (15 MB), so the user did not get it: {described}"
    return f"File made for the user: {described}"


def _joined(parts: Iterable[str]) -> str:
    return cut("\n".join(part for part in parts if part.strip()), _LONGEST)
