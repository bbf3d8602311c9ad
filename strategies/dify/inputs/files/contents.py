"""Reading the question's files, each in the form in which a model can take it, or not at all.

The whole request must stay under 4 MB, and files are most of it, so there is a limit for all of
them together; a smaller one may still fit after a larger one.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from strategies.dify.inputs.files.fetching import FetchError
from strategies.dify.inputs.files.run_file import RunFile, extension_of
from strategies.dify.inputs.files.text_files import Decoded, NotTextError, decoded, is_text
from strategies.dify.inputs.files.wording import FILE_WORDING
from strategies.protocols.base import Language

MOST_BASE64 = 3_200_000
"""Characters of base64 that the files of the question may have together."""
FEATURES = {"image": "vision", "document": "document", "audio": "audio", "video": "video"}
"""What a model must be able to do for each kind of content."""

_AT_ONCE = 4
_GRACE = 0.5
"""Seconds in which a reader that is out of time can say so itself."""
_EXTRACTABLE = frozenset(("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "epub", "eml", "msg"))
"""What Dify's Document Extractor reads beside text files."""


class Reader(Protocol):
    """Reads files by their addresses; see `FileReader`."""

    @property
    def seconds_left(self) -> float:
        """How long files may still be read."""
        ...

    def read(self, url: str, /) -> bytes:
        """Return a content; raises FetchError with a sentence."""
        ...

    def is_a_strangers(self, url: str, /) -> bool:
        """Tell whether an address is public and not Dify's; raises FetchError if it is neither."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The model that files are read for."""

    features: AbstractSet[str]
    text_room: int
    """Characters that the user's text files may have together."""
    language: Language = "en"
    takes_addresses: bool = False
    """Its provider reads a picture's address itself, from outside of Dify's network."""
    has_file_tools: bool = False
    """Some tool takes files by their names, so all of them are named."""


@dataclass(frozen=True, slots=True)
class Address:
    """A picture that the provider reads itself."""

    url: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A file that is only named."""

    reason: str = ""


type Content = bytes | Address | Decoded | Unsent


def read_contents(
    files: Sequence[RunFile], audience: Audience, reader: Reader, most_base64: int
) -> list[tuple[RunFile, Content]]:
    """Read the files that the model can take, several at a time, and say why of the others."""
    choice = _Choice(audience, reader, most_base64)
    readers = ThreadPoolExecutor(max_workers=_AT_ONCE)
    asked = [readers.submit(choice.content, file) for file in files]
    wait(asked, timeout=reader.seconds_left + _GRACE)
    # A name server may take its time; nobody waits for what is too late.
    readers.shutdown(wait=False, cancel_futures=True)
    return list(zip(files, choice.within(asked), strict=True))


def base64_length(size: int) -> int:
    """Return how many characters so many bytes are in base64."""
    return (size + 2) // 3 * 4


class _Choice:
    """How each file is given to one model."""

    def __init__(self, audience: Audience, reader: Reader, most_base64: int) -> None:
        self._audience = audience
        self._reader = reader
        self._most_base64 = most_base64
        self._words = FILE_WORDING[audience.language]

    def content(self, file: RunFile) -> Content:
        """Read one file, or say why not."""
        if not is_text(file) and FEATURES.get(file.kind) not in self._audience.features:
            return self._for_others(file)
        if base64_length(file.size or 0) > self._most_base64:
            return Unsent(self._words.too_large)
        try:
            if self._goes_as_address(file):
                return Address(file.url)
            found = self._reader.read(file.url)
        except FetchError as error:
            return Unsent(str(error))
        return self._read(file, found) if found else Unsent(self._words.empty)

    def within(self, asked: Sequence[Future[Content]]) -> Iterator[Content]:
        """Take contents as long as they fit together."""
        left = self._most_base64
        for one in asked:
            content = one.result() if one.done() else Unsent(self._words.too_late)
            size = base64_length(len(content)) if isinstance(content, bytes) else 0
            yield content if size <= left else Unsent(self._words.too_large)
            left -= size if size <= left else 0

    def _for_others(self, file: RunFile) -> Unsent:
        """Name a file that tools may take, or say who can read it."""
        is_extractable = extension_of(file) in _EXTRACTABLE and not self._audience.has_file_tools
        return Unsent(self._words.extractor if is_extractable else "")

    def _goes_as_address(self, file: RunFile) -> bool:
        can = file.kind == "image" and self._audience.takes_addresses
        return can and self._reader.is_a_strangers(file.url)

    def _read(self, file: RunFile, found: bytes) -> Content:
        if not is_text(file):
            return found
        try:
            return decoded(found)
        except NotTextError:
            return Unsent(self._words.not_text)
