"""What the daemon refuses of a plugin that connects for debugging."""

import base64

import pytest

from workbench.base.ports import Json
from workbench.runtimes.registration import Registration, RegistrationError

KEY = "k"
HANDSHAKE: Json = {"type": "handshake", "data": {"key": KEY}}
MANIFEST: Json = {"type": "manifest_declaration", "data": {"name": "tiny", "icon": "icon.svg"}}
STRATEGIES: Json = {"type": "agent_strategy_declaration", "data": [{"strategies": []}]}
END: Json = {"type": "end", "data": {}}


def asset(name: str, content: bytes, *, end: bool = True) -> Json:
    """One piece of a file."""
    data = base64.b64encode(content).decode()
    return {"type": "asset_chunk", "data": {"filename": name, "data": data, "end": end}}


def registered(*frames: Json | None) -> Registration:
    """Take these frames."""
    registration = Registration(KEY)
    for frame in frames:
        registration.take(frame)
    return registration


def test_a_plugin_is_known_after_its_last_frame() -> None:
    """Files come in pieces."""
    pieces = (asset("icon.svg", b"<s", end=False), asset("icon.svg", b"vg/>"))
    done = registered(HANDSHAKE, MANIFEST, STRATEGIES, *pieces, END)

    assert done.complete
    assert done.assets == {"icon.svg": b"<svg/>"}
    assert done.finished == ["icon.svg"]


EMPTY: Json = {}
REFUSED: list[tuple[tuple[Json | None, ...], str]] = [
    ((None,), "invalid handshake message"),
    (({"type": "handshake", "data": {"key": "other"}},), "invalid key"),
    ((MANIFEST,), "no key was given"),
    ((HANDSHAKE, HANDSHAKE), "already completed"),
    ((HANDSHAKE, MANIFEST, MANIFEST), "already registered"),
    ((HANDSHAKE, {"type": "manifest_declaration", "data": EMPTY}), "invalid plugin declaration"),
    ((HANDSHAKE, MANIFEST, STRATEGIES, STRATEGIES), "already registered"),
    ((HANDSHAKE, MANIFEST, {**STRATEGIES, "data": EMPTY}), "is not a list"),
    ((HANDSHAKE, MANIFEST, {"type": "asset_chunk", "data": EMPTY}), "assets decode failed"),
    ((HANDSHAKE, MANIFEST, END), "no registration transferred"),
    ((HANDSHAKE, MANIFEST, STRATEGIES, END), "the icon icon.svg was not transferred"),
]


@pytest.mark.parametrize(("frames", "text"), REFUSED)
def test_what_is_refused(frames: tuple[Json | None, ...], text: str) -> None:
    """In the daemon's words."""
    with pytest.raises(RegistrationError, match=text):
        registered(*frames)
