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

_SIGNS = {"qwen3_coder": "<function=", "hermes": "<tool_call>", "qwen": "✿FUNCTION✿"}
"""What stands in every call of a protocol, and in none of those behind it here."""
_NO_FORM = "react"
"""For calls in no protocol's form, such as JSON in a fence. A small model that writes those goes on
best where it continues its own steps (docs/evaluation.md)."""


def text_protocol(name: str, answer: Mapping[str, object] | None = None) -> TextProtocol:
    """Return a protocol; an answer in ReAct is an action, whose prompt shows the object it is."""
    protocol = TEXT_PROTOCOLS[name]
    return React(answer) if protocol is REACT and answer else protocol


def protocol_of(reply: str) -> str:
    """Name the protocol in which to go on with a model, by the calls in the text of its reply.

    A blank reply tells nothing of the model and gets the usual one.
    """
    if not reply:
        return USUAL
    return next((name for name, sign in _SIGNS.items() if sign in reply), _NO_FORM)


def is_written_in(name: str, reply: str) -> bool:
    """Tell whether the calls of a reply may be a protocol's own: its sign is there, if any."""
    return _SIGNS.get(name, "") in reply
