"""What round n costs, when every round before it has left a result of 2 KB."""

from collections.abc import Iterator
from statistics import median

from benchmarks.stage import Sizes, Stage, cpu
from benchmarks.table import Row, Section
from workbench.base.ports import Json
from workbench.bench.scripted import ScriptedTools, ask, calls, says, text_output, tool, tool_call
from workbench.host.daemon import Host
from workbench.host.payload import model_value

_RESULT = "On the 4th of May, 17 trains left; 3 were late: {'a': 1}.\n" * 36
_WINDOW = 2_000_000
_AVERAGED = 10


class _Calling:
    """A model that calls a tool in every round, and reads the plugin's clock at each request."""

    def __init__(self, host: Host, rounds: int) -> None:
        self._host = host
        self._rounds = rounds
        self.clock: list[float] = []

    def answer(self, request: Json) -> Iterator[Json]:
        del request
        self.clock.append(cpu(self._host))
        number = len(self.clock)
        done = number > self._rounds
        reply = (
            says("Done.") if done else calls(tool_call("look", {"q": str(number)}, f"c{number}"))
        )
        for step in reply:
            assert isinstance(step, dict)  # noqa: S101 - a script without waits
            yield step


def measure(stage: Stage, sizes: Sizes) -> list[Section]:
    """Play as many rounds as the longest figure needs, and read the clock on the way."""
    most = max(sizes.rounds)
    played = [
        {name: _clock(host, most) for name, host in stage.hosts.items()}
        for _ in range(sizes.repeats)
    ]
    clocks = {name: [clocks[name] for clocks in played] for name in stage.hosts}
    least = min(sizes.rounds)
    rows: list[Row] = []
    for number in sizes.rounds:
        cost = {name: _cost(clock, number) for name, clock in clocks.items()}
        rows.append(
            Row(
                what=f"CPU of round {number}",
                unit="ms",
                ours=cost["ours"],
                floor=cost["floor"],
                rival=cost["rival"],
                goal="≤ 0.5 × rival",
                most=0.5 * cost["rival"],
            )
        )
    grown = {name: _cost(clock, most) - _cost(clock, least) for name, clock in clocks.items()}
    rows.append(
        Row(
            what=f"growth of our own work from round {least} to {most} (ours less the wire's)",
            unit="ms",
            ours=grown["ours"] - grown["floor"],
            floor=grown["floor"],
            rival=grown["rival"] - grown["floor"],
            goal="≤ the wire's growth",
            most=max(grown["floor"], 0.0),
        )
    )
    return [Section("CPU of round n, results of 2 KB (floor: the same requests, unread)", rows)]


def _clock(host: Host, rounds: int) -> list[float]:
    model = _Calling(host, rounds)
    asked = ask(
        "Look",
        tool("look"),
        model=model_value(context_size=_WINDOW),
        maximum_iterations=rounds + 2,
        instruction="",
    )
    run = host.run(asked, model=model, tools=ScriptedTools(look=_result), timeout=300)
    if len(run.model_calls) != rounds + 1:
        raise RuntimeError(f"{len(run.model_calls)} rounds instead of {rounds + 1}: {run.failure}")
    return model.clock


def _result(request: Json) -> list[Json]:
    return [text_output(f"{request['tool_parameters']['q']}: {_RESULT}")]


def _cost(clocks: list[list[float]], number: int) -> float:
    """Milliseconds from the request of round `number` to the next.

    Averaged over some rounds before; of all times that it was played, the median.
    """
    first = max(number - _AVERAGED, 0)
    return median((clock[number] - clock[first]) / (number - first) * 1000 for clock in clocks)
