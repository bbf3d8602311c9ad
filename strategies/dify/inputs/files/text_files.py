"""The user's text files, given to the model as text, because every model takes that.

Whether a model takes a text file as a document cannot be known: its feature `document` means PDF
with most providers, and several refuse the whole request for any other type. So a text file always
goes as text: named, marked, and unable to close its own marks or to forge a call.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from strategies.agent.prompt.shortening import cut
from strategies.dify.inputs.files.run_file import RunFile, extension_of
from strategies.dify.inputs.shares import shares
from strategies.protocols.writing.escaping import escaped_markers

_TYPES = re.compile(
    r"text/.+|.+\+(?:json|xml|yaml)|application/(?:x-)?(?:json|jsonl|ndjson|jsonlines|json5|xml|"
    r"yaml|toml|csv|sql|javascript|ecmascript|typescript|sh|shellscript|python|python-code|ruby|"
    r"perl|php|httpd-php|tex|latex|graphql|subrip|markdown|ipynb)"
)
_NAMED = (
    "adoc asm astro awk bash bat bib c cc cfg clj cmake cmd conf cpp cs css csv cxx dart diff "
    "dockerfile elm env erl ex exs f90 fs geojson go gql gradle graphql groovy h hcl hpp hs htm "
    "html hxx ics ini ipynb java jl js json json5 jsonl jsx kt kts less lisp log lua m makefile "
    "markdown md mdx mjs ml nim ndjson patch php pl po properties proto ps1 py r rb rmd rs rst "
    "sass scala scss sh sol sql srt svelte swift tex text tf toml ts tsv tsx txt v vb vue vtt "
    "xml xsd xsl yaml yml zig zsh"
)
_EXTENSIONS = frozenset(_NAMED.split())
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNKNOWN = "\ufffd"
_MOST_UNKNOWN = 0.05
"""Share of characters that are not UTF-8, above which a file is in another encoding."""
_TAG = re.compile(r"<(?=\s*/?\s*file\b)", re.IGNORECASE)


class NotTextError(Exception):
    """A content is not text in an encoding that is known."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a text file says."""

    text: str
    whole: bool
    """Whether every character could be read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A text file as the model reads it."""

    text: str
    whole: bool
    """Whether nothing of it was cut."""


def is_text(file: RunFile) -> bool:
    """Tell a text file by its type or by the end of its name."""
    # Source code in TypeScript has the MIME type of films of television.
    if file.kind not in {"document", "custom"} and extension_of(file) != "ts":
        return False
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    return bool(_TYPES.fullmatch(mime_type)) or extension_of(file) in _EXTENSIONS


def decoded(content: bytes) -> Decoded:
    """Read a content by its byte-order mark, else as UTF-8.

    Raises:
        NotTextError: it is something else.
    """
    mark, encoding = next((one for one in _BOMS if content.startswith(one[0])), (b"", "utf-8"))
    said = content[len(mark) :].decode(encoding, "replace")
    unknown = said.count(_UNKNOWN)
    if "\0" in said or unknown > max(len(said) * _MOST_UNKNOWN, 1):
        raise NotTextError
    return Decoded(said, whole=not unknown)


def blocks(texts: Sequence[tuple[RunFile, str]], room: int) -> list[Block]:
    """Write files for the model, in about as many characters; long ones are cut in the middle."""
    limits = shares([len(said) for _, said in texts], room)
    return [
        Block(
            f'<file name="{_escaped(file.name)}">\n{_escaped(cut(said, limit))}\n</file>',
            whole=len(said) <= limit,
        )
        for (file, said), limit in zip(texts, limits, strict=True)
    ]


def _escaped(said: str) -> str:
    """Keep a file from closing its own marks, and from writing what a protocol reads as a call."""
    return _TAG.sub("<\u200b", escaped_markers(said))
