"""Dify's log tree as rows: what each step was, how long it took, what it cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.base.ports import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of the tree."""

    depth: int
    label: str
    status: str
    facts: str
    """Time, tokens and price, as far as they are known."""
    error: str | None


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
        known.append(f"{metadata['elapsed_time']:.2f} s")
    if metadata.get("total_tokens"):
        known.append(counted(metadata["total_tokens"], "token"))
    if metadata.get("total_price") and float(metadata["total_price"]):
        known.append(f"{metadata['total_price']} {metadata.get('currency') or ''}".strip())
    return ", ".join(known)


def counted(number: int, what: str) -> str:
    """Write a number of things: 1 run, 2 runs."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _below(parent: Any, depth: int, children: dict[Any, list[Json]]) -> Iterator[Row]:
    for log in children.pop(parent, []):
        yield Row(
            depth=depth,
            # Whoever draws the row puts a mark of the status before it.
            label=str(log.get("label")).removeprefix("✗ "),
            status=str(log.get("status")),
            facts=facts(log.get("metadata") or {}),
            error=log.get("error"),
        )
        yield from _below(log.get("id"), depth + 1, children)
