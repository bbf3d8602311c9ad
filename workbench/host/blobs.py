"""Files that leave the plugin in pieces, put together as the daemon does it."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from workbench.base.ports import Json
from workbench.runtimes.limits import Limits


class BlobError(Exception):
    """The daemon gives up the run over this file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a run gave to its reader."""

    blob: bytes
    meta: Json = field(default_factory=dict[str, Any])


class Blobs:
    """The unfinished files of one run."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts: dict[str, bytearray] = {}

    def add(self, message: Json) -> File | None:
        """Take one blob_chunk message; return the file when it is complete."""
        piece = message["message"]
        blob = self._parts.setdefault(str(piece["id"]), bytearray())
        if piece["end"]:
            del self._parts[str(piece["id"])]
            return File(blob=bytes(blob), meta=message.get("meta") or {})
        if len(blob) > self._limits.file_bytes:
            raise BlobError("file is too large")
        blob += self._decoded(piece["blob"])
        return None

    def _decoded(self, text: str) -> bytes:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise BlobError(f"illegal base64 data: {error}") from error
        if len(data) > self._limits.blob_chunk_bytes:
            raise BlobError("single file chunk is too large")
        return data
