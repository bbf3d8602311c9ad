"""What a plugin says of itself when it connects for remote debugging, checked as it comes."""

import base64
import binascii
from typing import Any

from workbench.base.ports import Json, is_object

_ASSET_BYTES = 50 * 1024 * 1024
_DECLARATIONS = frozenset(
    {
        "tool_declaration",
        "model_declaration",
        "endpoint_declaration",
        "agent_strategy_declaration",
        "datasource_declaration",
        "trigger_declaration",
    }
)


class RegistrationError(Exception):
    """The daemon would have closed the connection with this text."""


class Registration:
    """Handshake, manifest, declarations and assets of one connection."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._known = False
        self.manifest: Json = {}
        self.declarations: dict[str, list[Json]] = {}
        """By kind, such as `agent_strategy_declaration`."""
        self.assets: dict[str, bytes] = {}
        """Files by name."""
        self.finished: list[str] = []
        """Names of the files that arrived whole."""
        self.complete = False

    def take(self, frame: Json | None) -> None:
        """Take one line of the registration.

        Raises:
            RegistrationError: the daemon would not go on.
        """
        if frame is None:
            raise RegistrationError("handshake failed, invalid handshake message")
        kind, data = str(frame.get("type")), frame.get("data")
        if kind == "handshake":
            self._greet(data)
        elif not self._known:
            raise RegistrationError("handshake failed, no key was given")
        elif kind == "manifest_declaration":
            self._declare(data)
        elif kind in _DECLARATIONS:
            self._add(kind, data)
        elif kind == "asset_chunk":
            self._add_asset(data)
        elif kind == "end":
            self._finish()

    def _greet(self, data: Any) -> None:
        if self._known:
            raise RegistrationError("handshake already completed")
        if not is_object(data) or data.get("key") != self._key:
            raise RegistrationError("handshake failed, invalid key")
        self._known = True

    def _declare(self, data: Any) -> None:
        if self.manifest:
            raise RegistrationError("declaration already registered")
        if not is_object(data) or not data.get("name"):
            raise RegistrationError("handshake failed, invalid plugin declaration")
        self.manifest = data

    def _add(self, kind: str, data: Any) -> None:
        if kind in self.declarations:
            raise RegistrationError(f"{kind} already registered")
        if not isinstance(data, list):
            raise RegistrationError(f"{kind} is not a list")
        self.declarations[kind] = data

    def _add_asset(self, data: Any) -> None:
        try:
            name, piece = data["filename"], base64.b64decode(data["data"], validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise RegistrationError(f"assets decode failed, error: {error}") from error
        if sum(map(len, self.assets.values())) + len(piece) > _ASSET_BYTES:
            raise RegistrationError("assets too large, at most 50MB")
        self.assets[name] = self.assets.get(name, b"") + piece
        if data.get("end"):
            self.finished.append(name)

    def _finish(self) -> None:
        if not self.declarations:
            raise RegistrationError("no registration transferred, cannot initialize")
        icon = self.manifest.get("icon")
        if icon not in self.assets:
            raise RegistrationError(f"assets remap failed, the icon {icon} was not transferred")
        self.complete = True
