"""What is handed to the SDK's own links, which write whatever they are given.

They refuse a message with half a character, so that its run never ends, and write a line of any
length, for which the daemon ends the plugin's process. Our links see to both themselves (frames.py,
links.py).
"""

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.errors.model import InvokeBadRequestError

from strategies.dify.transport.frames import LARGEST, TOO_LARGE, Written, as_json, writable_text

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)


def plain(body: Written) -> dict[str, Any]:
    """Read a request that is JSON back into values."""
    return json.loads(bytes(body))


def plain_messages(messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Let messages of a run through as the SDK can write them.

    Raises:
        InvokeBadRequestError: the run's own, with a text that can be written.
        ValueError: a message is nested too deeply.
    """
    try:
        for message in messages:
            line = as_json(message)
            if len(line) > LARGEST:
                _log.error(TOO_LARGE, len(line))
            else:
                yield json.loads(line)
    except InvokeBadRequestError as error:
        raise InvokeBadRequestError(writable_text(str(error))) from None
