"""The tool that was probably meant, for the answer to a call of an unknown one.

It is only ever named to the model, never called in its stead.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_NAMESPACE = re.compile(r"^.*(?:::|[./:])")
_NOT_LETTERS = re.compile(r"[\W_]+")
_CLOSE = 0.75
_LONGEST = 200  # matching costs the square of the length, and no tool's name is that long


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like the given one, or None if nothing is like it."""
    known = {other: _bare(other[:_LONGEST]) for other in names}
    wanted = {_bare(name[:_LONGEST]), _bare(_NAMESPACE.sub("", name[:_LONGEST]))} - {""}
    for other, bare in known.items():
        if not wanted.isdisjoint((bare, _bare(_NAMESPACE.sub("", other)))):
            return other
    close = get_close_matches(_bare(name[:_LONGEST]), known.values(), n=1, cutoff=_CLOSE)
    return next((other for other, bare in known.items() if close == [bare]), None)


def _bare(name: str) -> str:
    return _NOT_LETTERS.sub("", name).casefold()
