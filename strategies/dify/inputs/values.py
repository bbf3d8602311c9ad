"""Single values of a node's parameters: each is read as what it must be, or refused.

A value is read leniently where it can only mean one thing: numbers as text, blanks and nulls for
what is optional, keys that are absent. A value of the wrong kind is refused in one sentence that
names the parameter, the value and what is valid. A number out of range is taken to the nearest
bound, and a notice says so: nothing is replaced in silence.
"""

from collections.abc import Mapping, Sequence

from strategies.agent.interface.events import Noticed
from strategies.dify.outputs.compact_json import compact
from strategies.dify.outputs.log_data import one_line
from strategies.dify.wire_values import Json, number_of, text_of

_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"", "false", "no", "off", "0"})


class ParameterError(Exception):
    """A parameter cannot be used; the text is one sentence for the builder of the app."""


class Values:
    """The parameters of one run, and what their builder should know of how they were read."""

    def __init__(self, given: Json) -> None:
        self._given = given
        self.notices: list[Noticed] = []

    def notice(self, label: str, **detail: object) -> None:
        """Say something that the builder of the app should know."""
        self.notices.append(Noticed(label, detail))

    def whole(self, name: str, *, default: int, highest: int) -> int:
        """Read a whole number from 1 up and take it to the nearest bound.

        Raises:
            ParameterError: it is not a whole number.
        """
        valid = f"a whole number from 1 to {highest}"
        number = self._number(name, default, valid)
        if number != int(number):
            raise refused(name, self._given[name], valid)
        return int(self._bounded(name, number, 1, highest))

    def amount(
        self, name: str, unit: str, *, default: float, lowest: float, highest: float
    ) -> float:
        """Read a number of some unit, such as seconds, and take it to the nearest bound.

        Raises:
            ParameterError: it is not a number.
        """
        valid = f"a number of {unit} from {lowest:g} to {highest:g}"
        return self._bounded(name, self._number(name, default, valid), lowest, highest)

    def yes(self, name: str, *, default: bool = False) -> bool:
        """Read true or false; nothing means the default.

        Raises:
            ParameterError: it is neither.
        """
        said = text_of(self._given.get(name)).strip().lower() or str(default).lower()
        if said not in _TRUE | _FALSE:
            raise refused(name, self._given[name], "true or false")
        return said in _TRUE

    def choice(self, name: str, valid: Sequence[str]) -> str:
        """Read one of some words, in small letters or capitals; nothing means the first.

        Raises:
            ParameterError: it is none of them.
        """
        said = text_of(self._given.get(name)).strip().lower() or valid[0]
        if said not in valid:
            raise refused(name, self._given[name], f"one of {', '.join(valid)}")
        return said

    def words(self, name: str, valid: str) -> str:
        """Read a text without the blanks around it; `valid` says what it may be.

        Raises:
            ParameterError: it is not a text.
        """
        value = self._given.get(name)
        if value is not None and not isinstance(value, str):
            raise refused(name, value, valid)
        return text_of(value).strip()

    def _number(self, name: str, default: float, valid: str) -> float:
        value = self._given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return default
        number = number_of(value)
        if number is None:
            raise refused(name, value, valid)
        return number

    def _bounded(self, name: str, number: float, lowest: float, highest: float) -> float:
        bounded = min(max(number, lowest), highest)
        if bounded != number:
            valid = f"{lowest:g} to {highest:g}"
            label = f"PARAMETER {name} {number:g} → {bounded:g}"
            self.notice(label, given=number, used=bounded, valid=valid)
        return bounded


def refused(name: str, value: object, valid: str) -> ParameterError:
    """Say that a value cannot be used, in one sentence."""
    return ParameterError(f"The parameter `{name}` must be {valid}, but it is {_shown(value)}.")


def _shown(value: object) -> str:
    match value:
        case str():
            return f'"{one_line(value, 40)}"'
        case bool():
            return str(value).lower()
        case int() | float():
            return one_line(compact(value), 40)
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case _:
            return f"of type {type(value).__name__}"
