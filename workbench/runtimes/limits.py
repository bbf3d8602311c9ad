"""The daemon's limits, as its source sets them and as they were measured in a real Dify."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the daemon allows. Tests shrink single values to reach them sooner."""

    waiting_messages: int = 128
    """Messages of one run that wait for the reader; further ones are dropped in silence."""
    messages_a_second: float = 2000
    """How fast Dify takes messages out of that queue."""
    line_bytes: int = 5 * MEBIBYTE
    """A longer line from the plugin ends its process (PLUGIN_STDIO_MAX_BUFFER_SIZE)."""
    waiting_chunks: int = 1024
    """Chunks of one model call that wait for a plugin that does not read; the rest is dropped."""
    stalled_seconds: float = 0.5
    """How long the plugin's input takes nothing before the plugin counts as not reading. A plugin
    on a busy machine reads 64 KiB at a time and may well pause for 0.1 s without any fault."""
    answer_bytes: int = 30 * MEBIBYTE
    """A larger piece of an answer ends that answer with an error (RESPONSE_MAX_BUFFER_SIZE)."""
    blob_chunk_bytes: int = 8192
    file_bytes: int = 15 * MEBIBYTE
    text_bytes: int = MEBIBYTE
    """A longer text message may never reach the reader."""
    run_seconds: float = 600
    """PLUGIN_MAX_EXECUTION_TIMEOUT: then the reader gets an error and the plugin is not told."""
    answer_seconds: float = 240
    """DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT: one answer streams no longer than this in all."""
    silent_seconds: float = 120
    """A plugin without a heartbeat for so long is ended."""
    start_seconds: float = 60
    """How long the plugin may take to its first heartbeat."""
    receive_bytes: int | None = None
    """The receive buffer of the socket for remote debugging; None leaves it to the system."""
    read_pause: float = 0.0
    """Seconds between two pieces that are read of that socket: a daemon that is busy."""


DAEMON = Limits()
