"""The text protocols, by the names that people choose them by: one row each."""

from collections.abc import Mapping

from strategies.protocols.base import TextProtocol
from strategies.protocols.hermes.protocol import HERMES
from strategies.protocols.qwen.protocol import QWEN
from strategies.protocols.qwen3_coder.protocol import QWEN3_CODER
from strategies.protocols.react.protocol import REACT, React

TEXT_PROTOCOLS: Mapping[str, TextProtocol] = {
    protocol.name: protocol for protocol in (HERMES, QWEN, QWEN3_CODER, REACT)
}

USUAL = "hermes"
"""What most models take that were taught no other form."""

_SIGNS = (("<function=", "qwen3_coder"), ("<tool_call>", "hermes"), ("✿FUNCTION✿", "qwen"))
_NO_FORM = "react"
"""For calls in no protocol's form, such as JSON in a fence. A small model that writes those goes on
best where the run stands in one turn of the user (docs/evaluation.md)."""


def text_protocol(name: str, answer: Mapping[str, object] | None = None) -> TextProtocol:
    """Return a protocol; an answer in ReAct is an action, whose prompt shows the object it is."""
    protocol = TEXT_PROTOCOLS[name]
    return React(answer) if protocol is REACT and answer else protocol


def protocol_of(reply: str) -> str:
    """Say in which protocol a model goes on that wrote such a reply; blank when none is known."""
    if not reply:
        return USUAL
    return next((name for sign, name in _SIGNS if sign in reply), _NO_FORM)
