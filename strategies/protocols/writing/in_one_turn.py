"""Question and results as one turn of the user, where the model's own turns would mislead it.

For the last request, a run in circles, and earlier turns where no tools are declared.

A model imitates what it reads under its own name, so no turn of it is shown that it did not write,
and this form shows none at all.
"""

from collections.abc import Sequence

from strategies.protocols.base import Exchange, Result, Turn
from strategies.protocols.writing.escaping import escaped_markers


def in_one_turn(
    question: str, exchanges: Sequence[Exchange], last_sentence: str = ""
) -> list[Turn]:
    """Write the question, what every call returned and the last sentence, each a paragraph."""
    results = [_under_its_call(result) for exchange in exchanges for result in exchange.results]
    paragraphs = [question, *results, last_sentence]
    return [Turn("user", "\n\n".join(filter(None, paragraphs)))]


def _under_its_call(result: Result) -> str:
    """Write a result under its call; what the engine remarked belongs to none.

    Its call is escaped as well: it stands in the turn of the user here.
    """
    call = f"{result.name} {result.arguments}".rstrip() + ":\n" if result.name else ""
    return escaped_markers(f"{call}{result.text}")
