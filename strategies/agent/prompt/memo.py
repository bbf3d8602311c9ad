"""What was made of a value is kept as long as the value is asked for.

A run's conversation only grows, and every round writes all of it anew: as messages, as JSON. Made
once for each part, that costs what is new.
"""

from collections.abc import Callable, Iterable


class Memo[V, M]:
    """Makes something of values, once for each object.

    A value is known by being the same object, not an equal one: whoever changes it makes another.
    """

    def __init__(self, make: Callable[[V], M]) -> None:
        self._make = make
        self._known: dict[int, tuple[V, M]] = {}
        """By the value's id, which is its own as long as the value is kept here."""

    def all(self, values: Iterable[V]) -> list[M]:
        """Return what is made of each value; what else is known is forgotten."""
        known = self._known
        entries = [known.get(id(value)) or (value, self._make(value)) for value in values]
        self._known = {id(entry[0]): entry for entry in entries}
        return [made for _, made in entries]
