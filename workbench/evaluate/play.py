"""Plays tasks: every task in every way, as often as wanted, through the plugin's process."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.base.ports import Json, Model
from workbench.bench.bench import CALLS_TOOLS, PROTOCOLS, RunSetup, declared_features
from workbench.evaluate.first_reply import ModelWithFirstReply
from workbench.evaluate.judge import final_answer, mistakes
from workbench.evaluate.tasks import Task
from workbench.evaluate.toolset import Toolset
from workbench.host.daemon import Host
from workbench.host.payload import history_message, model_value, strategy_parameters
from workbench.host.record import Run
from workbench.host.strategies import Strategy
from workbench.show.transcript import reply

PROTOCOL = "tool_protocol"
AUTO = "auto"
_NOT_BY_ITSELF = ("native", "react")
"""`auto` is native for a model that is said to be, and ReAct has a strategy of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a task is played: which plugin, strategy and protocol."""

    plugin: Path
    strategy: Strategy
    protocol: str | None
    """None: the strategy has no choice."""
    name: str = ""
    """What the table calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """What all runs have in common."""

    model: Model
    name: str
    """The model's name on its server."""
    told: str
    """What the page says of the model."""
    features: Sequence[str] = (CALLS_TOOLS,)
    """What Dify says of it, as `--features` names it."""
    context_size: int = 128_000
    completion: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of the model, such as its temperature."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of the strategy that every task is played with."""
    run_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One run of a task, judged."""

    task: Task
    way: Way
    attempt: int
    """From 1."""
    earlier: Sequence[Run]
    """The turns of the conversation before the one that was judged."""
    run: Run
    setting: RunSetup
    answer: str
    mistakes: Sequence[str]

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return not self.mistakes

    @property
    def runs(self) -> Sequence[Run]:
        """All turns of the conversation."""
        return (*self.earlier, self.run)

    @property
    def rounds(self) -> int:
        """The model calls."""
        return sum(len(run.model_calls) for run in self.runs)

    @property
    def tools(self) -> list[str]:
        """The tools that ran, in the order in which they were called."""
        return [str(call.request.get("tool")) for run in self.runs for call in run.tool_calls]

    @property
    def tokens(self) -> int:
        """What the server counted, of prompts and replies."""
        calls = (call for run in self.runs for call in run.model_calls)
        return sum(reply(call.pieces)["usage"].get("total_tokens") or 0 for call in calls)

    @property
    def seconds(self) -> float:
        """What the runs took."""
        return sum(run.ended_at or 0.0 for run in self.runs)

    def as_json(self) -> Json:
        """Write it as the command prints it."""
        return {
            "task": self.task.name,
            "kind": self.task.kind,
            "plugin": self.way.plugin.name,
            "strategy": self.way.strategy.name,
            "protocol": self.way.protocol,
            "attempt": self.attempt,
            "right": self.right,
            "mistakes": list(self.mistakes),
            "answer": self.answer,
            "tools": self.tools,
            "rounds": self.rounds,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 2),
        }


def ways(plugin: Path, known: Sequence[Strategy], protocols: Sequence[str]) -> list[Way]:
    """Choose the ways of a plugin; without protocols all that make a difference.

    A strategy whose default is not `auto` is one protocol itself; one without the parameter is
    played once.
    """
    return [
        Way(plugin=plugin, strategy=strategy, protocol=protocol)
        for strategy in known
        for protocol in _protocols(strategy, protocols)
    ]


def named(chosen: Sequence[Way]) -> list[Way]:
    """Give each way the shortest name that tells it from the others."""
    schemes: list[Callable[[Way], str]] = [
        lambda way: way.protocol or way.plugin.name,
        lambda way: f"{way.strategy.name} {way.protocol or ''}".strip(),
        lambda way: f"{way.plugin.name} {way.protocol or ''}".strip(),
        lambda way: f"{way.plugin.name} {way.strategy.name} {way.protocol or ''}".strip(),
        lambda way: f"{way.plugin} {way.strategy.name} {way.protocol or ''}".strip(),
    ]
    found = ([scheme(way) for way in chosen] for scheme in schemes)
    names = next((each for each in found if len(set(each)) == len(each)), None)
    # Only the same folder given twice is left; its columns are alike anyway.
    names = names or [str(way.plugin) for way in chosen]
    return [replace(way, name=name) for way, name in zip(chosen, names, strict=True)]


def play(
    tasks: Sequence[Task], chosen: Sequence[Way], player: Player, *, repeat: int, at_once: int
) -> Iterator[Played]:
    """Play everything and yield each run as it ends."""
    with ExitStack() as stack:
        # Hosts stop before the pool is waited for, so that an interrupt ends what still runs.
        pool = stack.enter_context(ThreadPoolExecutor(at_once))
        folders = dict.fromkeys(way.plugin for way in chosen)
        hosts = {folder: stack.enter_context(Host(folder)) for folder in folders}
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        games = [
            pool.submit(_play, task, way, attempt, player, hosts[way.plugin])
            for way in chosen
            for task in tasks
            for attempt in range(1, repeat + 1)
        ]
        for game in as_completed(games):
            yield game.result()


def _protocols(strategy: Strategy, wanted: Sequence[str]) -> Sequence[str | None]:
    if PROTOCOL not in strategy.defaults:
        return [None]
    default = str(strategy.defaults[PROTOCOL] or AUTO)
    if default != AUTO:
        return [default] if not wanted or default in wanted else []
    return list(wanted) or [name for name in PROTOCOLS if name not in _NOT_BY_ITSELF]


def _play(task: Task, way: Way, attempt: int, player: Player, host: Host) -> Played:
    entities = [tool.entity() for tool in task.tools]
    history = [history_message(str(turn["role"]), turn["content"]) for turn in task.history]
    settings = _settings(task, way, player)
    tools, conversation = Toolset(task.tools), uuid.uuid4().hex if task.turns else None
    model = _model(task, player)

    def ask(question: str) -> Run:
        run = host.start(
            strategy_parameters(
                question,
                model=model_value(
                    name=player.name,
                    features=declared_features(player.features, way.protocol),
                    context_size=player.context_size,
                    completion_params=dict(player.completion),
                    history=history,
                ),
                tools=entities,
                **settings,
            ),
            model=model,
            tools=tools,
            strategy=way.strategy.name,
            conversation=conversation,
        )
        host.finish(run, timeout=player.run_seconds)
        return run

    earlier: list[Run] = []
    for question in task.turns:
        earlier.append(ask(question))
        # As Dify's memory does.
        history += [
            history_message("user", question),
            history_message("assistant", earlier[-1].text),
        ]
    run = ask(task.question)
    wrong = mistakes(task, run, earlier)
    setting = RunSetup(
        question=task.question,
        model=player.told,
        tools=[tool.name for tool in task.tools],
        protocol=way.name,
        history=history,
        settings=settings,
    )
    return Played(
        task=task,
        way=way,
        attempt=attempt,
        earlier=earlier,
        run=run,
        setting=setting,
        answer=final_answer(run),
        mistakes=wrong,
    )


def _model(task: Task, player: Player) -> Model:
    if task.first_reply is None:
        return player.model
    return ModelWithFirstReply(player.model, task.first_reply)


def _settings(task: Task, way: Way, player: Player) -> Json:
    """Put a node's defaults, the command's and the task's parameters together."""
    protocol = {} if way.protocol is None else {PROTOCOL: way.protocol}
    wanted = {**way.strategy.given, **player.parameters, **task.parameters, **protocol}
    return {name: value for name, value in wanted.items() if name in way.strategy.defaults}
