"""The text protocols, by the names that people choose them by: one row each."""

from collections.abc import Mapping

from strategies.protocols.base import TextProtocol
from strategies.protocols.hermes.protocol import HERMES
from strategies.protocols.qwen.protocol import QWEN
from strategies.protocols.qwen3_coder.protocol import QWEN3_CODER
from strategies.protocols.react.protocol import REACT

TEXT_PROTOCOLS: Mapping[str, TextProtocol] = {
    protocol.name: protocol for protocol in (HERMES, QWEN, QWEN3_CODER, REACT)
}

USUAL = "hermes"
"""What most models take that were taught no other form."""

_SIGNS = (("<function=", "qwen3_coder"), ("✿FUNCTION✿", "qwen"))


def protocol_of(reply: str) -> str:
    """Say which protocol a reply that calls tools in its text comes closest to."""
    return next((name for sign, name in _SIGNS if sign in reply), USUAL)
