"""The files of a run: what the user handed over, and what tools made on the way.

A file is known by its name, which is unique in the run: the model reads names and writes names, and
the toolbox puts the real file in their place.
"""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from strategies.agent.interface.ports import Forwarded
from strategies.dify.inputs.files.run_file import (
    RunFile,
    made_file,
    plain_name,
    tool_file_id_of,
    untaken,
    written_file,
)
from strategies.dify.wire_values import Json, decoded, mapping, sequence, text_of

type Upload = Callable[[str, bytes, str], str]
"""Takes a name, a content and a MIME type to Dify and returns a URL from which tools can read it.

May raise any exception with its text."""

_MADE = frozenset({"image", "image_link", "binary_link", "blob"})


class RunFiles:
    """The files of one run; tools that run at the same time may add to it."""

    def __init__(
        self,
        files: Iterable[RunFile] = (),
        *,
        upload: Upload | None = None,
        expired: Iterable[str] = (),
    ) -> None:
        self._files = list(files)
        self.expired = frozenset(expired)
        """Names of files of the turn before, whose addresses are good no longer."""
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
        content = text_of(mapping(message.get("message")).get("blob"))
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
        content, url = text_of(body.get("blob")), text_of(body.get("text")).strip()
        if not url and (not content or not self._upload):
            return None
        key = tool_file_id_of(meta, url) or url or content
        with self._lock:
            if key not in self._made:
                file = made_file(message, meta, url, content)
                taken = [known.name for known in (*self._files, *self._made.values())]
                self._made[key] = replace(file, name=untaken(file.name, taken))
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

    def named_in(self, value: object) -> list[Json]:
        """Write the files whose names stand anywhere in a value, for another run."""
        said = plain_name(json.dumps(value, ensure_ascii=False, default=str))
        # As JSON too: a name may hold a quotation mark.
        written = {one: json.dumps(one, ensure_ascii=False)[1:-1] for one in self.names}
        named = [one for one in self.names if plain_name(written[one]) in said]
        self.wires(named)  # what is here alone is uploaded
        return [written_file(one) for one in self.files if one.name in named]

    def _names_in(self, value: object) -> list[str]:
        if isinstance(value, Mapping):
            return [_named_in(mapping(cast("object", value)))]
        if isinstance(value, list | tuple):
            return [name for item in sequence(cast("object", value)) for name in _one(item)]
        said = text_of(value).strip()
        # A name may hold a comma or begin with a bracket, so the whole is tried first.
        if not said or self._find(said):
            return [said] if said else []
        read = decoded(said)
        if isinstance(read, list | dict):
            return self._names_in(cast("object", read))
        return [name for part in re.split(r"[,，;；\n]", said) if (name := part.strip())]

    def _find(self, name: str) -> RunFile | None:
        files = self.files
        wanted = plain_name(name)
        for file in files:
            if file.name == name:
                return file
        return next((file for file in files if plain_name(file.name) == wanted), None)

    def _wire_of(self, file: RunFile) -> dict[str, Any] | None:
        if file.name in self.expired:
            return None
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


def _one(item: object) -> list[str]:
    given = mapping(item)
    name = _named_in(given) if given else text_of(item).strip()
    return [name] if name else []


def _named_in(given: Json) -> str:
    """Return the name in an object that a model wrote where a name belongs."""
    return next((text_of(given[key]) for key in ("filename", "name", "file") if given.get(key)), "")
