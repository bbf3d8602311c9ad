"""What a tag in markup means, by the chain of tags that it stands in.

Nothing is escaped in this form, so a value may hold the very tags that delimit it. What a tag means
is decided by what follows it, with nothing but white space between; such a chain of tags is at most
three long, and it is written here as a word of one letter per tag:

    P `<parameter=…>`   p `</parameter>`   F `<function=…>`   f `</function>`
    T `<tool_call>`     t `</tool_call>`   . other text       $ the end of the reply

`pP` ends a value and opens the next one, `pf` ends the call, `f.` inside a value is data. A whole
call inside a value is data up to its own `</function>`. Models forget close tags too: `P` alone
ends a value if it names a parameter that is still to come and stands on a line of its own, or
anywhere if the value is `compact`: if it began on the line of its tag, as in `<parameter=a>1`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from strategies.protocols.stream.cursor import Cursor

LONGEST_KEY = 200
_TAG = re.compile(
    r"<(?:(?P<t>/tool_call>)|(?P<T>tool_call>)|(?P<f>/function>)|(?P<p>/parameter>)"
    rf"|(?P<F>function(?:=|\ name=)[^<>\n]{{1,{LONGEST_KEY}}}>)"
    rf"|(?P<P>parameter(?:=|\ name=)[^<>\n]{{1,{LONGEST_KEY}}}>))"
)
_LITERALS = ("</tool_call>", "<tool_call>", "</function>", "</parameter>")
_OPENINGS = ("<function=", "<function name=", "<parameter=", "<parameter name=")
_CUT_TAG = re.compile(
    "(?:"
    + "|".join(
        re.escape(tag[:length])
        for tag in sorted((*_LITERALS, *_OPENINGS), key=len, reverse=True)
        for length in range(len(tag) - 1, 0, -1)
    )
    + "|(?:"
    + "|".join(map(re.escape, _OPENINGS))
    + rf")[^<>\n]{{0,{LONGEST_KEY}}})\Z"
)
_TAIL = LONGEST_KEY + len("<parameter name=")
"""The longest cut tag."""
_ENDS_WITHOUT_CLOSE = re.compile(r"ft[PfFtT.$]|t[T$]|f[TF$]")
"""Chains that end the call although its last value has no close tag."""

type Step = Literal["wait", "next", "end", "refuse", "data"]
"""What the first tag of a chain does: it waits for what follows, opens the next value, ends the
call, shows that there is none, or is data."""

find_tag = _TAG.search


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the chain, and where it stands, counted from the start of the reply."""

    kind: str
    """Its letter."""
    start: int
    end: int
    text: str
    own_line: bool
    """A line starts with it."""

    @classmethod
    def of(cls, cursor: Cursor, found: re.Match[str]) -> "Tag":
        """Take what `find_tag` has found."""
        return cls(
            kind=found.lastgroup or "",
            start=cursor.position_of(found.start()),
            end=cursor.position_of(found.end()),
            text=found[0],
            own_line=cursor.text[found.start() - 1] == "\n",
        )

    @property
    def key(self) -> str:
        """The name inside the tag."""
        return clean(self.text[self.text.index("=") + 1 : -1])


def clean(name: str) -> str:
    """Take off the quotes in which some models put a name: `<parameter="city">`."""
    return name.strip().strip("\"'").strip()


def settled(text: str, at: int) -> int:
    """Return up to where the text can no longer be the beginning of a tag."""
    cut = _CUT_TAG.search(text, max(at, len(text) - _TAIL))
    return cut.start() if cut else len(text)


@dataclass(slots=True)
class OpenValue:
    """The parameter whose value is being read."""

    key: str
    start: int
    compact: bool = False
    """It starts on the line of its tag, so the next tag may stand anywhere too."""
    functions: int = 0
    """Calls inside the value, which are data, that are still open."""
    parameters: int = 0
    """Open tags of parameters inside the value, which are data, whose close tag is to come."""

    def step(self, word: str, chain: Sequence[Tag], is_due: Callable[[str], bool]) -> Step:
        """Say what the first tag of a chain does to this value.

        `is_due` tells whether a key is one that the tool has and the call has not.
        """
        if word == "F":
            return "wait"
        if word[0] == "F" or self.functions:
            self._count_functions(word)
            return "data"
        if word[0] == "P":
            return self._at_open_tag(chain[0], is_due)
        if word[0] == "p":
            return self._at_close_tag(word, chain, is_due)
        if word in {"f", "ft", "t"}:
            return "wait"
        return "end" if _ENDS_WITHOUT_CLOSE.match(word) else "data"

    def _at_open_tag(self, tag: Tag, is_due: Callable[[str], bool]) -> Step:
        """Judge the tag of a parameter that comes before the close tag of this value."""
        if (tag.own_line or self.compact) and is_due(tag.key):
            return "next"
        self.parameters += 1
        return "data"

    def _at_close_tag(self, word: str, chain: Sequence[Tag], is_due: Callable[[str], bool]) -> Step:
        if word == "p":
            return "wait"
        if word[1] in "ft$":
            return "end"
        if word[1] == "P" and (not self.parameters or is_due(chain[1].key)):
            return "next"
        self.parameters = max(0, self.parameters - 1)
        return "data"

    def _count_functions(self, word: str) -> None:
        """Keep account of whole calls inside the value; a mere mention opens none."""
        if word[0] == "F":
            self.functions += word[1] in "Pf"
        else:
            self.functions -= word[0] == "f"
