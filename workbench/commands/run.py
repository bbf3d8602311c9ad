"""`workbench run`: ask a question through the plugin's real process."""

import argparse
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from workbench.base.output import write_file
from workbench.base.ports import Json, UsageError
from workbench.bench.bench import PROTOCOLS, Bench, Question, RunSetup, open_bench
from workbench.commands.command_line import Parser
from workbench.commands.export import add_otlp, send_traces, sender
from workbench.commands.inputs import read_text
from workbench.commands.options import (
    add_bench_options,
    add_parameters,
    check_parameters,
    chosen_strategies,
    count,
    equipment,
    file_name,
    history,
    output_file,
    parameters,
)
from workbench.host.payload import history_message
from workbench.host.record import Run
from workbench.page.pages import page
from workbench.show import terminal, transcript

_QUESTION = "What time is it in Tokyo, and what is 23 × 19?"


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 when every run went well, else 1."""
    options = _parser().parse_args(arguments)
    if len(options.model) > 1:
        raise UsageError("A run asks one model: give --model once.")
    if options.conversation and (options.question or options.parallel > 1):
        raise UsageError("--conversation holds the questions: leave out QUESTION and --parallel.")
    if options.otlp:
        sender()
    elif options.otlp_content:
        raise UsageError("--otlp-content needs a collector: add --otlp URL.")
    view = terminal.view(as_json=options.json)
    question = _question(options)
    check_parameters(question.settings, chosen_strategies(options.plugin, [question.strategy]))
    with open_bench(equipment(options)) as bench:
        turns = _spoken(options.conversation) if options.conversation else (question.text,)
        played = _play(view, bench, question, turns, options)
        if options.html or options.otlp:
            _keep(options, [line for asked, run in played for line in transcript.whole(run, asked)])
    return 0 if all(run.ok for _, run in played) else 1


def _play(
    view: terminal.View,
    bench: Bench,
    question: Question,
    turns: Iterable[str],
    options: argparse.Namespace,
) -> list[tuple[RunSetup, Run]]:
    """Play one turn after the other; each knows what was said before it, as in Dify's memory."""
    played: list[tuple[RunSetup, Run]] = []
    for text in turns:
        asked = replace(question, text=text)
        setup = bench.setup(asked)
        view.open(setup)
        runs = [bench.start(asked) for _ in range(options.parallel)]
        _follow(view, runs)
        view.close(runs)
        played += [(setup, run) for run in runs]
        if runs[0].ok:
            said = [history_message("user", text), history_message("assistant", runs[0].text)]
            question = replace(question, history=[*question.history, *said])
    return played


def _spoken(name: str) -> Iterator[str]:
    """Read what the reader says, one turn a line; `-` is typed between the turns."""
    lines = sys.stdin if name == "-" else read_text(name).splitlines()
    return (line.strip() for line in lines if line.strip())


def _keep(options: argparse.Namespace, lines: Sequence[Json]) -> None:
    if options.html:
        write_file(options.html, page(lines))
    if options.otlp:
        send_traces(lines, options.otlp, content=options.otlp_content)


def _question(options: argparse.Namespace) -> Question:
    return Question(
        text=options.question or _QUESTION,
        conversation=uuid.uuid4().hex if options.conversation else None,
        protocol=options.protocol,
        strategy=options.strategy,
        history=() if options.history is None else history(options.history),
        settings=parameters(options),
    )


def _follow(view: terminal.View, runs: Sequence[Run]) -> None:
    # The first run is shown while it goes on; the others go on beside it.
    if isinstance(view, terminal.JsonView):
        followers = [threading.Thread(target=view.follow, args=(run,)) for run in runs[1:]]
        for follower in followers:
            follower.start()
        view.follow(runs[0])
        for follower in followers:
            follower.join()
    else:
        view.follow(runs[0])
        for run in runs[1:]:
            for _ in run.stream():
                pass


def _parser() -> Parser:
    parser = Parser(
        prog="workbench run",
        description="Ask a question through the plugin's real process, with Dify's daemon played.",
    )
    parser.add_argument("question", nargs="?", help=f"default: {_QUESTION}")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="how the model calls tools")
    parser.add_argument(
        "--strategy", default="function_calling", metavar="NAME", help="default: function_calling"
    )
    add_parameters(parser)
    parser.add_argument(
        "--history", metavar="FILE", help="earlier turns: a JSON list of {role, content}"
    )
    parser.add_argument(
        "--conversation",
        type=file_name,
        metavar="FILE",
        help="turns of one conversation, a line each, instead of a question; - is what you type",
    )
    add_bench_options(parser)
    parser.add_argument("--parallel", type=count, default=1, metavar="N", help="N runs at once")
    parser.add_argument("--json", action="store_true", help="every message as a JSON line")
    parser.add_argument(
        "--html",
        type=output_file,
        metavar="FILE",
        help="write the run as a page to look at; a bare name goes into runs/",
    )
    add_otlp(parser, None)
    return parser
