"""Which room may import which: the floors of the house, drawn once and held here."""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

BELOW = {
    "strategies.protocols": set[str](),
    "strategies.agent": {"strategies.protocols"},
    "strategies.dify": {"strategies.protocols", "strategies.agent"},
}
"""What each floor of the plugin may import of the plugin, itself aside."""

TOP = {"strategies.dify"}
"""What the files that Dify loads may import; they stand above all floors, imported by nobody."""

WORKBENCH = (
    "base",
    "runtimes",
    "host",
    "model",
    "tools",
    "bench",
    "show",
    "page",
    "evaluate",
    "commands",
)
"""The workbench's rooms from the lowest floor up: each may import those before it."""

ENGINE = (
    *("interface", "streaming", "prompt", "failures", "schema", "window", "tools", "turns"),
    *("config", "model", "decider", "loop", "planning"),
)
"""The engine's rooms and its own files, from the lowest floor up."""

LIBRARIES = {
    "strategies.protocols": set[str](),
    "strategies.agent": {"jsonschema", "referencing", "pydantic_core"},
}
"""What the floors that know nothing of Dify may import besides the standard library."""

TOUCHING_THE_SDKS_PARTS = {"sdk_links", "links", "stdio"}
"""The modules of strategies/dify/transport that no other room imports."""

Imports = Mapping[str, set[str]]


def modules(root: Path, *folders: str) -> dict[str, Path]:
    """Every module below these folders, by its dotted name; an `__init__` has its package's."""
    paths = [path for folder in folders for path in (root / folder).rglob("*.py")]
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }


