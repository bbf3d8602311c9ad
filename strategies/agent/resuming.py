"""A reply that was opened for the model, made whole before anybody reads it."""

from collections.abc import Iterator
from dataclasses import replace

from strategies.agent.ports import ModelDelta
from strategies.protocols.opening import LOOK_AHEAD, Opening


def made_whole(stream: Iterator[ModelDelta], opening: Opening) -> Iterator[ModelDelta]:
    """Put the opening in front of a reply that goes on from it, and nothing where it does not."""
    held: list[ModelDelta] = []
    for delta in stream:
        held.append(delta)
        beginning = "".join(one.text for one in held)
        if len(beginning.strip()) >= LOOK_AHEAD:
            yield from _released(held, opening)
            yield from stream
            return
    yield from _released(held, opening)


def _released(held: list[ModelDelta], opening: Opening) -> Iterator[ModelDelta]:
    front = opening.resumed("".join(delta.text for delta in held))
    if not held or not front:
        yield from held
        return
    yield replace(held[0], text=front + held[0].text)
    yield from held[1:]
