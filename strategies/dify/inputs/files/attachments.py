"""The files of a question in its message: as content, as text, or named in words."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from strategies.agent.interface.events import Noticed
from strategies.agent.prompt.media import Part
from strategies.dify.inputs.files.contents import (
    MOST_BASE64,
    Address,
    Audience,
    Content,
    Reader,
    Unsent,
    read_contents,
)
from strategies.dify.inputs.files.run_file import RunFile, extension_of
from strategies.dify.inputs.files.text_files import Decoded, blocks
from strategies.dify.inputs.files.wording import FILE_WORDING, FileWording
from strategies.dify.wire_values import Json
from strategies.protocols.writing.escaping import escaped_markers


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The files of a question."""

    parts: tuple[Part, ...] = ()
    """Content for the model, as Dify's wire has it."""
    text: str = ""
    """Names the files that are not in the parts, and why, and holds the text files; blank when
    there is nothing to say."""
    problems: tuple[str, ...] = ()
    """One sentence per file that the model was not given, or not whole."""
    seconds: float = 0.0
    """How long reading took."""

    @property
    def notices(self) -> Sequence[Noticed]:
        """What the builder should know."""
        if not self.problems:
            return ()
        return (Noticed("✗ FILES not all could be read", {"problems": list(self.problems)}),)


def content_parts(
    files: Sequence[RunFile], audience: Audience, reader: Reader, *, most_base64: int = MOST_BASE64
) -> Attached:
    """Read the files that the model can take and name the others."""
    words, before = FILE_WORDING[audience.language], reader.seconds_left
    read = read_contents(files, audience, reader, most_base64) if files else []
    texts = [(file, content) for file, content in read if isinstance(content, Decoded)]
    written = blocks([(file, content.text) for file, content in texts], audience.text_room)
    problems = {file.name: one.reason for file, one in read if isinstance(one, Unsent)} | {
        file.name: _faults(words, cut=not block.whole, garbled=not content.whole)
        for (file, content), block in zip(texts, written, strict=True)
    }
    lines = [
        f"- {_described(file, words)} {_place(content, words)}{problems.get(file.name, '')}".strip()
        for file, content in read
        if audience.has_file_tools or isinstance(content, Decoded | Unsent)
    ]
    heading = [words.heading] if lines else []
    return Attached(
        parts=tuple(
            _part(file, content) for file, content in read if isinstance(content, bytes | Address)
        ),
        text="\n".join([*heading, *lines, *(block.text for block in written)]),
        problems=tuple(f"{name}: {problem}" for name, problem in problems.items() if problem),
        seconds=before - reader.seconds_left,
    )


def _part(file: RunFile, content: bytes | Address) -> Part:
    by_address = isinstance(content, Address)
    part: Json = {
        "type": file.kind,
        "format": extension_of(file) or file.mime_type.rpartition("/")[2],
        "base64_data": "" if by_address else base64.b64encode(content).decode(),
        "url": content.url if by_address else "",
        "mime_type": file.mime_type,
        "filename": file.name,
    }
    return {**part, "detail": "high"} if file.kind == "image" else part


def _place(content: Content, words: FileWording) -> str:
    """Say where a content is."""
    match content:
        case Unsent():
            return ""
        case Decoded():
            return f"{words.follows} "
        case _:
            return words.attached


def _faults(words: FileWording, *, cut: bool, garbled: bool) -> str:
    """Say what of a text is missing."""
    return " ".join([words.cut] * cut + [words.garbled] * garbled)


def _described(file: RunFile, words: FileWording) -> str:
    facts = [file.kind, file.mime_type]
    if file.size is not None:
        facts.append(_in_units(file.size))
    return words.brackets.format(
        name=escaped_markers(file.name), facts=escaped_markers(words.separator.join(facts))
    )


def _in_units(size: int) -> str:
    for unit, bytes_in_it in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= bytes_in_it:
            return f"{size / bytes_in_it:.1f} {unit}"
    return f"{size} bytes"
