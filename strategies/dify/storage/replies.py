"""A model whose replies are cached: the same request gets the same reply, for some time.

Only a reply that came to its own end is kept. One that failed, was cut for its length, or that the
run stopped reading is not; neither is one with files, nor an empty one.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence

from strategies.agent.interface.ports import Model, ModelDelta, ModelRequest
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.store import Store
from strategies.dify.wire_values import Json, sequence, text_of
from strategies.protocols.base import CallDelta

_WHOLE = frozenset({"stop", "tool_calls", "function_call", "end_turn", "tool_use", "eos"})
"""How a provider says that a reply came to its own end."""
_PIECE = 200
"""Characters of a cached reply in one piece."""


def reply_room(minutes: float) -> Room:
    """Describe the room of replies that are good for so long."""
    return Room(name="reply", places=1_024, seconds=minutes * 60)


class CachedModel:
    """A model and its cached replies; a `Model`."""

    def __init__(
        self,
        model: Model,
        store: Store,
        minutes: float,
        body: Callable[[ModelRequest], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._places = Places(store, reply_room(minutes), clock)
        self._body = body
        """Writes all that decides a reply: the model, its parameters, the messages, the tools."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._model.provider

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Give the reply that was given before, or ask and keep it; see `Model.stream`."""
        owner = hashlib.sha256(self._body(request)).hexdigest()
        kept = self._places.get(owner)
        if kept is not None:
            yield from _replayed(kept)
            return
        deltas: list[ModelDelta] = []
        for delta in self._model.stream(request):
            deltas.append(delta)
            yield delta
        if _is_whole(deltas):
            self._places.send(owner, _told(deltas))


def _is_whole(deltas: Sequence[ModelDelta]) -> bool:
    reasons = [delta.finish_reason.lower() for delta in deltas if delta.finish_reason]
    says_something = any(delta.text.strip() or delta.calls for delta in deltas)
    has_files = any(delta.files for delta in deltas)
    return bool(reasons) and reasons[-1] in _WHOLE and says_something and not has_files


def _told(deltas: Sequence[ModelDelta]) -> Json:
    """Write a reply down: text that stands side by side in one, calls as they came."""
    pieces: list[object] = []
    for delta in deltas:
        last = pieces[-1] if pieces else None
        if delta.text and isinstance(last, str):
            pieces[-1] = last + delta.text
        elif delta.text:
            pieces.append(delta.text)
        if delta.calls:
            pieces.append(
                [[call.id, call.name, call.arguments, call.index] for call in delta.calls]
            )
    reason = next(delta.finish_reason for delta in reversed(deltas) if delta.finish_reason)
    return {"pieces": pieces, "reason": reason}


def _replayed(kept: Json) -> Iterator[ModelDelta]:
    yield ModelDelta(from_cache=True)
    for piece in sequence(kept.get("pieces")):
        if isinstance(piece, str):
            for start in range(0, len(piece), _PIECE):
                yield ModelDelta(text=piece[start : start + _PIECE])
        else:
            yield ModelDelta(calls=tuple(map(_call, sequence(piece))))
    yield ModelDelta(finish_reason=text_of(kept.get("reason")))


def _call(told: object) -> CallDelta:
    call_id, name, arguments, index = sequence(told)
    return CallDelta(
        id=text_of(call_id),
        name=text_of(name),
        arguments=text_of(arguments),
        index=index if isinstance(index, int) else None,
    )
