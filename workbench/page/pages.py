"""The page on which runs can be looked at: one file that holds its style, script and data.

The script builds every element from text, the data cannot close its own element, and the page's
policy allows this very script and style and nothing from elsewhere: what a model or a tool said
stays text, whatever it is.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.base.output import plain
from workbench.base.ports import Json

_FOLDER = Path(__file__).parent
_SCRIPTS = ("story", "parts", "plan", "talk", "chart", "details", "serve", "evaluation", "main")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_FILE = 500_000
_TITLE_LENGTH = 80


def page(lines: Sequence[Json], bench: Json | None = None, evaluation: Json | None = None) -> str:
    """Write the page of some runs, told as JSON lines.

    With a bench it can ask, too; with an evaluation its table stands in place of the talk.
    """
    style, script = _style(), _script()
    more = {"bench": bench, "evaluation": evaluation}
    data: Json = {"lines": [_without_large_files(line) for line in lines]}
    parts = {
        "policy": _policy(style, script, talks=bench is not None),
        "title": html.escape(_title(lines)),
        "style": style,
        "script": script,
        "data": embedded(data | {name: value for name, value in more.items() if value}),
    }
    return _filled((_FOLDER / "page.html").read_text(encoding="utf-8"), parts)


def embedded(value: Any) -> str:
    """Write JSON that can stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, default=plain, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _style() -> str:
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


def _script() -> str:
    sources = [(_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return "\n".join(sources)


def _policy(style: str, script: str, *, talks: bool) -> str:
    rules = [
        "default-src 'none'",
        f"style-src '{_hashed(style)}'",
        f"script-src '{_hashed(script)}'",
        "img-src data:",
        "connect-src 'self'" if talks else "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def _hashed(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _title(lines: Sequence[Json]) -> str:
    question = next((line.get("question") for line in lines if line.get("type") == "begin"), None)
    asked = " ".join(_SURROGATE.sub("?", str(question or "")).split())
    return f"{asked[:_TITLE_LENGTH]} · Rondo workbench" if asked else "Rondo workbench"


def _without_large_files(line: Json) -> Json:
    body: Any = line.get("message")
    blob = body.get("blob") if isinstance(body, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(blob, bytes | str) or len(blob) <= _LARGEST_FILE:
        return line
    return {**line, "message": {"blob": None}}


def _filled(template: str, parts: Mapping[str, str]) -> str:
    # One pass, so that no part's text is taken for a place to fill.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
