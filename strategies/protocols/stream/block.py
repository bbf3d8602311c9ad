"""What the reader of a reply and the readers of its blocks say to each other.

A block is everything between a marker that leaves the text and the place where the text goes on:
one call, a list of calls, a stretch of reasoning. Its reader takes what it needs from the cursor
and ends with a verdict; until then it returns None, which means "more text, please".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from strategies.protocols.base import ReplyEvent
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers

type Standing = Literal["free", "alone", "shown"]
"""How a call stands by what is before it: in running text; in an example with which the reply
begins, so that it counts if nothing follows; in an example."""

type Emit = Callable[[ReplyEvent], None]


@dataclass(frozen=True, slots=True)
class End:
    """The reply is over."""

    cut_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The block is over; the text goes on where the cursor stands."""

    junk: frozenset[str] = field(default_factory=frozenset[str])
    """Left-over markers that are not shown if they stand right after the block."""
    expected: frozenset[str] = field(default_factory=frozenset[str])
    """The same, but each only once."""
    stray: frozenset[str] = field(default_factory=frozenset[str])
    """Close tags that are not shown wherever they turn up, each once."""
    inside: bool = False
    """The block's own close tag has not been seen: another call may follow without an open tag."""
    called: bool = True
    """The model called something: results that it writes itself from here on are invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotABlock:
    """The block is none: it goes back to the text as it stands."""

    until: int
    """The position up to which the text is settled; from there on it is read anew."""
    problem: str = ""
    """What to tell the model; blank when the text only talks about markers."""
    unless_open: str = ""
    """Tell it only if this close tag turns up in the text later on."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Another reader knows this kind of block: it goes on where the cursor stands."""

    to: "Block"


type Verdict = Closed | NotABlock | HandedOver


class Block(Protocol):
    """Reads one block from the cursor."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read on; None means that more text is needed. After the ending there is no more."""
        ...


@dataclass(slots=True, kw_only=True)
class MarkerFound:
    """Where and after what a marker was found.

    Nobody changes one; it is not frozen because one is made for every marker, and that would take
    twice as long.
    """

    marker: str
    position: int
    line_start: bool
    after: Closed | None
    """The block that ended just before, with nothing but white space between."""
    standing: Standing
    """What the text before the marker says about a call that begins there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """What the reader of replies has to know of a protocol."""

    in_text: Markers
    """Markers that count anywhere in the text."""
    after_block: Markers
    """Markers that count where the reply starts and right after a block."""
    open: Callable[[MarkerFound], Block | None]
    """Make the reader of the block that a marker opens; None when it opens nothing here."""
    certain: bool = False
    """Its blocks look at what stands around a call themselves, and emit none that is only shown."""


class Rest:
    """Drops what the model invents: results of calls that have not run, and all that follows."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read everything."""
        del emit
        cursor.at = len(cursor.text)
        cursor.hold()
        return Closed() if ending else None
