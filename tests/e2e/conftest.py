"""One process of the real plugin for all end-to-end tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.hosting import ROOT
from workbench.host import Host


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """The plugin in its own process, started once and stopped at the end."""
    with Host(ROOT) as running:
        yield running
