"""Reads Dify's log messages as Dify does, for the tests of the narrator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from strategies.agent.interface.events import Event
from strategies.dify.outputs.log_tree import LogTree
from strategies.dify.outputs.narrator import Narrator


class Ticking:
    """A clock that is one second later at every look."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        self.now += 1.0
        return self.now


@dataclass(slots=True)
class Told:
    """What the reader and the editor see of a run."""

    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def text(self) -> str:
        """The answer."""
        return "".join(self.texts)

    @property
    def texts(self) -> list[str]:
        """The answer in its pieces."""
        return [one["message"]["text"] for one in self.messages if one["type"] == "text"]

    @property
    def logs(self) -> list[dict[str, Any]]:
        """All states of all logs."""
        return [one["message"] for one in self.messages if one["type"] == "log"]

    @property
    def tree(self) -> list[dict[str, Any]]:
        """Every log in its last state, in the order in which they started."""
        last: dict[str, dict[str, Any]] = {}
        for log in self.logs:
            last[log["id"]] = log
        return list(last.values())

    @property
    def labels(self) -> list[str]:
        """The folded tree, which is all that a reader sees of it."""
        return [log["label"] for log in self.tree]


def told(events: Iterable[Event], titles: Mapping[str, str] | None = None) -> Told:
    """Tell events by a ticking clock."""
    narrator = Narrator(LogTree(Ticking()), titles=titles)
    return Told([message for event in events for message in narrator.messages(event)])


def assert_whole(seen: Told) -> None:
    """Every log starts once, is finished once, and lies within a log that is open."""
    opened: dict[str, dict[str, Any]] = {}
    finished: set[str] = set()
    for log in seen.logs:
        assert log["id"] not in finished
        if log["status"] == "start":
            assert log["id"] not in opened
            assert log["parent_id"] is None or log["parent_id"] in opened
            opened[log["id"]] = log
            continue
        start = opened.pop(log["id"])
        finished.add(log["id"])
        assert log["parent_id"] == start["parent_id"]
        assert log["label"].startswith("✗ ") == (log["status"] == "error")
        assert len(log["label"]) <= len(start["label"]) + 65
        assert bool(log["error"]) == (log["status"] == "error")
        assert log["metadata"]["started_at"] == start["metadata"]["started_at"]
        assert log["metadata"]["elapsed_time"] >= 0
        assert set(start["metadata"]) == {"started_at"}
    assert opened == {}
