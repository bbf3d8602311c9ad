"""The one door through which the plugin calls Dify back, in plain dicts.

The SDK's typed calls stand in the way: `llm.invoke` dumps the whole conversation anew in every
round, refuses a reply with one odd field, and SDK 0.10.2 cannot parse `binary_link`, by which Dify
hands over every file that is no image (sdk#383). So this goes one step below them, where the same
request leaves and the answer comes back unparsed. The requirement on the SDK is pinned for it.
"""

from collections.abc import Iterator
from typing import Any, cast

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import BackwardsInvocation

from strategies.dify.reading import Json


def call_back(
    invocation: BackwardsInvocation[Any], kind: InvokeType, request: dict[str, Any]
) -> Iterator[Json]:
    """Send a request when the first answer is asked for, and yield the answers as they come.

    Raises:
        Exception: whatever went wrong, with its text; the SDK has no narrower type.
    """
    answers = invocation._backwards_invoke(  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
        kind, cast("type[Any]", dict), request
    )
    return cast("Iterator[Json]", answers)
