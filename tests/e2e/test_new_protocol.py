"""The protocol that docs/protocols.md adds: one folder, one row, and the plugin speaks it."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_wire import assert_clean, labels
from workbench.bench.scripted import (
    ROOT,
    ScriptedModel,
    ScriptedTools,
    ask,
    says,
    text_output,
    tool,
)
from workbench.host.daemon import Host
from workbench.package import build

LONGEST = 100
"""Lines that a protocol may take."""


def example() -> str:
    """The protocol that the documentation shows."""
    told = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", told, re.DOTALL)
    return code


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The package with the protocol added, in a process of its own."""
    folder = tmp_path_factory.mktemp("extended")
    with zipfile.ZipFile(build(ROOT, tmp_path_factory.mktemp("dist")).path) as archive:
        archive.extractall(folder)
    add(folder / "strategies/protocols")
    with Host(folder, runtime="stdio") as running:
        yield running


def add(protocols: Path) -> None:
    """Add the folder and the row."""
    (protocols / "angle").mkdir()
    (protocols / "angle/__init__.py").write_text('"""Calls between angles."""\n', encoding="utf-8")
    (protocols / "angle/protocol.py").write_text(example(), encoding="utf-8")
    registry = protocols / "registry.py"
    rows = registry.read_text(encoding="utf-8")
    row = "from strategies.protocols.angle.protocol import ANGLE\n"
    changed = rows.replace("REACT)", "REACT, ANGLE)").replace("\nfrom ", f"\n{row}from ", 1)
    registry.write_text(changed, encoding="utf-8")


def test_it_is_short() -> None:
    """A protocol of its own is an afternoon's work."""
    assert len(example().splitlines()) <= LONGEST


def test_a_run_is_played_in_it(extended: Host) -> None:
    """It is described, its call runs, the result goes back, and the answer is shown."""
    call = '<<call look {"q": "<<lamps>>"}>>'
    model = ScriptedModel(says(f"I will look.\n{call}", pieces=9), says("A << B: a lamp."))
    run = extended.run(
        ask("What?", tool("look"), tool_protocol="angle"),
        model=model,
        tools=ScriptedTools(look=[text_output("bright")]),
    )
    first, second = (request["prompt_messages"] for request in model.requests)

    assert_clean(run)
    assert "<<call NAME" in first[0]["content"]
    assert [turn["content"] for turn in second[-2:]] == [f"I will look.\n{call}", "=> bright"]
    assert labels(run)[0] == "ROUND 1 → look"
    assert run.variables["answer"].strip() == "A << B: a lamp."
