"""How a run is written for the last time, when the model can only answer.

No tool is described any more. A model imitates what it reads under its own name, so no turn of it
is shown that it did not write, and the shared form shows none at all.
"""

from collections.abc import Sequence

from strategies.protocols.base import Exchange, Result, Turn
from strategies.protocols.writing.escaping import escaped_markers


def in_one_turn(question: str, exchanges: Sequence[Exchange], request: str = "") -> list[Turn]:
    """Write the question, what every call returned and the request as one turn of the user."""
    told = [_told(result) for exchange in exchanges for result in exchange.results]
    return [Turn("user", "\n\n".join([question, *told, *([request] if request else [])]))]


def _told(result: Result) -> str:
    """Write a result under its call; what the engine remarked belongs to none.

    Its call is escaped as well: it stands in the turn of the user here.
    """
    call = f"{result.name} {result.arguments}".rstrip() + ":\n" if result.name else ""
    return escaped_markers(f"{call}{result.text}")
