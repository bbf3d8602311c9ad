"""How a run is shown.

A terminal gets the answer and the log tree live; a pipe gets plain lines; `--json` gets every
message as a JSON line and nothing else.
"""

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from workbench.base.output import plain, put, say, say_json
from workbench.base.ports import Json
from workbench.bench.bench import RunSetup
from workbench.host.record import Received, Run
from workbench.show import transcript
from workbench.show.log_tree import Row, counted, facts, rows

_MARKS = {"start": "…", "success": "✓", "error": "✗"}
_STYLES = {"start": "yellow", "success": "green", "error": "red"}
_SHOWN_LINES = 12
_BRIEF = 200


class View(Protocol):
    """How runs are shown."""

    def open(self, setup: RunSetup) -> None:
        """Say what will run."""
        ...

    def follow(self, run: Run) -> None:
        """Show one run until it ends."""
        ...

    def close(self, runs: Sequence[Run]) -> None:
        """Say how the runs ended."""
        ...


def view(*, as_json: bool) -> View:
    """Choose how to show runs: by the flag, and by what stdout is."""
    if as_json:
        return JsonView()
    return LiveView(Console()) if sys.stdout.isatty() else PlainView()


class JsonView:
    """Everything as it comes, as JSON lines; each run's last line sums it up."""

    def __init__(self) -> None:
        self._setup: RunSetup | None = None

    def open(self, setup: RunSetup) -> None:
        """Keep what is asked for the first line of each run."""
        self._setup = setup

    def follow(self, run: Run) -> None:
        """Print the lines."""
        for line in transcript.lines(run, self._setup):
            say_json(line)

    def close(self, runs: Sequence[Run]) -> None:
        """Say nothing more: every run has told its end."""


class PlainView:
    """The answer as it streams, then the tree."""

    def open(self, setup: RunSetup) -> None:
        """Print the heading."""
        for line in _heading(setup):
            say(line)
        say("")

    def follow(self, run: Run) -> None:
        """Print the text at once as it comes."""
        for received in run.stream():
            put(_text(received))
        say("")

    def close(self, runs: Sequence[Run]) -> None:
        """Print the trees and the ends."""
        for run in runs:
            say("")
            for row in rows(run.logs):
                say(_line(row))
            for ending in _endings(run):
                say(ending)
        if len(runs) > 1:
            say(_together(runs))


class LiveView:
    """Answer and tree, drawn anew as they grow."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def open(self, setup: RunSetup) -> None:
        """Print the heading."""
        for line in _heading(setup):
            self._console.print(Text(line, style="dim"))

    def follow(self, run: Run) -> None:
        """Draw while it runs; then leave the whole answer and the tree on the screen."""
        with self._drawing() as live:
            for _ in run.stream():
                live.update(Group(_last_lines(run.text), _drawn_tree(run)))
        self._console.print()
        self._console.print(Text(run.text))

    def close(self, runs: Sequence[Run]) -> None:
        """Print the trees and the ends."""
        for run in runs:
            self._console.print()
            self._console.print(_drawn_tree(run))
            for ending in _endings(run):
                self._console.print(Text(ending, style="bold green" if run.ok else "bold red"))
        if len(runs) > 1:
            self._console.print(_together(runs))

    @contextmanager
    def _drawing(self) -> Generator[Live]:
        with Live(console=self._console, refresh_per_second=12, transient=True) as live:
            yield live


def _heading(setup: RunSetup) -> list[str]:
    return [
        f"Question: {setup.question}",
        f"Model:    {setup.model}",
        f"Tools:    {', '.join(setup.tools) or 'none'}",
        f"Protocol: {setup.protocol}",
    ]


def _text(received: Received) -> str:
    if received.message.get("type") != "text":
        return ""
    return str(received.message["message"].get("text", ""))


def _line(row: Row) -> str:
    told = f" ({row.facts})" if row.facts else ""
    error = f": {row.error}" if row.error else ""
    return f"{'  ' * row.depth}{_MARKS.get(row.status, '?')} {row.label}{told}{error}"


def _endings(run: Run) -> list[str]:
    models, tools = len(run.model_calls), len(run.tool_calls)
    counts = f"{counted(models, 'model call')}, {counted(tools, 'tool call')}"
    first = f", first text after {run.first_text_at:.2f} s" if run.first_text_at else ""
    seconds = f"{run.ended_at or 0.0:.2f} s{first}"
    totals = facts({**run.usage, "elapsed_time": None})
    lines = [", ".join(part for part in (counts, seconds, totals) if part)]
    lines += [f"Output {name}: {_brief(value)}" for name, value in _outputs(run).items()]
    lines += [
        f"File of {counted(len(file.blob), 'byte')} {_brief(file.meta)}" for file in run.files
    ]
    if run.open_logs:
        lines.append(f"Never finished: {', '.join(str(log['label']) for log in run.open_logs)}")
    lines += [f"Dify would not take this: {problem}" for problem in run.problems]
    if not run.ok:
        lines.append(f"FAILED: {run.failure}")
    return lines


def _outputs(run: Run) -> Json:
    # What is empty tells nothing, and the answer was read above; the page and --json show all.
    return {
        name: value
        for name, value in run.variables.items()
        if value not in ("", [], {}, None)
        and not (isinstance(value, str) and value.strip() in run.text)
    }


def _together(runs: Sequence[Run]) -> str:
    failed = sum(not run.ok for run in runs)
    longest = max(run.ended_at or 0.0 for run in runs)
    return f"{counted(len(runs), 'run')} at once, {failed} failed, the longest took {longest:.2f} s"


def _drawn_tree(run: Run) -> Tree:
    tree = Tree("run", hide_root=True)
    branches: list[Tree] = [tree]
    for row in rows(run.logs):
        style = _STYLES.get(row.status, "")
        label = f"[{style}]{_MARKS.get(row.status, '?')}[/] {escape(row.label)}"
        told = f" [dim]{escape(row.facts)}[/]" if row.facts else ""
        error = f"\n[red]{escape(row.error)}[/]" if row.error else ""
        del branches[row.depth + 1 :]
        branches.append(branches[row.depth].add(label + told + error))
    return tree


def _last_lines(text: str) -> Text:
    lines = text.splitlines()[-_SHOWN_LINES:]
    return Text("\n".join(lines) + "\n")


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=plain)
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}…"
