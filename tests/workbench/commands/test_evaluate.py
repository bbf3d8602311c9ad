"""`workbench evaluate` in a process of its own, on the throw-away plugin and the demo model."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workbench.tiny import write_plugin
from workbench.base.ports import Json
from workbench.bench.scripted import ROOT
from workbench.commands.options import chosen_strategies
from workbench.evaluate.play import named, ways

TASKS = """\
tools:
  calculator:
    description: Work out an arithmetic expression.
    parameters: {expression: "The expression, such as 23 * 19"}
    calculates: "{expression}"
tasks:
  - {name: right-one, kind: sums, quick: true, question: "What is 23 × 19?", answer: 437, calls: calculator}
  - {name: wrong-one, kind: sums, question: "What is 23 × 19?", answer: 438, calls: calculator}
"""  # noqa: E501


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The throw-away plugin's directory, with a task file in it."""
    plugin = write_plugin(tmp_path_factory.mktemp("plugin"))
    (plugin / "tasks.yml").write_text(TASKS, encoding="utf-8")
    return plugin


def evaluate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "workbench", "evaluate", str(folder / "tasks.yml")]
    return subprocess.run(
        [*command, "--plugin", str(folder), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_table_tells_right_from_wrong(folder: Path, tmp_path: Path) -> None:
    """Progress goes to stderr; the page holds the wrong run whole."""
    page = tmp_path / "page.html"
    done = evaluate(folder, "--html", str(page))
    lines = done.stdout.splitlines()

    assert done.returncode == 0, done.stderr
    assert [line.split() for line in lines[1:3]] == [
        ["right-one", "✓", "2"],
        ["wrong-one", "✗", "2"],
    ]
    assert "    The answer does not hold 438." in lines
    assert any("function_calling" in line and "1 of 2" in line for line in lines)
    assert "[2/2]" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert "The answer does not hold 438." in text
    assert text.count('"type":"begin"') == 1


def test_json_is_a_line_for_each_run_and_one_for_the_totals(folder: Path) -> None:
    """As often as wanted, and only the tasks that were named."""
    done = evaluate(folder, "--json", "--repeat", "2", "--task", "right-*")
    lines: list[Json] = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stderr
    assert [(line["task"], line["attempt"], line["right"]) for line in lines[:-1]] == [
        ("right-one", 1, True),
        ("right-one", 2, True),
    ]
    assert lines[-1]["totals"][0]["right"] == 2
    assert lines[-1]["totals"][0]["tokens"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "x=1"], "There is no parameter 'x'"),
        (["--features", "vison"], "vision"),
        (["--task", "no-such"], "No task fits. There are: right-one, wrong-one."),
        (["--strategy", "dance"], "There is no strategy 'dance'"),
        (["--protocol", "morse"], "--protocol"),
        (["--model", "m"], "--base-url"),
        (["--timeout", "0"], "0 is not a time above 0"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder: Path, arguments: list[str], words: str) -> None:
    """What is wrong, and what there is."""
    done = evaluate(folder, *arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_ways_are_those_that_make_a_difference() -> None:
    """`auto` is native by itself, ReAct has its own strategy, the rival has no choice."""
    known = chosen_strategies(ROOT, [])
    ours = [(way.strategy.name, way.protocol) for way in ways(ROOT, known, ())]
    named = [(way.strategy.name, way.protocol) for way in ways(ROOT, known, ("react",))]
    folder = ROOT / "benchmarks" / "plugins" / "rival"
    rival = ways(folder, chosen_strategies(folder, []), ())

    assert ours[0] == ("function_calling", "auto")
    assert ("function_calling", "native") not in ours
    assert ours[-1] == ("react", "react")
    assert ("function_calling", "react") in named
    assert ("plan_and_execute", "react") in named
    assert [way.protocol for way in rival] == [None]


def test_each_way_has_the_shortest_name_that_tells_it_apart() -> None:
    """The protocol, and the strategy or the plugin where that is not enough."""
    known = chosen_strategies(ROOT, [])
    folder = ROOT / "benchmarks" / "plugins" / "rival"
    rival = ways(folder, chosen_strategies(folder, []), ())
    of_calling = [one for one in known if one.name == "function_calling"]
    hermes = ways(ROOT, of_calling, ("hermes",))
    both = [way for way in ways(ROOT, known, ("react",)) if way.strategy.name != "plan_and_execute"]
    floor = [replace(way, plugin=folder.parent / "floor") for way in hermes]

    assert [way.name for way in named([*hermes, *rival])] == ["hermes", "rival"]
    assert [way.name for way in named(both)] == ["function_calling react", "react react"]
    assert [way.name for way in named([*hermes, *floor])] == [f"{ROOT.name} hermes", "floor hermes"]
