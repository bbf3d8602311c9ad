"""One process of the real plugin for all end-to-end tests of a worker, in each runtime asked for.

A test gets the local runtime; `@pytest.mark.runtimes("stdio", "tcp", "http")`, on a test or as
`pytestmark` of a file, runs it in each of these.
"""

from collections.abc import Iterator

import pytest

from workbench.host.daemon import Host
from workbench.scripted import ROOT


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
    with Host(ROOT, runtime=request.param) as running:
        yield running
