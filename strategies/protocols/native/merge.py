"""Which delta belongs to which native call: ids and indexes are not to be trusted.

Providers leave out ids, repeat them, use one for all calls or the tool's name, change them on the
way; Dify drops the index. So a delta is placed by all that it tells, in this order: its index,
its id, its name, and whether its text can begin or continue arguments. A call that was finished is
final: the same call sent again (a snapshot list, a summary at the end) is passed over, a different
object in its place is a new call.

A call is handed out at once when its arguments are certain, which may be out of turn; `position`
tells the turn. Calls without any arguments wait for the end, as these may still come. So do calls
with `{}` of tools that take some, until another call follows: providers empty arguments that were
cut (and say so with the reason at the end).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strategies.protocols.base import BrokenCall, Call, CallDelta, FormatError, ReplyEvent, ToolSpec
from strategies.protocols.json.read import call_of, plain_object, read_arguments
from strategies.protocols.json.span import split_objects
from strategies.protocols.native.fragments import Fragments

_CUT_PROBLEM = "The reply was cut off before the call was complete."
_PER_INDEX = 1 << 20
"""Positions set apart for each index: some providers put every call on index 0."""


@dataclass(slots=True, eq=False)
class _Slot:
    """One call in the making."""

    position: int
    index: int | None = None
    id: str = ""
    name: str = ""
    fragments: Fragments = field(default_factory=Fragments)
    follows: "_Slot | None" = None
    """The finished call in whose place this one came: it may turn out to repeat that call."""
    glued: bool = False
    """It came behind that call in the same arguments."""
    told: bool = False
    """It was handed out, or dropped as a repeat."""

    @property
    def finished(self) -> bool:
        return self.fragments.object is not None

    def may_be(self, other: "_Slot") -> bool:
        """Tell whether ids and indexes allow that both are one call, sent twice."""
        return (not self.id or not other.id or self.id == other.id) and (
            self.index is None or other.index is None or self.index == other.index
        )


class CallMerger:
    """Merges the tool-call deltas of one reply."""

    def __init__(self, tools: Sequence[ToolSpec] = ()) -> None:
        self._names = frozenset(tool.name for tool in tools)
        self._without_arguments = {tool.name for tool in tools if not tool.properties}
        self._emptied: _Slot | None = None
        """The last call, if its arguments may have been emptied."""
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}
        self._by_id: dict[str, _Slot] = {}
        self._last: _Slot | None = None
        self._told: dict[str, list[_Slot]] = {}
        """The finished calls by name and arguments."""
        self._seen: set[_Slot] = set()
        """Calls that this list of deltas has named: one list names no call twice."""

    def feed(self, deltas: Sequence[CallDelta]) -> Iterator[ReplyEvent]:
        """Take the deltas of one chunk; yield the calls that became certain."""
        self._seen.clear()
        for delta in deltas:
            if delta.id or delta.name or delta.arguments:
                yield from self._take(delta)

    def close(self, *, cut_short: bool) -> Iterator[ReplyEvent]:
        """Yield what is left at the end of the reply."""
        left = [slot for slot in self._slots if not slot.told]
        if self._emptied and cut_short and not left:
            yield _broken(self._emptied, "{}", _CUT_PROBLEM)
        else:
            yield from self._release_emptied()
        for slot in sorted(left, key=lambda slot: slot.position):
            yield from _end(slot, cut_short=cut_short)

    def next_position(self) -> int:
        """Return the position of a call that comes now."""
        return len(self._slots) * _PER_INDEX

    def _take(self, delta: CallDelta) -> Iterator[ReplyEvent]:
        if delta.name and self._repeats(delta):
            return
        slot = self._place(delta)
        if delta.id and not slot.id:
            slot.id = delta.id
        if delta.id:
            self._by_id[delta.id] = slot
        if delta.name:
            slot.name = self._joined_name(slot, delta.name)
            self._seen.add(slot)
        self._last = slot
        yield from self._finish(slot)
        yield from self._add(slot, delta.arguments)

    def _add(self, slot: _Slot, piece: str) -> Iterator[ReplyEvent]:
        """Add arguments; behind a finished object the next call of the same tool may follow."""
        while piece:
            if slot.finished:
                piece = _beyond(slot, piece)
                if not piece:
                    return
                slot = self._follow(slot)
            slot.fragments.add(piece)
            yield from self._finish(slot)
            piece = slot.fragments.rest if slot.finished else ""

    def _finish(self, slot: _Slot) -> Iterator[ReplyEvent]:
        """Hand the call out if it is complete and new."""
        found = slot.fragments.object
        if found is None or slot.told or not slot.name:
            return
        slot.told = True
        alike = self._told.setdefault(call_text(slot.name, found), [])
        if not slot.follows or not self._repeated(slot, alike):
            self._seen.add(slot)
            alike.append(slot)
            yield from self._release_emptied()
            if not found and slot.name not in self._without_arguments:
                self._emptied = slot
            else:
                yield _call(slot, found)

    def _release_emptied(self) -> Iterator[ReplyEvent]:
        """Hand out a call without arguments that something follows: it was not cut."""
        slot, self._emptied = self._emptied, None
        if slot:
            yield _call(slot, {})

    # ---- repeats

    def _repeats(self, delta: CallDelta) -> bool:
        """Tell whether the delta is a whole call that was finished before."""
        found = plain_object(delta.arguments) if delta.arguments else None
        if found is None:
            return False
        probe = _Slot(position=0, index=delta.index, id=delta.id)
        repeated = self._repeated(probe, self._told.get(call_text(delta.name, found), []))
        if repeated:
            self._seen.add(repeated)
        return bool(repeated)

    def _repeated(self, slot: _Slot, alike: list[_Slot]) -> _Slot | None:
        for other in alike:
            fresh = other in self._seen and not (slot.glued and other is slot.follows)
            if not fresh and slot.may_be(other):
                return other
        return None

    # ---- places

    def _place(self, delta: CallDelta) -> _Slot:
        slot = self._known(delta)
        if slot is None or self._opens_another(slot, delta):
            return self._open(delta, follows=slot)
        return slot

    def _known(self, delta: CallDelta) -> _Slot | None:
        """Find the call that the delta seems to mean."""
        if delta.index is not None:
            return self._by_index.get(delta.index)
        return self._by_id.get(delta.id) or self._last

    def _opens_another(self, slot: _Slot, delta: CallDelta) -> bool:
        """Tell whether the delta begins a call of its own all the same."""
        other_id = bool(slot.id and delta.id) and slot.id != delta.id
        side_by_side = other_id and bool(delta.name) and slot in self._seen
        if slot.finished or side_by_side:
            return bool(delta.name and slot.name) or (bool(delta.id) and delta.id != slot.id)
        if not delta.name or not slot.name:
            return False
        if delta.name != slot.name:
            return other_id or not slot.fragments.empty or not self._may_rename(slot, delta)
        if other_id and (delta.index is not None or slot.fragments.empty):
            return True
        if slot.fragments.empty or delta.index is not None or (delta.id and not other_id):
            return False
        begins = delta.arguments.lstrip()[:1] in ("", "{")
        return begins and (other_id or not slot.fragments.continues(delta.arguments))

    def _may_rename(self, slot: _Slot, delta: CallDelta) -> bool:
        """Tell whether another name is only more of the name."""
        if slot.name in self._names and delta.name in self._names:
            return False
        if self._is_beginning(slot.name + delta.name) or delta.name.startswith(slot.name):
            return True
        return slot.name not in self._names and (bool(delta.id) or delta.index is not None)

    def _joined_name(self, slot: _Slot, name: str) -> str:
        if slot.name in ("", name) or name.startswith(slot.name):
            return name
        joined = slot.name + name
        return joined if self._is_beginning(joined) else name

    def _is_beginning(self, name: str) -> bool:
        return any(known.startswith(name) for known in self._names)

    def _open(self, delta: CallDelta, follows: _Slot | None) -> _Slot:
        return self._append(
            _Slot(
                position=self._position(delta.index),
                index=delta.index,
                id=delta.id,
                follows=follows if follows and follows.finished else None,
            )
        )

    def _follow(self, slot: _Slot) -> _Slot:
        """Open a call behind a finished one, of the same tool."""
        following = _Slot(
            position=self._position(slot.index),
            index=slot.index,
            id=slot.id,
            name=slot.name,
            follows=slot,
            glued=True,
        )
        if slot.id:
            self._by_id[slot.id] = following
        self._last = following
        return self._append(following)

    def _append(self, slot: _Slot) -> _Slot:
        self._slots.append(slot)
        if slot.index is not None:
            self._by_index[slot.index] = slot
        return slot

    def _position(self, index: int | None) -> int:
        if index is None:
            return self.next_position()
        return index * _PER_INDEX + len(self._slots)


def _beyond(slot: _Slot, piece: str) -> str:
    """Return what of a piece that comes behind a finished object can begin another one."""
    rest = piece.removeprefix(slot.fragments.raw).lstrip(" \t\r\n,;")
    return rest if rest.startswith("{") else ""


def call_text(name: str, arguments: Mapping[str, object]) -> str:
    """Write a call as it was sent: what a provider repeats is the same to the letter."""
    return f"{name} {json.dumps(arguments, sort_keys=True)}"


def _call(slot: _Slot, arguments: dict[str, object]) -> Call:
    return Call(
        name=slot.name,
        arguments=arguments,
        id=slot.id,
        raw=slot.fragments.raw,
        position=slot.position,
    )


def _echoes(slot: _Slot, text: str) -> bool:
    """Tell whether the call is but the beginning of a finished one, sent again."""
    follows = slot.follows
    return (
        follows is not None
        and slot.name in (follows.name, "")
        and slot.may_be(follows)
        and follows.fragments.raw.startswith(text.strip())
    )


def _end(slot: _Slot, *, cut_short: bool) -> Iterator[ReplyEvent]:
    """Decide about a call whose arguments never became certain."""
    text = slot.fragments.text
    if _echoes(slot, text):
        return
    if not slot.name:
        if text.strip():
            yield FormatError("A tool call had arguments but no name of a tool.")
        return
    if cut_short:
        yield _broken(slot, text, _CUT_PROBLEM)
        return
    for one in split_objects(text):
        found = call_of(slot.name, one, read_arguments(one))
        yield replace(found, id=slot.id, position=slot.position)


def _broken(slot: _Slot, raw: str, problem: str) -> BrokenCall:
    return BrokenCall(name=slot.name, raw=raw, problem=problem, id=slot.id, position=slot.position)
