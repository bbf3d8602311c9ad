"""The SDK's readers, run by test_sdk.py in a process of their own."""

import json
from typing import Any, cast

import pytest
from dify_plugin.core import runtime
from dify_plugin.core.server.stdio import request_reader as stdio
from dify_plugin.core.server.tcp import request_reader as tcp
from pydantic import ValidationError

from strategies.dify.line_reading import build_parsers_once

build_parsers_once()


@pytest.mark.parametrize("module", [stdio, tcp, runtime])
def test_one_parser_reads_all_lines(module: Any) -> None:
    """The SDK's readers take the name from their module."""
    parser = module.TypeAdapter(dict[str, Any])

    assert module.TypeAdapter(dict[str, Any]) is parser
    assert parser.validate_json(b'{"a": [1]}') == {"a": [1]}
    with pytest.raises(ValidationError):
        parser.validate_json(b"[1]")


def test_lines_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines in three pieces, the last of them not ended."""
    frames = [
        {"session_id": "s", "event": "request", "data": {"n": number}, "context": None}
        for number in range(3)
    ]
    written = "\n".join(map(json.dumps, frames)).encode()
    pieces = iter([written[:30], written[30:80], written[80:]])
    reader = stdio.StdioRequestReader()
    monkeypatch.setattr(reader, "_read_async", lambda: next(pieces))
    lines = reader._read_stream()  # pyright: ignore[reportPrivateUsage]

    read = [cast("Any", next(lines)).data for _ in range(2)]

    assert read == [{"n": 0}, {"n": 1}]
