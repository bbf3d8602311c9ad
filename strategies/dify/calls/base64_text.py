"""Base64 inside a tool's text: no model can read it, and it fills every prompt that follows.

Data URLs are found by their mark. Base64 without one is found by looking at one place in 256
characters, so that long prose costs next to nothing; to count, it must be long and look random:
hexadecimal dumps, sequences of DNA and lists of words stay.
"""

import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from strategies.agent.yielding import give_way
from strategies.dify.loose_json import sequence

LEFT_OUT = re.compile(r"\[base64 data, \d+ bytes, left out\]")
"""What stands in the place of base64."""

_MARK = ";base64,"
_HEAD = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+%\"-]*)*")
_HEAD_LENGTH = 200
_CONTENT = re.compile(r"[A-Za-z0-9+/_-]*+={0,2}")
_IN_MARKUP = re.compile(r"(?:=|url\()\s*\\?[\"']?$")
_NO_FILES = ("font/", "application/font", "application/x-font")

_MOST_URLS = 2_000
"""Looked at in one text: more of them are no files, and each costs some microseconds."""

_WINDOW = 256
_SHORTEST = 2 * _WINDOW
"""Characters: a run as long as that covers a whole window."""
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_IN_RUNS = _LETTERS + b"=\r\n\\"
_MOST_IN_WINDOW = (("\n", 5), ("\\", 10), ("=", 4))
"""Lines of base64 have 60 characters and more."""
_LINES = re.compile(
    r"(?:[A-Za-z0-9+/_-]{60,}+(?:\r?\n|(?:\\r)?\\n)?)++"
    r"(?:[A-Za-z0-9+/_-]*+={1,2}|[A-Za-z0-9+/_-]++(?=[\"'\n\\]|\Z))?"
)
_RANDOM = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
_LOOKED_AT = 4_096
_DEEPEST = 100
_MOST_LOOKED_AT = 1_000_000
_VALUES_AT_A_TIME = 5_000
_AT_A_TIME = 2_000_000
"""Characters of a text."""


@dataclass(frozen=True, slots=True)
class Inline:
    """A file that stood inside a text."""

    mime_type: str
    encoded: str
    """Base64 in its standard alphabet, padded."""

    def name(self, number: int) -> str:
        """Make a file name from the type: image.png, image_2.png."""
        stem = self.mime_type.partition("/")[0]
        if stem not in {"image", "audio", "video"}:
            stem = "file"
        numbered = stem if number == 1 else f"{stem}_{number}"
        return f"{numbered}{mimetypes.guess_extension(self.mime_type) or ''}"


def without_base64(said: str) -> tuple[str, tuple[Inline, ...]]:
    """Take base64 out of a text; return what is left, and the files that it was."""
    files: list[Inline] = []
    if _MARK in said:
        said = "".join(_without_data_urls(said, files))
    if len(said) >= _SHORTEST:
        said = "".join(_without_runs(said))
    return said, tuple(files)


def value_without_base64(value: object) -> tuple[object, tuple[Inline, ...]]:
    """Take base64 out of the texts in a JSON value; what holds none stays the same object.

    It looks at the first million characters or so, which is more than a model is told.
    """
    taking = _Taking()
    left = taking.value(value, 0)
    return left, tuple(taking.files)


class _Taking:
    """One walk through a JSON value."""

    def __init__(self) -> None:
        self.files: list[Inline] = []
        self._seen = 0
        self._left = _MOST_LOOKED_AT

    def value(self, value: object, depth: int) -> object:
        """Return the value without base64."""
        self._left -= 2
        self._seen += 1
        if self._seen % _VALUES_AT_A_TIME == 0:
            give_way()
        if isinstance(value, str):
            said, files = without_base64(value)
            self._left -= len(said)
            self.files += files
            return said if said != value else value
        if depth > _DEEPEST:
            return value
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            changes = self._changes(members.items(), depth)
            return {**members, **changes} if changes else members
        if isinstance(value, list | tuple):
            items = sequence(cast("object", value))
            changes = self._changes(enumerate(items), depth)
            return [changes.get(at, item) for at, item in enumerate(items)] if changes else items
        return value

    def _changes(
        self, members: Iterable[tuple[object, object]], depth: int
    ) -> dict[object, object]:
        changes: dict[object, object] = {}
        for key, item in members:
            if self._left <= 0:
                break
            self._left -= len(key) if isinstance(key, str) else 0
            replaced = self.value(item, depth + 1)
            if replaced is not item:
                changes[key] = replaced
        return changes


