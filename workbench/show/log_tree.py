"""Dify's log tree as rows: what each step was, how long it took, what it cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.base.ports import Json

_FAILED = "✗ "
_SHORT = 0.0095
"""Seconds below which hundredths would round away too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of the tree."""

    depth: int
    label: str
    status: str
    facts: str
    """Time, tokens and price, as far as they are known and the label does not say them."""
    error: str | None
    """What went wrong, unless the label says it."""


def rows(logs: Sequence[Json]) -> list[Row]:
    """Put the entries into the order of the tree; entries without a parent in it come first."""
    known = {log.get("id") for log in logs}
    children: dict[Any, list[Json]] = {}
    for log in logs:
        parent = log.get("parent_id")
        children.setdefault(parent if parent in known else None, []).append(log)
    return list(_below(None, 0, children))


def facts(metadata: Json) -> str:
    """Say time, tokens and price in a few words."""
    known: list[str] = []
    if isinstance(metadata.get("elapsed_time"), int | float):
        known.append(_duration(metadata["elapsed_time"]))
    if metadata.get("total_tokens"):
        known.append(counted(metadata["total_tokens"], "token"))
    if metadata.get("total_price") and float(metadata["total_price"]):
        known.append(f"{metadata['total_price']} {metadata.get('currency') or ''}".strip())
    return ", ".join(known)


def counted(number: int, what: str) -> str:
    """Write a number of things: 1 run, 2 runs."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= _SHORT else f"{max(1, round(seconds * 1000))} ms"


def _said_once(label: str, error: str | None) -> tuple[str, str | None]:
    """Put the whole error into a label that has its beginning."""
    name, arrow, told = label.partition(" → ")
    if not error or not arrow or not error.startswith(told.removesuffix("…")):
        return label, error
    return f"{name} → {error}", None


def _below(parent: Any, depth: int, children: dict[Any, list[Json]]) -> Iterator[Row]:
    for log in children.pop(parent, []):
        # Whoever draws the row puts a mark of the status before it. A notice has one of its own.
        marked = str(log.get("label"))
        label, error = _said_once(marked.removeprefix(_FAILED), log.get("error"))
        metadata: Json = log.get("metadata") or {}
        said: Json = {"total_tokens": None} if label.endswith((" token", " tokens")) else {}
        yield Row(
            depth=depth,
            label=label,
            status="error" if marked.startswith(_FAILED) else str(log.get("status")),
            facts=facts(metadata | said),
            error=error,
        )
        yield from _below(log.get("id"), depth + 1, children)
