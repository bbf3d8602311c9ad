"""The text protocols, by the names that people choose them by."""

from collections.abc import Mapping

from strategies.protocols.base import TextProtocol
from strategies.protocols.qwen.protocol import Qwen
from strategies.protocols.react.protocol import React
from strategies.protocols.tagged.hermes import HERMES
from strategies.protocols.tagged.qwen3_coder import QWEN3_CODER

TEXT_PROTOCOLS: Mapping[str, TextProtocol] = {
    protocol.name: protocol for protocol in (HERMES, Qwen(), QWEN3_CODER, React())
}

USUAL = "hermes"
"""What most models take that were taught no other form."""

_SIGNS = (("<function=", "qwen3_coder"), ("✿FUNCTION✿", "qwen"))


def protocol_of(reply: str) -> str:
    """Say which protocol a reply that calls tools in its text comes closest to."""
    return next((name for sign, name in _SIGNS if sign in reply), USUAL)
