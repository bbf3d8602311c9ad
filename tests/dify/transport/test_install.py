"""What happens at the start, whatever the SDK: room in the pipes of the local runtime."""

import os
import sys
from pathlib import Path

import pytest

from strategies.dify.transport.install import ROOM, widen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes have a size on Linux alone")


def test_a_pipe_takes_a_mebibyte_that_nobody_reads() -> None:
    """Its usual 64 KiB would block the writer."""
    reading, writing = os.pipe()
    try:
        widen(reading)
        os.set_blocking(writing, False)
        written = os.write(writing, bytes(2 * ROOM))
    finally:
        os.close(reading)
        os.close(writing)

    assert written == ROOM


def test_what_is_no_pipe_stays_as_it_is(tmp_path: Path) -> None:
    """Under remote debugging standard input may be anything, or closed."""
    with (tmp_path / "file").open("wb") as file:
        closed = file.fileno()
        widen(closed)

    widen(closed)
