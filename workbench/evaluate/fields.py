"""A mapping of a task file, read key by key; every mistake names its place."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from workbench.base.ports import Json, WorkbenchError, is_object


class TaskFileError(WorkbenchError):
    """A task file that cannot be played: file, task and key, and what belongs there."""


class Fields:
    """Takes what a mapping holds; `finish` refuses what nobody took."""

    def __init__(self, value: Any, place: str) -> None:
        if not is_object(value):
            raise TaskFileError(f"{place}: {shown(value)} stands where a mapping belongs.")
        self.place = place
        self._left = dict(value)
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """Name the place of a key."""
        return f"{self.place}, {key}"

    def has(self, key: str) -> bool:
        """Whether a key is there and not yet taken."""
        return key in self._left

    def take(self, key: str, default: Any = None) -> Any:
        """Take any value."""
        self._known.append(key)
        return self._left.pop(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text; without a default it must be there and not be blank."""
        value = self.take(key, default)
        if not isinstance(value, str) or not (value.strip() or default is not None):
            raise TaskFileError(f"{self.at(key)}: {_instead(value)} a text belongs here.")
        return value

    def flag(self, key: str) -> bool:
        """Take true or false; false when it is not there."""
        value = self.take(key, default=False)
        if not isinstance(value, bool):
            raise TaskFileError(f"{self.at(key)}: {_instead(value)} true or false belongs here.")
        return value

    def seconds(self, key: str) -> float:
        """Take a number from 0 up; 0 when it is not there."""
        value = self.take(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise TaskFileError(f"{self.at(key)}: {_instead(value)} seconds belong here.")
        return float(value)

    def mapping(self, key: str) -> Json:
        """Take a mapping; an empty one when it is not there."""
        value = self.take(key, {})
        if not is_object(value):
            raise TaskFileError(f"{self.at(key)}: {_instead(value)} a mapping belongs here.")
        return value

    def items(self, key: str) -> Sequence[Any]:
        """Take a list; a single value counts as a list of one, nothing as an empty one."""
        return as_list(self.take(key))

    def finish(self) -> None:
        """Refuse keys that were not taken.

        Raises:
            TaskFileError: Names the key, and the nearest that is known.
        """
        for key in self._left:
            near = difflib.get_close_matches(str(key), self._known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(sorted(self._known))
            raise TaskFileError(f"{self.place}: unknown key {key!r}.{hint} Known keys: {known}.")


def as_list(value: Any) -> Sequence[Any]:
    """Return a list as it is, nothing as an empty one, any other value as a list of one."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def texts(values: Sequence[Any], place: str) -> tuple[str, ...]:
    """Read a list of texts."""
    for value in values:
        if not isinstance(value, str):
            raise TaskFileError(f"{place}: {_instead(value)} a text belongs here.")
    return tuple(str(value) for value in values)


def shown(value: Any) -> str:
    """Name a value in few characters."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"{value!r:.60}" if value is not None else "nothing"


def _instead(value: Any) -> str:
    return f"instead of {shown(value)}" if value is not None else "it is missing;"
