"""What is no value at all, whoever reads it."""

from typing import Self

DEPTH_LIMIT = 200
"""Deeper values are refused: nobody nests that far, and those who read them later recurse."""


class MalformedError(Exception):
    """The text cannot be read as a value; `at` is where that became plain."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at

    @classmethod
    def too_deep(cls, at: int) -> Self:
        """Say that brackets nest deeper than `DEPTH_LIMIT`."""
        return cls(f"it is nested more than {DEPTH_LIMIT} levels deep", at)
