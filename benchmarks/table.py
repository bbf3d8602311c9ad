"""The rows of the table, and how they are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BLANK = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure beside its floor and its rival, all from the same run."""

    what: str
    unit: str
    ours: float
    floor: float | None = None
    rival: float | None = None
    goal: str = ""
    """In words; blank where there is none."""
    most: float | None = None
    """What `ours` may be at the most."""
    least: float | None = None
    """What `ours` must be at least."""

    @property
    def verdict(self) -> str:
        """Whether the goal is kept."""
        if self.most is None and self.least is None:
            return ""
        kept = (self.most is None or self.ours <= self.most) and (
            self.least is None or self.ours >= self.least
        )
        return "kept" if kept else "MISSED"

    def cells(self) -> tuple[str, ...]:
        """Write the row."""
        values = [_number(value) for value in (self.ours, self.floor, self.rival)]
        return (self.what, self.unit, *values, self.goal, self.verdict)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together."""

    title: str
    rows: Sequence[Row]


HEADINGS = ("figure", "unit", "Rondo", "floor", "rival", "goal", "")


def as_text(sections: Iterable[Section]) -> str:
    """Write one table for the terminal."""
    sections = list(sections)
    lines = [HEADINGS, *(row.cells() for section in sections for row in section.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    written = [_line(HEADINGS, widths)]
    for section in sections:
        written += ["", section.title, "─" * (sum(widths) + 2 * len(widths) - 2)]
        written += [_line(row.cells(), widths) for row in section.rows]
    return "\n".join(written)


def as_markdown(sections: Iterable[Section]) -> str:
    """Write a table for each section."""
    written: list[str] = []
    for section in sections:
        written += ["", f"## {section.title}", "", _joined(HEADINGS)]
        written.append("|---|---|---:|---:|---:|---|---|")
        written += [_joined(row.cells()) for row in section.rows]
    return "\n".join(written)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column in {2, 3, 4} else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _joined(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return _BLANK
    if value >= 100 or value == int(value):  # noqa: PLR2004 (three digits say enough)
        return f"{value:,.0f}"
    return f"{value:.2f}"
