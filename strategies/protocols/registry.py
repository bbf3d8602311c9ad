"""The text protocols, by the names that people choose them by."""

from collections.abc import Mapping

from strategies.protocols.base import TextProtocol
from strategies.protocols.hermes import Hermes
from strategies.protocols.qwen import Qwen
from strategies.protocols.qwen3_coder import Qwen3Coder
from strategies.protocols.react import React

TEXT_PROTOCOLS: Mapping[str, TextProtocol] = {
    protocol.name: protocol for protocol in (Hermes(), Qwen(), Qwen3Coder(), React())
}
