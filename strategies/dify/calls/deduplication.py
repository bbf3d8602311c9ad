"""What a tool says several times is told once, and what only looks alike is told as often as it is.

An API tool sends its data as text and as JSON; a workflow sends its outputs also as variables; of
an MCP server's list Dify makes one JSON message per row, and the whole list again as a variable
(docs/dify.md, "Tools"). So forms of the same thing are compared with one another, but never two
messages of one form: equal rows of a list are two rows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from strategies.dify.outputs.compact_json import compact
from strategies.dify.wire_values import mapping

_LONGEST_COMPARED = 100_000
"""Characters of JSON that are looked for inside a text."""
_MOST_LOOKED_FOR = 100
"""Objects that are; each costs a walk through the text."""
_NO_JSON = object()


def told_once(
    texts: Sequence[str], objects: Sequence[object], variables: Mapping[str, object], longest: int
) -> Iterator[str]:
    """Write what a tool sent, each thing once, in the order texts, objects, variables.

    Args:
        texts: its text messages.
        objects: its JSON messages.
        variables: its variables by name.
        longest: characters of one piece of JSON.
    """
    yield from texts
    said = "\n".join(texts)
    if len(said) >= longest or not (objects or variables):
        return
    each = [_decoded(text) for text in texts]
    decoded = each if len(texts) == 1 else [*each, _decoded(said)]
    prose = "\n".join(text for text, one in zip(texts, each, strict=True) if one is _NO_JSON)
    rows = [] if objects and list(objects) in decoded else list(_beyond(prose, decoded, objects))
    wholes = [*decoded, *objects, *(one for one in (list(objects), list(texts), each) if one)]
    # Of several rows none speaks for a variable; a single object does for each of its fields.
    single = [*each] * (len(texts) == 1) + [*objects] * (len(objects) == 1)
    if rows and len(rows) == len(objects) and any(_same(rows, one) for one in variables.values()):
        # Rows and their list: as a list they are the tool's own value, equal rows included.
        yield compact(rows, longest)
    else:
        yield from (compact(row, longest) for row in rows)
    for name, value in variables.items():
        in_single = any(name in mapping(one) and _same(mapping(one)[name], value) for one in single)
        if value is not None and not in_single and not _is_said(value, said, wholes):
            yield f"{name}: {compact(value, longest)}"


def _beyond(prose: str, decoded: Sequence[object], objects: Sequence[object]) -> Iterator[object]:
    """Yield the objects that the texts do not hold; each text stands for one object."""
    left, rest = [one for one in decoded if one is not _NO_JSON], prose
    looked_for = prose.strip() and len(objects) <= _MOST_LOOKED_FOR
    for value in objects:
        if value is None or (value == {} and len(objects) == 1):
            continue
        same = next((at for at, one in enumerate(left) if _same(value, one)), None)
        if same is not None:
            del left[same]
            continue
        form = _form_in(rest, value) if looked_for else ""
        if form:
            rest = rest.replace(form, "", 1)
        elif not _only_wraps(value, prose):
            yield value


def _is_said(value: object, said: str, wholes: Sequence[object]) -> bool:
    if any(_same(value, one) for one in wholes):
        return True
    if not said.strip():
        return False
    if isinstance(value, str):
        return value.strip() == said.strip()
    return _only_wraps(value, said) or bool(_form_in(said, value))


def _same(one: object, other: object) -> bool:
    """Compare values of JSON, in which true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _only_wraps(value: object, said: str) -> bool:
    """Tell whether an object is no more than the text under one name, as MCP servers send it."""
    items = list(mapping(value).values())
    return len(items) == 1 and isinstance(items[0], str) and items[0].strip() == said.strip()


def _form_in(said: str, value: object) -> str:
    """Find an object or a list written out inside a text; blank where it is not."""
    if not isinstance(value, list | Mapping) or not value:
        return ""
    whole = cast("object", value)
    most = min(len(said), _LONGEST_COMPARED)
    written = compact(whole, most)
    if len(written) > most:
        return ""
    # The last is how Dify's own core writes a list that an MCP server sent as text.
    forms = (
        written,
        json.dumps(whole, default=str),
        json.dumps(whole, ensure_ascii=False, default=str),
        str(whole),
    )
    return next((form for form in forms if form in said), "")


def _decoded(said: str) -> object:
    """Read a text as JSON; a text that is none is equal to nothing."""
    if said.lstrip()[:1] not in set('{["-0123456789'):
        return _NO_JSON
    try:
        return cast("object", json.loads(said))
    except (ValueError, RecursionError):
        return _NO_JSON
