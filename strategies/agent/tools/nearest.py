"""The tool that was probably meant, for the answer to a call of an unknown one.

It is only ever named to the model, never called in its stead.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_NAMESPACE = re.compile(r"^.*(?:::|[./:])")
_NOT_LETTERS = re.compile(r"[\W_]+")
_CLOSE = 0.75
_LONGEST = 200  # matching costs the square of the length, and no tool's name is that long


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like the given one, or None if nothing is like it."""
    wanted = _bare(name[:_LONGEST])
    known = list(names)
    if not wanted:
        return None
    for other in known:
        if _bare(other) == wanted or _bare(_NAMESPACE.sub("", other)) == wanted:
            return other
    without_namespace = _bare(_NAMESPACE.sub("", name[:_LONGEST]))
    for other in known:
        if without_namespace and without_namespace == _bare(other):
            return other
    best = max(known, key=lambda other: _likeness(wanted, other), default=None)
    return best if best is not None and _likeness(wanted, best) >= _CLOSE else None


def _likeness(wanted: str, name: str) -> float:
    return SequenceMatcher(None, wanted, _bare(name[:_LONGEST]), autojunk=False).ratio()


def _bare(name: str) -> str:
    return _NOT_LETTERS.sub("", name).casefold()
