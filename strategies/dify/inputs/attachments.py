"""Files as content of a prompt: sent where the model can take them, else named in the text.

What a model can take is known from its features. The whole request must stay under 4 MB, and files
are most of it, so there is a limit for all of them together; what does not fit is named with the
reason, as is what cannot be read.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from strategies.agent.events import Noticed
from strategies.agent.ports import Message
from strategies.agent.prompt.media import described, is_medium
from strategies.dify.inputs.fetching import FetchError
from strategies.dify.inputs.files import RunFile, extension_of
from strategies.dify.loose_json import Json, mapping, sequence, text
from strategies.protocols.base import Language

type Part = Mapping[str, object]
type Fetch = Callable[[str], bytes]
"""Reads a URL; raises FetchError with a sentence."""

MOST_BASE64 = 3_200_000
"""Characters of base64 that the files of the question may have together."""
MOST_BASE64_OF_HISTORY = 800_000
"""Characters of base64 that the files of earlier turns may have together, as far as the files of
the question leave room."""
_MOST_BASE64_OF_ALL = 3_500_000

_AT_ONCE = 4
_FEATURES = {"image": "vision", "document": "document", "audio": "audio", "video": "video"}
"""What a model must be able to do for each kind of content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The files of a question."""

    parts: tuple[Part, ...] = ()
    """Content for the model, as Dify's wire has it."""
    text: str = ""
    """Names the files that are not in the parts, and why; blank when there is nothing to say."""
    problems: tuple[str, ...] = ()
    """One sentence per file that could not be read or was too large."""

    @property
    def notices(self) -> Sequence[Noticed]:
        """What the builder should know."""
        if not self.problems:
            return ()
        return (Noticed("✗ FILES not all could be read", {"problems": list(self.problems)}),)


@dataclass(frozen=True, slots=True)
class _Unsent:
    """A file that is only named."""

    reason: str = ""


def content_parts(
    files: Sequence[RunFile],
    features: AbstractSet[str],
    fetch: Fetch,
    *,
    language: Language = "en",
    name_all: bool = False,
    most_base64: int = MOST_BASE64,
) -> Attached:
    """Read the files that the model can take, several at a time, and name the others.

    `name_all` also names those that are sent: a tool that takes files is called with their names.
    """
    words = _WORDS[language]
    read = _within(_contents(files, features, fetch, most_base64, words), most_base64, words)
    unsent = {file.name: one.reason for file, one in read if isinstance(one, _Unsent)}
    lines = [
        f"- {_described(file, words)} {unsent.get(file.name, words.attached)}".strip()
        for file in files
        if name_all or file.name in unsent
    ]
    return Attached(
        parts=tuple(_part(file, content) for file, content in read if isinstance(content, bytes)),
        text="\n".join([words.heading, *lines]) if lines else "",
        problems=tuple(f"{name}: {reason}" for name, reason in unsent.items() if reason),
    )


def with_media_for(
    messages: Sequence[Message],
    features: AbstractSet[str],
    *,
    beside: Sequence[Part] = (),
) -> list[Message]:
    """Name in the text what a model cannot take, and the older files that would be too much.

    `beside` are the parts of the question, which come first.
    """
    taken = sum(len(text(part.get("base64_data"))) for part in beside)
    left = min(MOST_BASE64_OF_HISTORY, _MOST_BASE64_OF_ALL - taken)
    fitting: list[Message] = []
    for message in reversed(messages):
        content = message.get("content")
        if not isinstance(content, list | tuple):
            fitting.append(message)
            continue
        parts = [mapping(part) for part in sequence(cast("object", content))]
        kept: list[Part] = []
        for part in reversed(parts):
            size = len(text(part.get("base64_data")))
            allowed = _FEATURES.get(text(part.get("type"))) in features and size <= left
            left -= size if allowed else 0
            kept.append(part if allowed else _in_words(part))
        fitting.append({**message, "content": _joined(kept[::-1])})
    return fitting[::-1]


def _contents(
    files: Sequence[RunFile],
    features: AbstractSet[str],
    fetch: Fetch,
    most_base64: int,
    words: "_Words",
) -> list[tuple[RunFile, bytes | _Unsent]]:
    """Read the files that the model can take, and say of the others why they are not sent."""

    def content(file: RunFile) -> bytes | _Unsent:
        if _FEATURES.get(file.kind) not in features:
            return _Unsent()
        if _base64_length(file.size or 0) > most_base64:
            return _Unsent(words.too_large)
        try:
            return fetch(file.url) or _Unsent(words.empty)
        except FetchError as error:
            return _Unsent(str(error))

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as readers:
        return list(zip(files, readers.map(content, files), strict=True))


def _within(
    read: Sequence[tuple[RunFile, bytes | _Unsent]], most_base64: int, words: "_Words"
) -> list[tuple[RunFile, bytes | _Unsent]]:
    """Take contents as long as they fit; a smaller one may still fit after a larger one."""
    taken: list[tuple[RunFile, bytes | _Unsent]] = []
    left = most_base64
    for file, content in read:
        size = _base64_length(len(content)) if isinstance(content, bytes) else 0
        taken.append((file, content if size <= left else _Unsent(words.too_large)))
        left -= size if size <= left else 0
    return taken


def _part(file: RunFile, content: bytes) -> Part:
    part: Json = {
        "type": file.kind,
        "format": extension_of(file) or file.mime_type.rpartition("/")[2],
        "base64_data": base64.b64encode(content).decode(),
        "url": "",
        "mime_type": file.mime_type,
        "filename": file.name,
    }
    return {**part, "detail": "high"} if file.kind == "image" else part


def _base64_length(size: int) -> int:
    return (size + 2) // 3 * 4


def _in_words(part: Part) -> Part:
    return {"type": "text", "data": described(part)} if is_medium(part) else part


def _joined(parts: Sequence[Part]) -> object:
    """Make parts that are all text one text, which every provider takes."""
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(text(part.get("data")) for part in parts)
    return list(parts)


# -- words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    heading: str
    attached: str
    too_large: str
    empty: str
    separator: str
    brackets: str


_WORDS: Mapping[Language, _Words] = {
    "en": _Words(
        heading="Files of the user:",
        attached="Its content is attached.",
        too_large="It is too large to be sent to the model.",
        empty="It is empty.",
        separator=", ",
        brackets="{name} ({facts})",
    ),
    "zh": _Words(
        heading="用户的文件：",
        attached="内容已附上。",
        too_large="文件过大，无法发送给模型。",
        empty="文件是空的。",
        separator="，",
        brackets="{name}（{facts}）",
    ),
}


def _described(file: RunFile, words: _Words) -> str:
    facts = [file.kind, file.mime_type]
    if file.size is not None:
        facts.append(_in_units(file.size))
    return words.brackets.format(name=file.name, facts=words.separator.join(facts))


def _in_units(size: int) -> str:
    for unit, bytes_in_it in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= bytes_in_it:
            return f"{size / bytes_in_it:.1f} {unit}"
    return f"{size} bytes"
