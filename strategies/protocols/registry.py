"""The text protocols, by the names that people choose them by."""

from collections.abc import Mapping

from strategies.protocols.base import TextProtocol
from strategies.protocols.hermes import HERMES
from strategies.protocols.qwen import Qwen
from strategies.protocols.qwen3_coder import QWEN3_CODER
from strategies.protocols.react import React

TEXT_PROTOCOLS: Mapping[str, TextProtocol] = {
    protocol.name: protocol for protocol in (HERMES, Qwen(), QWEN3_CODER, React())
}
