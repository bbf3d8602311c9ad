"""What the readers of actions find: actions, none, or only words."""

from collections.abc import Sequence
from dataclasses import dataclass

from strategies.protocols.base import BrokenCall
from strategies.protocols.react.actions import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """The model acts, or answers in the form of an action."""

    actions: Sequence[Action | BrokenCall]
    cut: bool = False
    """The input ends where the reply was cut off."""
    line_is_over: bool = False
    """Nothing can follow on the line of the action."""
    said: str = ""
    """Words behind the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A label without an action; the reply goes on behind it."""

    problem: str = ""
    """What to tell the model."""
    shown: str = ""
    """What of it the reader sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyWords:
    """What looked like an action is part of a sentence, or somebody else's."""

    problem: str = ""
    """What to tell the model if it neither acts nor answers."""


type Verdict = Acts | Nothing | OnlyWords
