"""The only module that writes to stdout and stderr."""

import base64
import json
import sys

from workbench.ports import Json


def put(text: str) -> None:
    """Write text as it is, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line."""
    put(f"{text}\n")


def say_json(value: Json) -> None:
    """Write one JSON line."""
    say(json.dumps(value, ensure_ascii=False, default=plain))


def complain(text: str) -> None:
    """Say an error to the person at the terminal."""
    sys.stderr.write(text.rstrip() + "\n")


def plain(value: object) -> str:
    """Write what JSON has no form for: bytes as base64, anything else as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
