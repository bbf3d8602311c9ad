"""One process of the throw-away plugin for the tests of the host."""

from collections.abc import Iterator

import pytest

from tests.workbench.tiny import write_plugin
from workbench.host.daemon import Host


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host of the throw-away plugin."""
    with Host(write_plugin(tmp_path_factory.mktemp("tiny"))) as running:
        yield running