def named_in(path: Path) -> Iterator[str]:
    """Every dotted name that a file imports, also within a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(root: Path, *folders: str) -> Imports:
    """What each module imports: modules of these folders by their names, others as written."""
    known = modules(root, *folders)
    return {
        module: {
            name if name in known or name.rpartition(".")[0] not in known else parent
            for name in named_in(path)
            for parent in [name.rpartition(".")[0]]
        }
        for module, path in known.items()
    }


def within(module: str, room: str) -> bool:
    """Whether a module stands in a room, or is the room itself."""
    return module == room or module.startswith(f"{room}.")


def breaches(found: Imports) -> list[str]:
    """Every import that the floors forbid, as `importer → imported`."""
    return sorted(
        f"{module} → {target}"
        for module, targets in found.items()
        for target in targets
        if _climbs(module, target) or _is_foreign(module, target) or _opens_the_sdk(module, target)
    )


def _climbs(module: str, target: str) -> bool:
    if within(target, "workbench") or within(target, "tests"):
        return True
    floor = next((floor for floor in BELOW if within(module, floor)), None)
    allowed = {floor, *BELOW[floor]} if floor else TOP
    return within(target, "strategies") and not any(within(target, each) for each in allowed)


def _is_foreign(module: str, target: str) -> bool:
    floor = next((floor for floor in LIBRARIES if within(module, floor)), None)
    top = target.partition(".")[0]
    return floor is not None and top not in {
        "strategies",
        *sys.stdlib_module_names,
        *LIBRARIES[floor],
    }


def _opens_the_sdk(module: str, target: str) -> bool:
    room = "strategies.dify.transport"
    inner = target.removeprefix(f"{room}.").partition(".")[0] in TOUCHING_THE_SDKS_PARTS
    return within(target, room) and inner and not within(module, room)


def climbs(found: Imports, hall: str, floors: Sequence[str]) -> list[str]:
    """Every import of a hall that leads from a room up to a higher one, or out of all rooms."""
    rooms = [f"{hall}.{floor}" for floor in floors]
    return sorted(
        f"{module} → {target}"
        for module, targets in found.items()
        for target in targets
        if _floor(module, rooms) < _floor(target, rooms) and within(target, hall)
    )


def _floor(module: str, rooms: Sequence[str]) -> int:
    # What stands in no room, as the hall's own modules do, is above them all.
    return next((n for n, room in enumerate(rooms) if within(module, room)), len(rooms))


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph, as the names on the way round; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def room_graph(found: Imports, hall: str) -> dict[str, set[str]]:
    """Which rooms of a hall import which; the hall's own modules are everybody's."""
    graph: dict[str, set[str]] = {}
    rooms = {
        ".".join(parts[: hall.count(".") + 2])
        for module in found
        if module.startswith(f"{hall}.") and len(parts := module.split(".")) > hall.count(".") + 2
    }
    for module, targets in found.items():
        for room in (each for each in rooms if within(module, each)):
            graph.setdefault(room, set()).update(
                other for other in rooms - {room} for target in targets if within(target, other)
            )
    return graph


@pytest.fixture(scope="module")
def plugin() -> Imports:
    """What the modules of the plugin import, read once."""
    return imports(ROOT, "strategies")


@pytest.mark.parametrize("folder", ["strategies", "workbench", "benchmarks"])
def test_no_modules_import_each_other_in_a_circle(folder: str) -> None:
    """Neither at the start of a file nor within a function."""
    found = imports(ROOT, folder)

    assert found
    assert (
        circle({module: (names & found.keys()) - {module} for module, names in found.items()}) == []
    )


@pytest.mark.parametrize(
    "hall",
    ["strategies.protocols", "strategies.agent", "strategies.dify", "strategies.dify.inputs"],
)
def test_no_rooms_of_a_hall_import_each_other_in_a_circle(plugin: Imports, hall: str) -> None:
    """So each can be read without the next."""
    assert circle(room_graph(plugin, hall)) == []


def test_no_import_between_the_workbenchs_rooms_climbs() -> None:
    """From the commands down to the ports, one way; so its rooms import in no circle either."""
    found = imports(ROOT, "workbench")
    rooms = {path.parent.name for path in (ROOT / "workbench").glob("*/__init__.py")}

    assert rooms == set(WORKBENCH)
    assert climbs(found, "workbench", WORKBENCH) == []


def test_no_import_within_the_engine_climbs(plugin: Imports) -> None:
    """From a plan over the loop down to the ports, one way."""
    hall = ROOT / "strategies/agent"
    names = {path.parent.name for path in hall.glob("*/__init__.py")}

    assert set(ENGINE) == names | {path.stem for path in hall.glob("[!_]*.py")}
    assert climbs(plugin, "strategies.agent", ENGINE) == []


def test_no_import_of_the_plugin_climbs(plugin: Imports) -> None:
    """Protocols know nothing of the engine, the engine nothing of Dify, nobody the workbench."""
    assert breaches(plugin) == []


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("strategies/protocols/base.py", "from strategies.agent.interface.ports import Usage"),
        ("strategies/protocols/json/span.py", "import strategies.dify.run"),
        ("strategies/protocols/registry.py", "from dify_plugin.entities import tool"),
        ("strategies/agent/loop.py", "from strategies.dify import compose"),
        ("strategies/agent/tools/executor.py", "import dify_plugin"),
        ("strategies/agent/window/fit.py", "import httpx"),
        ("strategies/dify/run.py", "from workbench.runtimes.limits import LONGEST_LINE"),
        ("strategies/dify/run.py", "import tests.conftest"),
        ("strategies/dify/run.py", "import strategies.react"),
        ("strategies/dify/outputs/messages.py", "from strategies.dify.transport import links"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, statement: str) -> None:
    """In a copy of the module, also where it stands within a function."""
    for text in (f"{statement}\n", f"def late():\n    {statement}\n"):
        copy = tmp_path / module
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / module).read_text(encoding="utf-8") + text, encoding="utf-8")

        assert len(breaches(imports(tmp_path, "strategies"))) == 1


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("workbench/runtimes/tcp.py", "from workbench.host.record import Run"),
        ("workbench/show/terminal.py", "from workbench.commands.inputs import read_text"),
        ("workbench/base/ports.py", "import workbench.package"),
    ],
)
def test_a_climbing_import_of_the_workbench_is_found(
    tmp_path: Path, module: str, statement: str
) -> None:
    """Also one from a room into the hall, whose modules stand above all rooms."""
    copy = tmp_path / module
    copy.parent.mkdir(parents=True)
    copy.write_text(f"def late():\n    {statement}\n", encoding="utf-8")

    assert len(climbs(imports(tmp_path, "workbench"), "workbench", WORKBENCH)) == 1


def test_a_circle_is_found(tmp_path: Path) -> None:
    """Of modules, and of rooms whose modules make none."""
    for name, text in {
        "hall/a/one.py": "from hall.b import two\n",
        "hall/b/two.py": "",
        "hall/b/three.py": "from hall.a.four import x\n",
        "hall/a/four.py": "x = 1\n",
        "loop/one.py": "def late():\n    import loop.two\n",
        "loop/two.py": "from loop.one import late\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert circle({**imports(tmp_path, "hall")}) == []
    assert set(circle(room_graph(imports(tmp_path, "hall"), "hall"))) == {"hall.a", "hall.b"}
    assert set(circle({**imports(tmp_path, "loop")})) == {"loop.one", "loop.two"}
