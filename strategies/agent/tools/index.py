"""A search over tools by words, ranked as BM25 does; no model and no download.

A tool is known by the words of its name, its provider, its description and its parameters. Words
are parted at `_` and inside camelCase and cut to a stem; scripts without blanks between words are
read by characters and pairs of them. Written by hand because the libraries for BM25 (rank-bm25,
bm25s) need NumPy and leave to their caller what most of this file is: telling words apart.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from typing import cast

from strategies.agent.streaming.yielding import give_way
from strategies.protocols.base import ToolSpec

# The usual constants: how soon a word that repeats counts no more, and how much length counts.
_SATURATION, _LENGTH = 1.2, 0.6
_NAME_WEIGHT = 3
"""How many times a word of the name counts: it says what the tool does in two or three words."""
_LONGEST_TEXT = 4_000
_MOST_WORDS = 200
_TOOLS_AT_A_TIME = 32

_UNPARTED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_PIECES = re.compile(rf"[{_UNPARTED}]+|[^\W_{_UNPARTED}]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENDINGS = (
    *("izations", "ization", "ations", "ation", "ements", "ement", "ments", "ment", "ings"),
    *("ing", "ions", "ion", "ers", "er", "ies", "ied", "ed", "es", "s", "ly", "e", "y"),
)
_SHORTEST_STEM = 3
_LONG_ENDING = 4
"""Characters of an ending that must leave one more: `creation` is of `create`, not of `cre`."""
_COMMON = frozenset(
    (
        *("a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do"),
        *("does", "for", "from", "get", "have", "how", "i", "if", "in", "into", "is", "it"),
        *("its", "me", "my", "of", "on", "or", "our", "please", "some", "so", "tell", "than"),
        *("that", "the", "them", "then", "there", "this", "to", "use", "used", "using"),
        *("want", "was", "we", "what", "when", "where", "which", "who", "will", "with"),
        *("would", "you", "your"),
    )
)
_COMMON_IN_CHINESE = frozenset("的了是在我你他和与及或把被吗呢吧请个有这那么一为对从到给用以")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    counts: Mapping[str, int]
    length: int


class ToolIndex:
    """The tools of one run, searched by words."""

    def __init__(self, tools: Iterable[ToolSpec], providers: Mapping[str, str]) -> None:
        """Take the tools, and by their names who provides them."""
        self._entries: list[_Entry] = []
        for count, tool in enumerate(tools, start=1):
            counts = _counts(_text_of(tool, providers.get(tool.name, "")))
            self._entries.append(_Entry(tool.name, counts, sum(counts.values())))
            if count % _TOOLS_AT_A_TIME == 0:
                give_way()
        total = sum(entry.length for entry in self._entries)
        self._mean = total / max(len(self._entries), 1) or 1.0
        self._holders: dict[str, list[_Entry]] = {}
        for entry in self._entries:
            for word in entry.counts:
                self._holders.setdefault(word, []).append(entry)

    def best(self, query: str, most: int) -> list[str]:
        """Return the names of the tools that fit a query, the best first; none where none does."""
        scores: dict[str, float] = {}
        for word in list(dict.fromkeys(_words(query)))[:_MOST_WORDS]:
            holders = self._holders.get(word, ())
            rarity = math.log(1 + (len(self._entries) - len(holders) + 0.5) / (len(holders) + 0.5))
            for entry in holders:
                share = rarity * self._share(entry, word)
                scores[entry.name] = scores.get(entry.name, 0.0) + share
        return nlargest(most, scores, key=lambda name: scores[name])

    def _share(self, entry: _Entry, word: str) -> float:
        count = entry.counts[word]
        norm = 1 - _LENGTH + _LENGTH * entry.length / self._mean
        return count * (_SATURATION + 1) / (count + _SATURATION * norm)


def _text_of(tool: ToolSpec, provider: str) -> str:
    told = [tool.description, provider.rsplit("/", 1)[-1]]
    for name, described in tool.properties.items():
        told.append(name)
        if isinstance(described, Mapping):
            said = cast("Mapping[str, object]", described).get("description")
            told.append(said if isinstance(said, str) else "")
    return " ".join([*[tool.name] * _NAME_WEIGHT, *told])[:_LONGEST_TEXT]


@lru_cache(maxsize=2_048)
def _counts(text: str) -> Mapping[str, int]:
    """Count a tool's words; the tools of an app are the same in every run."""
    return Counter(_words(text))


def _words(text: str) -> Iterator[str]:
    for piece in _PIECES.findall(text[:_LONGEST_TEXT]):
        if "\u3040" <= piece[0] <= "\ud7a3":
            yield from _characters(piece)
        else:
            for word in _HUMPS.split(piece):
                folded = word.casefold()
                if folded not in _COMMON:
                    yield _stem(folded)


def _characters(piece: str) -> Iterator[str]:
    yield from (one for one in piece if one not in _COMMON_IN_CHINESE)
    yield from (first + second for first, second in pairwise(piece))


@lru_cache(maxsize=8_192)
def _stem(word: str) -> str:
    """Cut a usual ending of English: close enough to find `listing` by `lists`."""
    for ending in _ENDINGS:
        least = _SHORTEST_STEM + (len(ending) >= _LONG_ENDING)
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return _undoubled(word[: -len(ending)])
    return word


def _undoubled(stem: str) -> str:
    """Write `runn` as `run`."""
    doubled = stem[-1] == stem[-2] and len(stem) > _SHORTEST_STEM and stem[-1] not in "aeiouls"
    return stem[:-1] if doubled else stem
