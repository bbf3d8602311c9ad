"""Files as Dify hands them to a plugin: a dict each, with a signed URL to read it at."""

import hmac
import mimetypes
import re
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from workbench.base.loopback import Handler, LoopbackServer
from workbench.base.ports import Json, WorkbenchError

_IDENTITY = "__dify__file__"
_UNKNOWN = "application/octet-stream"
# What Dify counts as documents by the end of the name, whatever the MIME type.
_DOCUMENTS = re.compile(
    r"\.(txt|markdown|mdx?|pdf|html?|xlsx?|docx?|csv|eml|msg|pptx?|xml|epub)", re.IGNORECASE
)
_PATH_PARTS = 3


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes
    mime_type: str


class FileServer(LoopbackServer):
    """Serves the files of the command line. A context manager: it stops itself."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        super().__init__(self._server)

    def add(self, path: Path) -> Json:
        """Take a file and return the dict by which a plugin knows it."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise WorkbenchError(f"Cannot read {path}: {error.strerror}.") from error
        mime_type = mimetypes.guess_type(path.name)[0] or _UNKNOWN
        name = str(uuid.uuid4())
        self._server.kept[name] = _Kept(content, mime_type)
        return {
            "dify_model_identity": _IDENTITY,
            "mime_type": mime_type,
            "filename": path.name,
            "extension": path.suffix,
            "size": len(content),
            "type": _kind(path, mime_type),
            "url": self._signed(name),
        }

    def add_all(self, paths: Sequence[Path]) -> list[Json]:
        """Take several files."""
        return [self.add(path) for path in paths]

    def forget(self) -> None:
        """Let all addresses so far be good no longer."""
        self._server.kept.clear()

    def _signed(self, name: str) -> str:
        moment, nonce = str(int(time.time())), secrets.token_hex(16)
        sign = self._server.sign(name, moment, nonce)
        return (
            f"{self.origin}/files/{name}/file-preview?timestamp={moment}&nonce={nonce}&sign={sign}"
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.kept: dict[str, _Kept] = {}
        self._key = secrets.token_bytes(32)

    def sign(self, name: str, moment: str, nonce: str) -> str:
        """Sign an address."""
        return hmac.digest(self._key, f"{name}|{moment}|{nonce}".encode(), "sha256").hex()


class _Handler(Handler, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Give a file to whoever has its signed address."""
        kept = self._asked_for()
        if kept is None:
            self.send_error(HTTPStatus.FORBIDDEN, "The signature does not fit")
            return
        self.send_whole(HTTPStatus.OK, {"Content-Type": kept.mime_type}, kept.content)

    def _asked_for(self) -> _Kept | None:
        server = self.server
        address = urlsplit(self.path)
        parts = address.path.strip("/").split("/")
        if not isinstance(server, _Server) or len(parts) != _PATH_PARTS:
            return None
        given = {name: values[0] for name, values in parse_qs(address.query).items()}
        sign = server.sign(parts[1], given.get("timestamp", ""), given.get("nonce", ""))
        if not hmac.compare_digest(sign, given.get("sign", "")):
            return None
        return server.kept.get(parts[1])


def _kind(path: Path, mime_type: str) -> str:
    if _DOCUMENTS.fullmatch(path.suffix):
        return "document"
    family = mime_type.partition("/")[0]
    return family if family in ("image", "audio", "video") else "custom"
