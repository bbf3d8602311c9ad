"""The benchmark suite runs and prints every row; its figures are its own business."""

import subprocess
import sys

import pytest

from workbench.bench.scripted import ROOT

ROWS = (
    "steady, ",
    "burst of ",
    "chunks a second, native, median",
    "chunks a second, hermes, 99th percentile",
    "messages for a burst",
    "messages of a round of 8 tools",
    "logs with `provider`",
    "8 tools of ",
    "at the start of a ",
    "CPU of round ",
    "growth of our own work",
    "qwen3_coder, ",
    "react, ",
    "repair of ",
    "start-up to the first heartbeat",
    "resident memory, idle",
    "resident memory after ",
    "at once: runs a second",
    "frames broken, lost or mixed up",
)


@pytest.fixture(scope="module")
def table() -> str:
    """What the quick run prints."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("row", ROWS)
def test_every_figure_is_in_the_table(table: str, row: str) -> None:
    """Each bullet of what was to be measured has its row."""
    assert row in table
