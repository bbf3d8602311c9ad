"""docs/ and the pages for contributors: links that lead somewhere, places that exist."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from strategies.agent.interface.events import StopReason
from workbench.bench.faults import read_fault

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples/README.md",
    ROOT / "CONTRIBUTING.md",
]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SENTENCES = 2


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """To a file beside it, and to a heading where one is named."""
    targets = re.findall(r"\]\((?!https?://)([^)]+)\)", path.read_text(encoding="utf-8"))

    for target in targets:
        name, _, heading = target.partition("#")
        file = path.parent / name if name else path
        assert file.is_file(), target
        assert not heading or heading in anchors(file), target


def anchors(file: Path) -> list[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w-]", "", each.lower().replace(" ", "-")) for each in headings]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    """Every path in code marks that begins with a folder of the project."""
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`?((?:strategies|workbench|tests)/[\w/]+\.(?:py|yaml))`?", text)

    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_room_is_on_the_page() -> None:
    """By its path, or beside its neighbours; and none that is not there."""
    rows = re.findall(r"^\| (`(?:strategies|workbench)/[^|]+) \|", ARCHITECTURE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w/]+)`", row)}
    rooms = {
        str(path.parent.relative_to(ROOT))
        for hall in ("strategies", "workbench")
        for path in (ROOT / hall).glob("*/**/__init__.py")
    }

    assert {room for room in rooms if not named_as(room, named)} == set()
    assert {name for name in named if not any(named_as(room, {name}) for room in rooms)} == set()


def named_as(room: str, names: set[str]) -> bool:
    """Whether one of the names is this room's path, or its end."""
    return any(room == name or room.endswith(f"/{name}") for name in names)


def test_every_room_says_what_it_is_for_and_what_it_may_not_touch() -> None:
    """In two sentences or more."""
    silent = [
        str(path.relative_to(ROOT))
        for hall in ("strategies", "workbench")
        for path in (ROOT / hall).glob("*/**/__init__.py")
        if len(re.findall(r"\.(?=\s|$)", documented(path))) < SENTENCES
    ]

    assert silent == []


def documented(path: Path) -> str:
    """The docstring of a file."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def test_every_stop_reason_is_explained() -> None:
    """In the page about errors, and no other."""
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    table = text.split("## Why a run ended")[1].split("##")[0]

    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(
        get_args(StopReason.__value__)
    )


def test_what_was_tried_says_when() -> None:
    """Every row of every table on load and faults ends with a day."""
    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\|.*\|\n\| ?-.*\n((?:\|.*\n?)+)", text, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]

    assert rows
    assert [row for row in rows if not re.search(r"\| \d{4}-\d\d-\d\d \|$", row)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_faults_that_are_shown_can_be_injected(path: Path) -> None:
    """Each is read by the command line."""
    for fault in re.findall(r"--fault (\w+:\w+@\d)", path.read_text(encoding="utf-8")):
        assert read_fault(fault)
