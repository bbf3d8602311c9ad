"""The files of a run: what the user handed over, and what tools made on the way.

A file is known by its name, which is unique in the run: the model reads names and writes names, and
the toolbox puts the real file in their place. What Dify sends may be odd; an item that is no file
is named and left aside.
"""

import base64
import binascii
import json
import mimetypes
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from urllib.parse import unquote, urlsplit

from strategies.agent.ports import Forwarded
from strategies.dify.loose_json import Json, mapping, sequence, text

type Kind = Literal["image", "document", "audio", "video", "custom"]

type Upload = Callable[[str, bytes, str], str]
"""Takes a name, a content and a MIME type to Dify and returns a URL from which tools can read it.

May raise any exception with its text."""

IDENTITY = "__dify__file__"
"""By this the plugins' SDK knows that a value is a file."""

_FIELDS = ("url", "mime_type", "filename", "extension", "size", "type")
_KINDS: Mapping[str, Kind] = {
    "image": "image",
    "document": "document",
    "audio": "audio",
    "video": "video",
    "custom": "custom",
}
# Line ends, and what could begin a marker of a protocol.
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\u2028\u2029<>✿]+")
_NAME_LENGTH = 100
_QUOTES = "\"'`“”‘’「」《》<>[]"
_TOOL_FILE = re.compile(r"/files/tools/([0-9A-Za-z-]+)")
_MADE = frozenset({"image", "image_link", "binary_link", "blob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """One file."""

    name: str
    """Unique in the run."""
    kind: Kind
    mime_type: str
    size: int | None
    """Bytes; None when nobody said it."""
    url: str
    """Where its content can be read; blank, or relative, when it cannot."""
    wire: Json
    """The file as a tool takes it."""


def read_files(value: object) -> tuple[list[RunFile], list[str]]:
    """Read the parameter `files`; what is no file is named in the second list.

    Takes a list, a single file, JSON text of either, files as dicts or as the SDK's objects.
    """
    files: list[RunFile] = []
    odd: list[str] = []
    for position, item in enumerate(_items(value), start=1):
        if item is None:
            continue
        raw = _raw(item)
        if not text(raw.get("url")).strip():
            what = "has no url" if raw else f"is no file but {type(item).__name__}"
            odd.append(f"file {position} {what}")
            continue
        file = _file(raw)
        files.append(replace(file, name=_untaken(file.name, [known.name for known in files])))
    return files, odd


class RunFiles:
    """The files of one run; tools that run at the same time may add to it."""

    def __init__(self, files: Iterable[RunFile] = (), *, upload: Upload | None = None) -> None:
        self._files = list(files)
        self._upload = upload
        """For files of which only the content is there; without it tools cannot take those."""
        self._made: dict[str, RunFile] = {}
        """Files that tools made, under names of their own, by what they are known by."""
        self._contents: dict[str, str] = {}
        """Base64 of the files that are still to be uploaded."""
        self._lock = threading.Lock()

    @property
    def files(self) -> tuple[RunFile, ...]:
        """The files so far, in the order in which they came."""
        with self._lock:
            return tuple(self._files)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files so far."""
        return tuple(file.name for file in self.files)

    def name_made(self, message: Forwarded) -> str | None:
        """Name a file that a tool made, from its message; None if it is none.

        It is not among the files before `add_made`.
        """
        file = self._made_by(message)
        return file.name if file else None

    def add_made(self, message: Forwarded) -> str | None:
        """Take a file that a tool made from its message; return its name, None if it is none."""
        file = self._made_by(message)
        if file is None:
            return None
        content = text(mapping(message.get("message")).get("blob"))
        with self._lock:
            if all(known.name != file.name for known in self._files):
                self._files.append(file)
                if content and not file.url:
                    self._contents[file.name] = content
        return file.name

    def _made_by(self, message: Forwarded) -> RunFile | None:
        if message.get("type") not in _MADE:
            return None
        body, meta = mapping(message.get("message")), mapping(message.get("meta"))
        content, url = text(body.get("blob")), text(body.get("text")).strip()
        if not url and (not content or not self._upload):
            return None
        key = _tool_file_id(meta, url) or url or content
        with self._lock:
            if key not in self._made:
                file = _made_file(message, meta, url, content)
                taken = [known.name for known in (*self._files, *self._made.values())]
                self._made[key] = replace(file, name=_untaken(file.name, taken))
            return self._made[key]

    def wires(self, names: object) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the files that a name, a list or a text of names means, and the unknown names.

        Capitals, quotes and blanks around a name do not matter. A file that cannot be handed over
        counts as unknown.
        """
        found: list[dict[str, Any]] = []
        unknown: list[str] = []
        for name in self._names_in(names):
            file = self._find(name)
            wire = self._wire_of(file) if file else None
            if wire is None:
                unknown.append(name)
            elif wire not in found:
                found.append(wire)
        return found, unknown

    def _names_in(self, value: object) -> list[str]:
        if isinstance(value, Mapping):
            return [_named_in(mapping(cast("object", value)))]
        if isinstance(value, list | tuple):
            return [name for item in sequence(cast("object", value)) for name in _one(item)]
        said = text(value).strip()
        # A name may hold a comma or begin with a bracket, so the whole is tried first.
        if not said or self._find(said):
            return [said] if said else []
        decoded = _decoded(said)
        if isinstance(decoded, list | dict):
            return self._names_in(cast("object", decoded))
        return [name for part in re.split(r"[,，;；\n]", said) if (name := part.strip())]

    def _find(self, name: str) -> RunFile | None:
        files = self.files
        wanted = _plain(name)
        for file in files:
            if file.name == name:
                return file
        return next((file for file in files if _plain(file.name) == wanted), None)

    def _wire_of(self, file: RunFile) -> dict[str, Any] | None:
        with self._lock:
            content = self._contents.get(file.name)
        if content is None or self._upload is None:
            return dict(file.wire)
        try:
            url = self._upload(file.name, base64.b64decode(content), file.mime_type)
        except Exception:  # noqa: BLE001 - a file that cannot be uploaded is a file that is not there
            return None
        wire = {**file.wire, "url": url}
        with self._lock:
            self._contents.pop(file.name, None)
            at = next(i for i, known in enumerate(self._files) if known.name == file.name)
            self._files[at] = replace(file, url=url, wire=wire)
        return wire


def extension_of(file: RunFile) -> str:
    """Return the extension without its dot, from the name or else from the MIME type."""
    _, dot, extension = file.name.rpartition(".")
    if dot and extension.isalnum():
        return extension.lower()
    guessed = mimetypes.guess_extension(file.mime_type) or ""
    return guessed.removeprefix(".")


def _items(value: object) -> Sequence[object]:
    if isinstance(value, str):
        if not value.strip():
            return ()
        decoded = _decoded(value)
        return (value,) if isinstance(decoded, str) else _items(decoded)
    if value is None:
        return ()
    return sequence(cast("object", value)) if isinstance(value, list | tuple) else (value,)


def _raw(item: object) -> Json:
    """Return a file's fields, from a dict or from an object that has them as attributes."""
    if isinstance(item, Mapping):
        return mapping(cast("object", item))
    if not isinstance(getattr(item, "url", None), str):
        return {}
    return {name: getattr(item, name, None) for name in _FIELDS}


def _file(raw: Json) -> RunFile:
    url = text(raw.get("url")).strip()
    name = _clean_name(text(raw.get("filename")), url, text(raw.get("extension")))
    mime_type = text(raw.get("mime_type")) or _mime_type_of(name)
    kind = _kind(text(raw.get("type")), mime_type)
    size = _size(raw.get("size"))
    wire = {
        # Workflow tools want to know how to come by a file; a plugin's tool ignores it.
        "transfer_method": "remote_url",
        **raw,
        **_identity(name, kind, mime_type, size, url),
        "filename": text(raw.get("filename")) or name,
    }
    return RunFile(name=name, kind=kind, mime_type=mime_type, size=size, url=url, wire=wire)


def _made_file(message: Forwarded, meta: Json, url: str, content: str) -> RunFile:
    mime_type = text(meta.get("mime_type"))
    extension = mimetypes.guess_extension(mime_type) or ""
    if not mime_type and str(message.get("type")).startswith("image"):
        mime_type = "image/png"
    name = _clean_name(text(meta.get("filename") or meta.get("name")), url, extension)
    mime_type = mime_type or _mime_type_of(name)
    kind = _kind("", mime_type)
    size = _size(meta.get("size")) or (_decoded_length(content) if content else None)
    wire = _identity(name, kind, mime_type, size, url)
    tool_file_id = _tool_file_id(meta, url)
    if tool_file_id:
        wire |= {
            "transfer_method": "tool_file",
            "tool_file_id": tool_file_id,
            "related_id": tool_file_id,
        }
    else:
        wire |= {"transfer_method": "remote_url"}
    return RunFile(name=name, kind=kind, mime_type=mime_type, size=size, url=url, wire=wire)


def _tool_file_id(meta: Json, url: str) -> str:
    in_link = _TOOL_FILE.search(url)
    return text(meta.get("tool_file_id")) or (in_link.group(1) if in_link else "")


def _identity(name: str, kind: Kind, mime_type: str, size: int | None, url: str) -> dict[str, Any]:
    extension = name.rpartition(".")[2] if "." in name else ""
    return {
        "dify_model_identity": IDENTITY,
        "type": kind,
        "mime_type": mime_type,
        "filename": name,
        "extension": f".{extension}" if extension else None,
        "size": size,
        "url": url,
    }


def _clean_name(name: str, url: str, extension: str) -> str:
    """Make a name that fits on a line, from the given one or else from the URL's last part."""
    named = name or unquote(_path(url).rsplit("/", 1)[-1]) or f"file{extension}"
    named = _NO_NAME.sub(" ", named.replace("\\", "/").rsplit("/", 1)[-1]).strip() or "file"
    if len(named) <= _NAME_LENGTH:
        return named
    stem, dot, suffix = named.rpartition(".")
    kept = f"{dot}{suffix}" if stem and len(suffix) < _NAME_LENGTH // 4 else ""
    return named[: _NAME_LENGTH - len(kept)] + kept


def _path(url: str) -> str:
    """Return a URL's path; blank for what is no URL."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _untaken(name: str, taken: Iterable[str]) -> str:
    """Number a name that another file has, before its extension: report_2.pdf."""
    known = {_plain(other) for other in taken}
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, candidate = 1, name
    while _plain(candidate) in known:
        number += 1
        candidate = f"{stem}_{number}{dot}{extension}"
    return candidate


def _plain(name: str) -> str:
    return name.strip().strip(_QUOTES).strip().casefold()


def _one(item: object) -> list[str]:
    given = mapping(item)
    name = _named_in(given) if given else text(item).strip()
    return [name] if name else []


def _named_in(given: Json) -> str:
    """Return the name in an object that a model wrote where a name belongs."""
    return next((text(given[key]) for key in ("filename", "name", "file") if given.get(key)), "")


def _kind(declared: str, mime_type: str) -> Kind:
    """Take Dify's word for it, unless it says nothing more than that it does not know."""
    known = _KINDS.get(declared.strip().lower())
    if known and known != "custom":
        return known
    family = mime_type.partition("/")[0]
    if family in {"image", "audio", "video"}:
        return _KINDS[family]
    return known or "document"


def _mime_type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _size(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        size = int(value)
    except (ValueError, OverflowError):
        return None
    return size if size > 0 else None


def _decoded_length(content: str) -> int | None:
    try:
        return len(base64.b64decode(content))
    except (binascii.Error, ValueError):
        return None


def _decoded(said: str) -> object:
    """Read JSON text; text that is none stays as it is."""
    try:
        return cast("object", json.loads(said))
    except (ValueError, RecursionError):
        return said
