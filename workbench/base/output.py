"""The only module that writes to stdout and stderr."""

import base64
import json
import logging
import re
import sys
from pathlib import Path

from workbench.base.ports import Json, WorkbenchError

_SURROGATE = re.compile("[\ud800-\udfff]")


def put(text: str) -> None:
    """Write text as it is, at once; halves of characters, which no terminal takes, as `?`."""
    sys.stdout.write(text.encode(errors="replace").decode())
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line."""
    put(f"{text}\n")


def say_json(value: Json) -> None:
    """Write one JSON line."""
    text = json.dumps(value, ensure_ascii=False, default=plain)
    # A lone surrogate can be told in JSON's own escapes only.
    say(json.dumps(value, default=plain) if _SURROGATE.search(text) else text)


def say_error(text: str) -> None:
    """Say an error to the person at the terminal."""
    sys.stderr.write(text.rstrip() + "\n")


def silence(library: str) -> None:
    """Keep a library's log off the terminal, where our own sentence says what went wrong."""
    logging.getLogger(library).setLevel(logging.CRITICAL + 1)


def write_file(path: Path, text: str) -> None:
    """Write a page and say where it is, beside what goes to stdout."""
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WorkbenchError(f"Cannot write {path}: {error.strerror}.") from error
    say_error(f"The page is at {path}.")


def plain(value: object) -> str:
    """Write what JSON has no form for: bytes as base64, anything else as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
