"""The package's content, started in a folder of its own as Dify starts it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from workbench.package import build

ROOT = Path(__file__).parent.parent
LONGEST_START = 20
"""Seconds that the marketplace waits for a plugin."""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the package holds and nothing else."""
    folder = tmp_path_factory.mktemp("unpacked")
    package = build(ROOT, tmp_path_factory.mktemp("dist"))
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


def test_it_introduces_itself_on_standard_output(unpacked: Path) -> None:
    """The first line is the manifest."""
    with started(unpacked, INSTALL_METHOD="local") as output:
        first = until(output, b"\n")

    assert json.loads(first)["name"] == "rondo"


def test_it_serves_when_asked_to(unpacked: Path) -> None:
    """The marketplace waits for this line, then for an answer."""
    port = free_port()
    began = time.monotonic()
    with started(
        unpacked,
        INSTALL_METHOD="serverless",
        SERVERLESS_HOST="127.0.0.1",
        SERVERLESS_PORT=str(port),
    ) as output:
        until(output, b"Serving Flask app")
        took = time.monotonic() - began
        status = health(port)

    assert took < LONGEST_START
    assert status == 200


def test_nothing_is_written_beside_it(unpacked: Path) -> None:
    """Byte code aside, a start leaves the folder as it was."""
    before = contents(unpacked)
    with started(unpacked, INSTALL_METHOD="local") as output:
        until(output, b"\n")

    assert contents(unpacked) == before


def contents(folder: Path) -> set[Path]:
    """The files below `folder`, less byte code."""
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def health(port: int) -> int:
    """The status that the plugin's server answers with, given a moment to begin."""
    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return answer.status
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def started(folder: Path, **environment: str) -> Generator[IO[bytes]]:
    """The output of a plugin process that is ended when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "main"],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    try:
        yield process.stdout
    finally:
        process.kill()
        process.communicate()


def until(stream: IO[bytes], mark: bytes) -> bytes:
    """What `stream` says up to the line with `mark`."""
    said = b""
    for line in stream:
        said += line
        if mark in line:
            return said
    pytest.fail(f"The plugin ended early and said: {said.decode(errors='replace')}")
