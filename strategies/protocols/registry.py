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
