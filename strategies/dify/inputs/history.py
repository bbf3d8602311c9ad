"""The turns before this run, as Dify's memory hands them over, made fit for any provider.

Dify trims the history by tokens, so it may begin with an answer, hold turns that came to nothing,
or end with a question that was never answered. Providers want the roles to alternate, beginning
with the user. Reasoning of older turns is left out: models are told to see only their own, of the
run at hand, and it costs tokens.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import message
from strategies.agent.prompt.media import Part, described, is_medium, parts_of
from strategies.dify.inputs.files.contents import FEATURES
from strategies.dify.wire_values import Json, mapping, sequence, text_of

MOST_BASE64 = 800_000
"""Characters of base64 that the files of earlier turns may have together, as far as the files of
the question leave room."""
_MOST_BASE64_OF_ALL = 3_500_000

_OPENED, _CLOSED = "<think>", "</think>"
_EARLIER = "(The conversation began earlier.)"
_UNANSWERED = "(No answer was given.)"


def clean_history(history: Iterable[Json]) -> list[Message]:
    """Keep what was said by user and assistant, in alternating roles from the user on."""
    merged: list[Message] = []
    for turn in filter(None, map(_turn, history)):
        if merged and merged[-1]["role"] == turn["role"] == "assistant":
            joined = f"{merged[-1]['content']}\n\n{turn['content']}"
            merged[-1] = message("assistant", joined)
        else:
            merged.append(turn)
    return _alternating(merged)


def last_answer(history: Iterable[Json]) -> str:
    """Return what the user read last; blank where the app keeps no memory."""
    said = [turn for turn in map(_turn, history) if turn and turn["role"] == "assistant"]
    return text_of(said[-1]["content"]) if said else ""


def with_media_for(
    turns: Sequence[Message],
    features: AbstractSet[str],
    *,
    beside: Sequence[Part] = (),
) -> list[Message]:
    """Name in the text what a model cannot take, and the older files that would be too much.

    `beside` are the parts of the question, which come first.
    """
    taken = sum(len(text_of(part.get("base64_data"))) for part in beside)
    left = min(MOST_BASE64, _MOST_BASE64_OF_ALL - taken)
    fitting: list[Message] = []
    for turn in reversed(turns):
        if isinstance(turn["content"], str):
            fitting.append(turn)
            continue
        kept: list[Part] = []
        for part in reversed(parts_of(turn)):
            size = len(text_of(part.get("base64_data")))
            allowed = FEATURES.get(text_of(part.get("type"))) in features and size <= left
            left -= size if allowed else 0
            kept.append(part if allowed else _in_words(part))
        fitting.append({**turn, "content": _joined(kept[::-1])})
    return fitting[::-1]


def _alternating(turns: Sequence[Message]) -> list[Message]:
    if not turns:
        return []
    opened = [message("user", _EARLIER)] if turns[0]["role"] == "assistant" else []
    answered = [
        one
        for turn, following in pairwise([*turns, message("user", "")])
        for one in (
            [turn, message("assistant", _UNANSWERED)]
            if turn["role"] == following["role"] == "user"
            else [turn]
        )
    ]
    return [*opened, *answered]


def _turn(raw: Json) -> Message | None:
    role = text_of(raw.get("role"))
    if role == "assistant":
        said = "".join(text_of(part.get("data")) for part in _as_parts(raw.get("content")))
        answer = _without_thoughts(said)
        return message(role, answer) if answer.strip() else None
    if role != "user":
        return None
    content = raw.get("content")
    if isinstance(content, str):
        return message(role, content) if content.strip() else None
    parts = [dict(part) for part in map(mapping, sequence(content)) if _says_something(part)]
    return {"role": role, "content": parts, "name": None} if parts else None


def _says_something(part: Json) -> bool:
    """Tell whether a part is more than nothing, which providers refuse."""
    if part.get("type") == "text":
        return bool(text_of(part.get("data")).strip())
    return bool(part.get("type")) and any(part.get(key) for key in ("base64_data", "url", "data"))


def _without_thoughts(said: str) -> str:
    """Leave out what stands between the tags; a block may lack its first one, or nest."""
    *thoughtful, rest = said.split(_CLOSED)
    if not thoughtful:
        # A block that was never closed may hold the answer: only its tag goes.
        return said.replace(_OPENED, "")
    # What stands before a closing tag is thought from the opening one on, or all of it.
    spoken = [block.partition(_OPENED)[0] if _OPENED in block else "" for block in thoughtful]
    spoken.append(rest.replace(_OPENED, ""))
    return "\n\n".join(part.strip() for part in spoken if part.strip())


def _as_parts(content: object) -> list[Json]:
    """Return the text parts of a content that is text or a list of parts."""
    if isinstance(content, str):
        return [{"type": "text", "data": content}]
    return [part for part in map(mapping, sequence(content)) if part.get("type") == "text"]


def _in_words(part: Part) -> Part:
    return {"type": "text", "data": described(part)} if is_medium(part) else part


def _joined(parts: Sequence[Part]) -> object:
    """Make parts that are all text one text, which every provider takes."""
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(text_of(part.get("data")) for part in parts)
    return list(parts)
