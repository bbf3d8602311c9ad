"""Reading what a command was given: a file, or stdin; text, JSON, or JSON lines."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.base.ports import Json, WorkbenchError, is_object


def read_text(name: str) -> str:
    """Read a whole file; `-` is stdin."""
    if name == "-":
        return sys.stdin.buffer.read().decode(errors="replace")
    try:
        return Path(name).read_bytes().decode(errors="replace")
    except OSError as error:
        raise WorkbenchError(f"Cannot read {name}: {error.strerror}.") from error


def read_json(name: str) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(read_text(name))
    except ValueError as error:
        raise WorkbenchError(f"{name} is not valid JSON: {error}.") from error


def json_lines(name: str) -> Iterator[Json]:
    """Read one object a line; blank lines are skipped."""
    for number, line in enumerate(read_text(name).split("\n"), start=1):
        if line.strip():
            yield _object(line, f"Line {number} of {name}")


def _object(line: str, place: str) -> Json:
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise WorkbenchError(f"{place} is not valid JSON: {error}.") from error
    if not is_object(value):
        raise WorkbenchError(f"{place} is not a JSON object.")
    return value
