"""The one door through which the plugin calls Dify back, in plain dicts.

The SDK's typed calls stand in the way: `llm.invoke` dumps the whole conversation anew in every
round, refuses a reply with one odd field, and SDK 0.10.2 cannot parse `binary_link`, by which Dify
hands over every file that is no image (sdk#383). So this goes one step below them, where the same
request leaves and the answer comes back unparsed. The requirement on the SDK is pinned for it.

A request of more than 5 MB ends the plugin's process and every run in it, because the daemon reads
it as one line and gives up. So a large request is measured, and one that is too large fails alone.
"""

from collections.abc import Iterator
from typing import Any, cast

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import BackwardsInvocation

from strategies.agent.sizes import json_size
from strategies.dify.reading import Json
from strategies.dify.wire import LARGEST, fits, writable


class RequestTooLargeError(Exception):
    """A request would end the plugin's process."""


def call_back(
    invocation: BackwardsInvocation[Any], kind: InvokeType, request: dict[str, Any]
) -> Iterator[Json]:
    """Send a request when the first answer is asked for, and yield the answers as they come.

    Raises:
        RequestTooLargeError: the request was not sent.
        Exception: whatever went wrong, with its text; the SDK has no narrower type.
    """
    request = writable(request)
    _check_size(request)
    answers = invocation._backwards_invoke(  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
        kind, cast("type[Any]", dict), request
    )
    yield from cast("Iterator[Json]", answers)


def _check_size(request: dict[str, Any]) -> None:
    if not fits(request):
        megabytes, most = f"{json_size(request) / 1e6:.1f}", f"{LARGEST / 1e6:.1f}"
        raise RequestTooLargeError(
            f"The request is too long: {megabytes} MB, and Dify takes {most} MB."
        )
