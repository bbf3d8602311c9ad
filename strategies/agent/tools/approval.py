"""Tools that run only after the reader has agreed.

A call of such a tool is held: the run ends with a question, and the reader's next message decides.
What was asked stands in the storage alone; `turns/consent.py` writes the question and reads its
answer. `Approvals` is a port of the engine, as those of `ports.py` are.
"""

from collections.abc import Sequence
from typing import Protocol

from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.conversation import RoundRecord


class Approvals(Protocol):
    """Who must be asked for what, and where the question waits for its answer."""

    def asks(self, name: str) -> bool:
        """Whether a call of this tool needs the reader's approval."""
        ...

    @property
    def can_ask(self) -> bool:
        """Whether there is a reader who can answer: a conversation with a next turn."""
        ...

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Keep calls until the next turn and return the question to the reader.

        Blank where that is not possible: then the calls are off.

        Args:
            calls: what would run.
            rounds: those in which tools were called so far, this one included.
            known: what else was found out, in words for a model.
        """
        ...
