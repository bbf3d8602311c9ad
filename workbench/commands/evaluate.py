"""`workbench evaluate`: which protocol suits a model? Play tasks with each, and count."""

import argparse
import fnmatch
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from workbench.base.output import say, say_error, say_json, write_file
from workbench.base.ports import UsageError, WorkbenchError
from workbench.bench.bench import FEATURES, PROTOCOLS, BenchOptions, open_models
from workbench.commands.command_line import Parser
from workbench.commands.options import (
    assignment,
    check_parameters,
    chosen_strategies,
    count,
    features,
    output_file,
    seconds,
)
from workbench.evaluate.more_tools import with_more_tools
from workbench.evaluate.page import evaluation_page
from workbench.evaluate.play import Played, Player, Way, named, play, ways
from workbench.evaluate.table import progress, tables, total
from workbench.evaluate.tasks import OWN_TASKS, Task, read_tasks


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 when everything was played, also where answers are wrong."""
    options = _parser().parse_args(arguments)
    if len(options.model) > 1:
        raise UsageError("An evaluation asks one model: give --model once.")
    tasks = _tasks(options)
    chosen = _ways(options)
    games: list[Played] = []
    try:
        _play(options, tasks, chosen, games)
    finally:  # what was played counts, even when Ctrl-C ends it
        if games:
            _show(options, tasks, chosen, games)
    return 0


def _ways(options: argparse.Namespace) -> list[Way]:
    given = dict(assignment(text) for text in options.set)
    chosen: list[Way] = []
    for folder in options.plugin or [Path.cwd()]:
        known = chosen_strategies(folder.resolve(), options.strategy)
        if not known:
            raise WorkbenchError(f"--plugin {folder}: there is no strategies/*.yaml in it.")
        check_parameters(given, known)
        chosen += ways(folder.resolve(), known, options.protocol)
    if not chosen:
        raise UsageError("No strategy speaks a protocol that was named.")
    return named(chosen)


def _play(
    options: argparse.Namespace, tasks: Sequence[Task], chosen: Sequence[Way], games: list[Played]
) -> None:
    runs = len(tasks) * len(chosen) * options.repeat
    with ExitStack() as stack:
        wanted = BenchOptions(
            plugin=chosen[0].plugin,
            base_url=options.base_url,
            models=options.model,
            api_key_env=options.api_key_env,
        )
        player = _player(options, wanted, stack)
        for game in play(tasks, chosen, player, repeat=options.repeat, at_once=options.parallel):
            games.append(game)
            say_error(progress(len(games), runs, game))
            if options.json:
                say_json(game.as_json())


def _show(
    options: argparse.Namespace,
    tasks: Sequence[Task],
    chosen: Sequence[Way],
    games: Sequence[Played],
) -> None:
    if options.json:
        say_json({"totals": [total(way, games) for way in chosen]})
    else:
        say(tables(tasks, chosen, games))
    if options.html:
        write_file(options.html, evaluation_page(tasks, chosen, games))


def _player(options: argparse.Namespace, wanted: BenchOptions, stack: ExitStack) -> Player:
    name, asked = next(iter(open_models(wanted, stack).items()))
    return Player(
        model=asked.model,
        name=name,
        told=asked.description,
        features=options.features,
        context_size=options.context_size,
        completion={"temperature": options.temperature, "max_tokens": options.max_tokens},
        parameters=dict(assignment(text) for text in options.set),
        run_seconds=options.timeout,
    )


def _tasks(options: argparse.Namespace) -> list[Task]:
    tasks = read_tasks(options.tasks or [OWN_TASKS])
    chosen = [
        task
        for task in tasks
        if (task.quick or not options.quick)
        and (
            not options.task
            or any(
                fnmatch.fnmatch(name, pattern)
                for pattern in options.task
                for name in (task.name, task.kind)
            )
        )
    ]
    chosen = [with_more_tools(task, options.more_tools) for task in chosen]
    if not chosen:
        raise UsageError(f"No task fits. There are: {', '.join(task.name for task in tasks)}.")
    return chosen


def _parser() -> Parser:
    parser = Parser(
        prog="workbench evaluate",
        description="Play tasks with a model in every protocol, and show which answers are right.",
    )
    parser.add_argument(
        "tasks",
        nargs="*",
        type=Path,
        metavar="TASKS",
        help="task files, or folders of them; default: the workbench's own",
    )
    parser.add_argument(
        "--more-tools",
        type=count,
        default=0,
        metavar="N",
        help="offer up to N tools in each task, beside its own such as nobody needs",
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="an OpenAI-compatible server; default: the demo model"
    )
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="its name on that server"
    )
    parser.add_argument(
        "--api-key-env",
        metavar="VARIABLE",
        help="where the key is; default: OPENAI_API_KEY",
    )
    parser.add_argument(
        "--strategy", action="append", default=[], metavar="NAME", help="default: all"
    )
    parser.add_argument(
        "--protocol",
        action="append",
        default=[],
        choices=PROTOCOLS,
        help="may be repeated; default: all that make a difference",
    )
    parser.add_argument(
        "--features",
        type=features,
        default=FEATURES[:1],
        metavar="NAMES",
        help="what Dify says of the model: native (it calls tools itself; the default) or none,"
        " vision and so on",
    )
    parser.add_argument(
        "--plugin",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="default: this directory; may be repeated, to compare with"
        " benchmarks/plugins/rival or an earlier version",
    )
    parser.add_argument(
        "--task",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only tasks of this name or kind, such as 'weather-*'; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="only the tasks marked quick")
    parser.add_argument("--repeat", type=count, default=1, metavar="N", help="N runs of a task")
    parser.add_argument("--parallel", type=count, default=1, metavar="N", help="N runs at once")
    parser.add_argument(
        "--temperature", type=float, default=0.0, metavar="X", help="of the model; default: 0"
    )
    parser.add_argument(
        "--max-tokens", type=count, default=1024, metavar="N", help="of a reply; default: 1024"
    )
    parser.add_argument(
        "--context-size", type=count, default=128_000, metavar="N", help="tokens of its window"
    )
    parser.add_argument(
        "--timeout", type=seconds, default=300.0, metavar="S", help="seconds of a run; default: 300"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="a parameter of the strategy, for every task",
    )
    parser.add_argument("--json", action="store_true", help="every run as a JSON line, then totals")
    parser.add_argument(
        "--html",
        type=output_file,
        metavar="FILE",
        help="write a page on which wrong runs can be opened; a bare name goes into runs/",
    )
    return parser
