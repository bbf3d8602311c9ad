"""A file of a run, read from what Dify sends of it.

What Dify sends may be odd; an item that is no file is named and left aside.
"""

import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args
from urllib.parse import unquote, urlsplit

from strategies.agent.interface.ports import Forwarded
from strategies.dify.outputs.media import decoded_size
from strategies.dify.wire_values import Json, decoded, mapping, number_of, sequence, text_of

type Kind = Literal["image", "document", "audio", "video", "custom"]

IDENTITY = "__dify__file__"
"""By this the plugins' SDK knows that a value is a file."""

_FIELDS = ("url", "mime_type", "filename", "extension", "size", "type")
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind.__value__)}
# Line ends, and what could begin a marker of a protocol.
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\u2028\u2029<>✿]+")
_NAME_LENGTH = 100
_QUOTES = "\"'`“”‘’「」《》<>[]"
_TOOL_FILE = re.compile(r"/files/tools/([0-9A-Za-z-]+)")


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
        if not text_of(raw.get("url")).strip():
            what = "has no url" if raw else f"is no file but {type(item).__name__}"
            odd.append(f"file {position} {what}")
            continue
        files.append(_file(raw))
    return renamed(files, ()), odd


def written_file(file: RunFile) -> Json:
    """Write a file as JSON, for another run."""
    return {"name": file.name, "wire": dict(file.wire)}


def read_written(written: object) -> list[RunFile]:
    """Read files that were written; each keeps the name by which it was known."""
    given = [mapping(one) for one in sequence(written)]
    return [
        replace(file, name=text_of(one.get("name")) or file.name)
        for one in given
        for file in read_files([mapping(one.get("wire"))])[0]
    ]


def renamed(files: Iterable[RunFile], taken: Sequence[RunFile]) -> list[RunFile]:
    """Give files other names where theirs are those of files that were there before."""
    known = [one.name for one in taken]
    fresh: list[RunFile] = []
    for file in files:
        fresh.append(replace(file, name=untaken(file.name, known)))
        known.append(fresh[-1].name)
    return fresh


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
        read = decoded(value)
        return (value,) if isinstance(read, str) else _items(read)
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
    url = text_of(raw.get("url")).strip()
    name = _clean_name(text_of(raw.get("filename")), url, text_of(raw.get("extension")))
    mime_type = text_of(raw.get("mime_type")) or _mime_type_of(name)
    kind = _kind(text_of(raw.get("type")), mime_type)
    size = _size(raw.get("size"))
    wire = {
        # Workflow tools want to know how to come by a file; a plugin's tool ignores it.
        "transfer_method": "remote_url",
        **raw,
        **_identity(name, kind, mime_type, size, url),
        "filename": text_of(raw.get("filename")) or name,
    }
    return RunFile(name=name, kind=kind, mime_type=mime_type, size=size, url=url, wire=wire)


def made_file(message: Forwarded, meta: Json, url: str, content: str) -> RunFile:
    """Describe a file that a tool made, which has an address or base64 content."""
    mime_type = text_of(meta.get("mime_type"))
    extension = mimetypes.guess_extension(mime_type) or ""
    if not mime_type and str(message.get("type")).startswith("image"):
        mime_type = "image/png"
    name = _clean_name(text_of(meta.get("filename") or meta.get("name")), url, extension)
    mime_type = mime_type or _mime_type_of(name)
    kind = _kind("", mime_type)
    size = _size(meta.get("size")) or decoded_size(content) or None
    wire = _identity(name, kind, mime_type, size, url)
    tool_file_id = tool_file_id_of(meta, url)
    if tool_file_id:
        wire |= {
            "transfer_method": "tool_file",
            "tool_file_id": tool_file_id,
            "related_id": tool_file_id,
        }
    else:
        wire |= {"transfer_method": "remote_url"}
    return RunFile(name=name, kind=kind, mime_type=mime_type, size=size, url=url, wire=wire)


def tool_file_id_of(meta: Json, url: str) -> str:
    """Return the id under which Dify keeps a tool's file; blank if it does not."""
    in_link = _TOOL_FILE.search(url)
    return text_of(meta.get("tool_file_id")) or (in_link.group(1) if in_link else "")


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


def untaken(name: str, taken: Iterable[str]) -> str:
    """Number a name that another file has, before its extension: report_2.pdf."""
    known = {plain_name(other) for other in taken}
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, candidate = 1, name
    while plain_name(candidate) in known:
        number += 1
        candidate = f"{stem}_{number}{dot}{extension}"
    return candidate


def plain_name(name: str) -> str:
    """Return what two spellings of a name have in common."""
    return name.replace("\u200b", "").strip().strip(_QUOTES).strip().casefold()


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
    size = number_of(value)
    return int(size) if size is not None and size >= 1 else None