def _without_data_urls(said: str, files: list[Inline]) -> Iterator[str]:
    written = 0
    mark = said.find(_MARK)
    for _ in range(_MOST_URLS):
        if mark < 0:
            break
        head = said.rfind("data:", max(written, mark - _HEAD_LENGTH), mark)
        declared = _HEAD.fullmatch(said, head, mark) if head >= 0 else None
        content = _CONTENT.match(said, mark + len(_MARK))
        if declared and content and _is_worth_it(declared[1] or "", content[0]):
            yield said[written:head]
            yield _left_out(content[0])
            written = content.end()
            file = _file(declared[1] or "", content[0])
            if file and not _IN_MARKUP.search(said, max(0, head - 10), head):
                files.append(file)
        mark = said.find(_MARK, max(written, mark + 1))
    yield said[written:]


def _is_worth_it(mime_type: str, content: str) -> bool:
    return len(content) >= _SHORTEST or (mime_type.startswith("image/") and bool(content))


def _file(mime_type: str, content: str) -> Inline | None:
    """Make a file of a data URL's content, unless it is none that a reader would want."""
    encoded = content.rstrip("=").replace("-", "+").replace("_", "/")
    if len(encoded) % 4 == 1 or mime_type.startswith(_NO_FILES):
        return None
    padded = encoded + "=" * (-len(encoded) % 4)
    return Inline(mime_type or "application/octet-stream", padded)


def _without_runs(said: str) -> Iterator[str]:
    written = at = 0
    turn = _AT_A_TIME
    while at + _WINDOW <= len(said):
        if at >= turn:
            give_way()
            turn = at + _AT_A_TIME
        # This one line is all that prose costs.
        if said.find(" ", at, at + _WINDOW) >= 0:
            at += _WINDOW
            continue
        run = _run_around(said, at, written) if _may_be_inside(said[at : at + _WINDOW]) else None
        if run is None:
            at += _WINDOW
            continue
        if len(run[0]) >= _SHORTEST and _looks_random(run[0]):
            yield said[written : run.start()]
            yield _left_out(run[0])
            written = run.end()
        # A run that stays is not looked at twice either.
        at = max(run.end(), at + 1)
    yield said[written:]


def _may_be_inside(window: str) -> bool:
    """Tell from a window's letters whether it can be part of a run; most text fails at once."""
    if not window.isascii() or any(window.count(sign) > most for sign, most in _MOST_IN_WINDOW):
        return False
    return not window.encode().translate(None, _IN_RUNS)


def _run_around(said: str, at: int, written: int) -> re.Match[str] | None:
    before = said[max(written, at - _SHORTEST) : at]
    start = at - (len(before) - len(before.rstrip(_IN_RUNS.decode())))
    first = _LINES.search(said, start, at + _WINDOW)
    return _LINES.match(said, first.start()) if first else None


def _looks_random(run: str) -> bool:
    """Tell base64 from digits or letters with a word before them: all kinds must be frequent."""
    looked_at = run[:_LOOKED_AT]
    return all(len(kind.findall(looked_at)) * 100 >= len(looked_at) for kind in _RANDOM)


def _left_out(content: str) -> str:
    letters = len(content)
    if "\n" in content or "\\" in content:
        letters -= content.count("\n") + content.count("\r") + 2 * content.count("\\")
    padding = content[-2:].count("=")
    return f"[base64 data, {(letters - padding) * 3 // 4} bytes, left out]"
