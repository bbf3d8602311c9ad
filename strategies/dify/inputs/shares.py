"""Sharing room among texts that compete for it."""

from collections.abc import Sequence

LEAST = 200
"""Characters of a text below which it says too little to be shown."""


def shares(lengths: Sequence[int], total: int) -> list[int]:
    """Give each what it needs; what the short ones leave goes to the long ones.

    Each may have `LEAST` characters, so that many texts can have more than the total.
    """
    limits = [0] * len(lengths)
    left, waiting = total, len(lengths)
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        limits[place] = min(lengths[place], max(left // waiting, LEAST))
        left -= limits[place]
        waiting -= 1
    return limits
