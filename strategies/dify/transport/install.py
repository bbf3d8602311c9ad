"""Which links the plugin speaks with Dify by; decided once, when it starts.

Ours replace parts of the SDK and are faster. They hang on the SDK's inner parts, so these are
looked at first: where one is not as expected, the SDK's own links stay.
"""

import sys
from importlib.metadata import version

ROOM = 1024 * 1024
"""Bytes that wait in a pipe; what Linux grants every process (/proc/sys/fs/pipe-max-size)."""


def use_links(runtime: str, wanted: str = "") -> str:
    """Let the SDK make our links in place of its own; called before it makes any.

    Args:
        runtime: `local`, `remote` or `serverless`, how Dify runs the plugin.
        wanted: `sdk` for the SDK's own links, as RONDO_LINKS says.

    Returns:
        The sentence for the log; blank where ours are in use, as nobody asked otherwise.
    """
    if runtime == "local":
        widen(0)
        widen(1)
    if wanted == "sdk":
        return "RONDO_LINKS is sdk, so the plugin runs on the SDK's own links."
    problem = _install(runtime)
    if problem:
        sdk = f"dify_plugin {version('dify_plugin')}"
        return f"{sdk} is not as expected ({problem}), so the plugin runs on the SDK's own links."
    return f"RONDO_LINKS is {wanted!r}, but can only be sdk or blank." if wanted else ""


def _install(runtime: str) -> str:
    """Put our links in; if the SDK is not as expected, change nothing and return what is not."""
    try:
        # An SDK without one of the names that these import is only another one.
        from strategies.dify.transport import sdk_links  # noqa: PLC0415

        problem = next(sdk_links.differences(), "")
        if not problem:
            sdk_links.replace(serverless=runtime == "serverless")
    except Exception as error:  # noqa: BLE001 - whatever an SDK does, the plugin has to start
        return f"{type(error).__name__}: {error}"
    return problem


def widen(descriptor: int) -> None:
    """Make room in a pipe of the local runtime, where there is one and the system allows it.

    In: Dify's daemon keeps 1,024 pieces of a model's answer for a plugin that does not read and
    drops the rest without a word. Before that, what it sends waits in the pipe: 64 KiB, which are
    some 110 pieces. A pipe of 1 MiB holds some 1,800 (docs/dify.md, "Limits and losses").

    Out: who writes into a full pipe stands still, and every run of the process with it. A request
    with a long conversation has some hundred kilobytes.

    The room costs memory only while it is used.
    """
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - Windows, where one may debug remotely, has none

    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, ROOM)
    except OSError:
        return  # it is no pipe, or the user's pipes are used up
