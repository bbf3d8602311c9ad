"""One process of the real plugin for all end-to-end tests of a worker, in each runtime asked for.

A test gets the local runtime; `@pytest.mark.runtimes("stdio", "tcp", "http")`, on a test or as
`pytestmark` of a file, runs it in each of these. `stdio-sdk` and the like are the same runtimes on
the SDK's own links (`EVERY` names all six).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import override

import pytest

from workbench.bench.scripted import ROOT
from workbench.host.daemon import Host
from workbench.runtimes.limits import DAEMON, Limits
from workbench.runtimes.links import Runtime

EVERY = ("stdio", "tcp", "http", "stdio-sdk", "tcp-sdk", "http-sdk")
_RUNTIMES: dict[str, Runtime] = {"stdio": "stdio", "tcp": "tcp", "http": "http"}


class SdkHost(Host):
    """A host of the plugin on the SDK's own links."""

    @override
    def start_plugin(self) -> None:
        os.environ["RONDO_LINKS"] = "sdk"
        try:
            super().start_plugin()
        finally:
            del os.environ["RONDO_LINKS"]


def host_of(name: str, *, plugin: Path = ROOT, limits: Limits = DAEMON) -> Host:
    """Make the host of one of `EVERY`."""
    runtime, _, links = name.partition("-")
    return (SdkHost if links else Host)(plugin, runtime=_RUNTIMES[runtime], limits=limits)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "runtimes(*names): the runtimes in which a test is run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of the host once in each of their runtimes."""
    if "host" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("runtimes")
        names = mark.args if mark else ("stdio",)
        metafunc.parametrize("host", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """The plugin in its own process, started once and stopped at the end."""
    with host_of(request.param) as running:
        yield running
