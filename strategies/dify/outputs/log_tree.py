"""The tree of logs that Dify draws: which are open, and how a row tells what happened.

A folded row shows some 25 characters, in capitals, and no mark of success or failure; an opened
one shows eight lines of JSON, its keys in alphabetical order (docs/dify.md, "Logs"). So the mark
of a failure comes first, a long name gives way to what happened, and blank fields are left out.
`provider` stands only on a finish, because each log with it costs Dify 30 ms.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from strategies.agent.interface.usage import Usage
from strategies.agent.prompt.shortening import shortened
from strategies.dify.outputs.log_data import capped, one_line
from strategies.dify.outputs.messages import log_message
from strategies.dify.outputs.pacing import DifyMessage

_ROW = 25
"""Characters of a label that a folded row shows."""
_SHORTEST_NAME = 12
_HAPPENED_LENGTH = 60
_NAME_LENGTH = 120
_NAME_SEEN = 1_000
"""Characters of a name that are looked at, and remembered."""
_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a log is called: a name and the words around it."""

    name: str = ""
    before: str = ""
    behind: str = ""

    @property
    def started(self) -> str:
        """The label of a log that is open."""
        return self._with(self._shown_name)

    def finished(self, happened: str, *, mark: str = "") -> str:
        """Say what happened; the name gives way as far as a row would not show that."""
        told = one_line(happened, _HAPPENED_LENGTH)
        added = f" → {told}" if told else ""
        words = len(mark) + len(self.before) + len(self.behind) + len(added)
        room = max(_ROW - words, _SHORTEST_NAME) if told else _NAME_LENGTH
        return f"{mark}{self._with(shortened(self._shown_name, room))}{added}"

    @property
    def _shown_name(self) -> str:
        return _as_name(self.name[:_NAME_SEEN])

    def _with(self, name: str) -> str:
        return f"{self.before}{name}{self.behind}"


@lru_cache(maxsize=256)
def _as_name(name: str) -> str:
    """Write a name on one line; models and tools come again in every round."""
    return one_line(name, _NAME_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenLog:
    id: str
    parent_id: str | None
    label: Label
    started_at: float
    """Seconds since the epoch."""
    provider: str = ""


class LogTree:
    """The logs of one run, each known by a key as long as it is open."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._open: dict[str, _OpenLog] = {}

    def __contains__(self, key: str) -> bool:
        """Whether a log is open."""
        return key in self._open

    def start(
        self,
        key: str,
        label: Label,
        *,
        within: str = "",
        provider: str = "",
        moment: float | None = None,
    ) -> DifyMessage:
        """Open a log under the one of another key, if that is open."""
        parent = self._open.get(within)
        log = _OpenLog(
            id=str(uuid.uuid4()),
            parent_id=parent.id if parent else None,
            label=label,
            started_at=self.clock() if moment is None else moment,
            provider=provider,
        )
        self._open[key] = log
        return log_message(
            log_id=log.id,
            parent_id=log.parent_id,
            label=label.started,
            status="start",
            error=None,
            data={},
            metadata={"started_at": log.started_at},
        )

    def finish(
        self,
        key: str,
        happened: str,
        data: Mapping[str, object],
        *,
        error: str = "",
        usage: Usage | None = None,
        moment: float | None = None,
    ) -> DifyMessage:
        """Close a log; with an error it has failed, and the error is what happened."""
        log = self._open.pop(key)
        now = self.clock() if moment is None else moment
        metadata: dict[str, object] = {
            "started_at": log.started_at,
            "finished_at": now,
            "elapsed_time": max(now - log.started_at, 0.0),
            **({"provider": log.provider} if log.provider else {}),
            **(_cost(usage) if usage else {}),
        }
        return log_message(
            log_id=log.id,
            parent_id=log.parent_id,
            label=log.label.finished(error or happened, mark="✗ " if error else ""),
            status="error" if error else "success",
            error=one_line(error, _ERROR_LENGTH) or None,
            data=capped(without_blanks({"error": error, **data})),
            metadata=metadata,
        )

    def fail_all(self, error: str) -> Iterator[DifyMessage]:
        """Close every log that is still open as failed, the innermost first."""
        for key in reversed(list(self._open)):
            yield self.finish(key, "", {}, error=error)


def without_blanks(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out the fields that say nothing."""
    return {key: value for key, value in fields.items() if value not in ("", None, [], {}, ())}


def _cost(usage: Usage) -> dict[str, object]:
    return {
        "total_tokens": usage.total_tokens,
        "total_price": f"{usage.total_price:f}",
        "currency": usage.currency,
    }
