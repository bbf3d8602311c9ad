"""What an evaluation found, as a table per task and a total per way."""

import statistics
import unicodedata
from collections.abc import Iterator, Sequence

from workbench.base.ports import Json
from workbench.evaluate.play import Played, Way
from workbench.evaluate.tasks import Task
from workbench.show.log_tree import counted

_ANSWER_LENGTH = 160


def progress(number: int, count: int, played: Played) -> str:
    """Say in one line how a run went."""
    mark = "✓" if played.right else "✗"
    why = "" if played.right else f"  {played.mistakes[0]}"
    return (
        f"[{number:>{len(str(count))}}/{count}] {mark} {played.way.name} {played.task.name}"
        f"  {counted(played.rounds, 'round')}, {played.tokens} tokens, {played.seconds:.1f} s{why}"
    )


def tables(tasks: Sequence[Task], ways: Sequence[Way], games: Sequence[Played]) -> str:
    """Write the table of tasks, what was wrong, and the totals."""
    parts = [_by_task(tasks, ways, games), _wrong(games), _totals(ways, games)]
    return "\n\n".join(part for part in parts if part)


def total(way: Way, games: Sequence[Played]) -> Json:
    """Sum up the runs of one way; means are per run."""
    own = [game for game in games if game.way is way]
    return {
        "plugin": way.plugin.name,
        "strategy": way.strategy.name,
        "protocol": way.protocol,
        "right": sum(game.right for game in own),
        "runs": len(own),
        "rounds": _mean([game.rounds for game in own]),
        "tool_calls": _mean([len(game.tools) for game in own]),
        "tokens": _mean([game.tokens for game in own]),
        "seconds": _mean([game.seconds for game in own]),
    }


def _by_task(tasks: Sequence[Task], ways: Sequence[Way], games: Sequence[Played]) -> str:
    rows = [["Task", *(way.name for way in ways)]]
    for task in tasks:
        cells = [_cell([g for g in games if g.task is task and g.way is way]) for way in ways]
        rows.append([task.name, *cells])
    return _columns(rows)


def _cell(games: Sequence[Played]) -> str:
    """Mark and rounds of one run; how many were right of several."""
    rounds = f"{_mean([game.rounds for game in games]):g}"
    right = sum(game.right for game in games)
    if len(games) == 1:
        return f"{'✓' if right else '✗'} {rounds}"
    return f"{right}/{len(games)} {rounds}" if games else "-"


def _wrong(games: Sequence[Played]) -> str:
    return "\n".join(line for game in games if not game.right for line in _told(game))


def _told(game: Played) -> Iterator[str]:
    yield f"✗ {game.way.name} {game.task.name}"
    yield from (f"    {mistake}" for mistake in game.mistakes)
    answer = " ".join(game.answer.split())
    if answer:
        yield f"    Answer: {answer[:_ANSWER_LENGTH]}{'…' * (len(answer) > _ANSWER_LENGTH)}"


def _totals(ways: Sequence[Way], games: Sequence[Played]) -> str:
    rows = [
        ["Plugin", "Strategy", "Protocol", "Right", "Rounds", "Tool calls", "Tokens", "Seconds"]
    ]
    for way in ways:
        told = total(way, games)
        rows.append(
            [
                way.plugin.name,
                way.strategy.name,
                way.protocol or "-",
                f"{told['right']} of {told['runs']}",
                f"{told['rounds']:.2f}",
                f"{told['tool_calls']:.2f}",
                f"{told['tokens']:.0f}",
                f"{told['seconds']:.1f}",
            ]
        )
    return f"{_columns(rows)}\nRounds, tool calls, tokens and seconds are the mean of a run."


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 2) if values else 0.0
