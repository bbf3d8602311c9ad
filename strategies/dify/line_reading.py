"""Each line from Dify is read by a parser that is there already.

The SDK builds a parser for every line, which is some two fifths of the work that a piece of a
model's reply costs the whole plugin; and what the plugin does not read in time, Dify's daemon drops
(docs/dify.md, "Limits and losses"). Every line is read as the same type, so one parser reads them
all.
"""

from functools import cache
from typing import Any, cast

from dify_plugin.core import runtime
from dify_plugin.core.server.stdio import request_reader as stdio
from dify_plugin.core.server.tcp import request_reader as tcp
from pydantic import TypeAdapter


def build_parsers_once() -> None:
    """Let the SDK's three readers keep what they build; requirements.txt pins the SDK."""
    kept = cache(TypeAdapter[Any])
    for module in (stdio, tcp, runtime):
        cast("Any", module).TypeAdapter = kept
