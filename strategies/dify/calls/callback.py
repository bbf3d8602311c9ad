"""The one door through which the plugin calls Dify back, in JSON.

The SDK's typed calls stand in the way: `llm.invoke` dumps the whole conversation anew in every
round, refuses a reply with one odd field, and SDK 0.10.2 cannot parse `binary_link`, by which Dify
hands over every file that is no image (sdk#383). So the same request leaves here as JSON, parts of
which the caller may have kept from the round before, and the answers come back unparsed.

A request of more than 5 MB ends the plugin's process and every run in it, because the daemon reads
it as one line and gives up. So one that is too large fails alone.
"""

import secrets
from collections.abc import Iterator, Mapping
from queue import Empty
from typing import Any, cast

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import BackwardsInvocation, Session

from strategies.dify.transport.answers import AnswerReader, FrameWriter
from strategies.dify.transport.frames import LARGEST, Written, joined, session_frame
from strategies.dify.transport.plain import plain
from strategies.dify.wire_values import Json


class RequestTooLargeError(Exception):
    """A request would end the plugin's process."""


class CallBackError(Exception):
    """Dify could not do what it was asked; the text is Dify's."""


def call_back(session: Session, kind: InvokeType, request: Mapping[str, object]) -> Iterator[Json]:
    """Send a request when the first answer is asked for, and yield the answers as they come.

    Args:
        session: the run's.
        kind: what is called.
        request: its fields, each of which may be `Written`.

    Raises:
        RequestTooLargeError: the request was not sent.
        Exception: whatever went wrong, with its text; the SDK has no narrower type.
    """
    body = joined(request)
    if body.size > LARGEST:
        megabytes, most = f"{body.size / 1e6:.1f}", f"{LARGEST / 1e6:.1f}"
        raise RequestTooLargeError(
            f"The request is too long: {megabytes} MB, and Dify takes {most} MB."
        )
    reader, writer = session.reader, session.writer
    if not isinstance(writer, FrameWriter):
        return _by_the_sdk(session, kind, plain(body))
    if isinstance(reader, AnswerReader):
        return _over_the_link(session, reader, writer, kind, body)
    # Over HTTP each call has an answer of its own.
    return _by_the_sdk(session, kind, body)


def _over_the_link(
    session: Session, reader: AnswerReader, writer: FrameWriter, kind: InvokeType, body: Written
) -> Iterator[Json]:
    """Send the request as a frame; the answers come in among those of all other calls."""
    call_id = secrets.token_hex(16)
    call = joined({"type": kind.value, "backwards_request_id": call_id, "request": body})
    with reader.answers.expected(call_id) as answers:
        writer.send(session_frame(session.session_id, "invoke", call))
        while True:
            try:
                answer = answers.get(timeout=session.max_invocation_timeout)
            except Empty:
                # The SDK's words.
                problem = "invocation exited without response after {} seconds"
                raise CallBackError(problem.format(session.max_invocation_timeout)) from None
            if answer["event"] == "error":
                raise CallBackError(str(answer.get("message")))
            if answer["event"] == "end" or answer.get("data") is None:
                return
            yield answer["data"]


def _by_the_sdk(session: Session, kind: InvokeType, request: object) -> Iterator[Json]:
    """Let the SDK send the request and wait for the answers."""
    invocation = BackwardsInvocation[Any](session)
    answers = invocation._backwards_invoke(  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
        kind, cast("type[Any]", dict), cast("Any", request)
    )
    yield from cast("Iterator[Json]", answers)
