"""Pictures, sounds and files that a tool wrote into its text as data URLs.

No model can read them, and they fill every prompt that follows: each gives way to its name, type
and size. Only a data URL says of itself that it is a medium; other base64, such as a token, a
signature or a file's content, is a value like any other and stays.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from strategies.agent.streaming.yielding import give_way
from strategies.dify.outputs.media import decoded_size
from strategies.dify.wire_values import sequence

_MEDIUM = re.compile(
    r"data:(?P<type>(?:image|audio|video|font|application/(?!json|xml|javascript|ld\+json))"
    r"[\w.+/-]*)(?:;[\w.+-]+=[\w.+%\"-]{0,80}){0,4};base64,(?P<content>[A-Za-z0-9+/_-]+={0,2})"
)
_IN_MARKUP = re.compile(r"(?:=|url\()\s*\\?[\"']?$")
_NOT_FOR_READERS = ("font/", "application/font", "application/x-font")
_MOST_URLS = 2_000
"""Looked at in one text: each costs some microseconds."""
_DEEPEST = 100
_VALUES_AT_A_TIME = 5_000
_MOST_LOOKED_AT = 1_000_000
"""Characters of a value, more than a model is told."""


@dataclass(frozen=True, slots=True)
class InlineMedium:
    """A medium that stood inside a text."""

    mime_type: str
    encoded: str
    """Base64 in its standard alphabet, padded."""


type Take = Callable[[InlineMedium], str]
"""Takes a medium that is a file for the reader; returns its name, blank where it was not wanted."""


def is_medium(said: str) -> bool:
    """Tell whether a text is one data URL and nothing else."""
    return ";base64," in said and bool(_MEDIUM.fullmatch(said.strip()))


def without_media(said: str, take: Take) -> str:
    """Put a medium's name, type and size in the place of each data URL of a text."""
    if ";base64," not in said:
        return said

    def described(found: re.Match[str]) -> str:
        facts = f"{found['type']}, {decoded_size(found['content'])} bytes"
        medium = _medium(found["type"], found["content"])
        if medium is None or _IN_MARKUP.search(said, max(0, found.start() - 10), found.start()):
            # What a web page draws itself with, and what is broken, is no file.
            return f"[{facts}]"
        name = take(medium)
        return f"[{name}: {facts}]" if name else f"[{facts}]"

    return _MEDIUM.sub(described, said, count=_MOST_URLS)


def value_without_media(value: object, take: Take) -> object:
    """Do the same in the texts of a JSON value."""
    return _Walk(take).value(value, 0)


class _Walk:
    """One walk through a JSON value, which others may interrupt."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._seen = 0
        self._left = _MOST_LOOKED_AT

    def value(self, value: object, depth: int) -> object:
        self._seen += 1
        self._left -= 2
        if self._seen % _VALUES_AT_A_TIME == 0:
            give_way()
        if isinstance(value, str):
            self._left -= len(value)
            return without_media(value, self._take)
        if depth > _DEEPEST or self._left < 0:
            return value
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            return {**members, **dict(self._changes(members.items(), depth))}
        if isinstance(value, list | tuple):
            items = sequence(cast("object", value))
            looked_at = [one for _, one in self._changes(enumerate(items), depth)]
            return [*looked_at, *items[len(looked_at) :]]
        return value

    def _changes[K](
        self, members: Iterable[tuple[K, object]], depth: int
    ) -> Iterator[tuple[K, object]]:
        for key, item in members:
            if self._left < 0:
                return
            yield key, self.value(item, depth + 1)


def _medium(mime_type: str, content: str) -> InlineMedium | None:
    encoded = content.rstrip("=").replace("-", "+").replace("_", "/")
    if len(encoded) % 4 == 1 or mime_type.startswith(_NOT_FOR_READERS):
        return None
    return InlineMedium(mime_type, encoded + "=" * (-len(encoded) % 4))


def name_by_type(mime_type: str, number: int) -> str:
    """Make a file name from a type: image.png, image_2.png."""
    family = mime_type.partition("/")[0]
    stem = family if family in {"image", "audio", "video"} else "file"
    numbered = stem if number == 1 else f"{stem}_{number}"
    return f"{numbered}{mimetypes.guess_extension(mime_type) or ''}"
