"""How long the calls of a round wait and run."""

from strategies.agent.interface.events import CallFinished, CallQueued, CallStarted, Event, ToolCall
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.streaming.round_queue import RoundQueue
from strategies.agent.streaming.text_pace import TextPace
from strategies.agent.tools.executor import ToolExecutor

FIRST, SECOND = (ToolCall(name, name, {}, "{}") for name in ("first", "second"))
DONE, STOPPED = ToolOutcome(text="done"), ToolOutcome(text="stopped", error="stopped")


class Moments:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


def one_at_a_time(clock: Moments) -> ToolExecutor:
    """An executor with one place."""
    queue = RoundQueue(TextPace())
    return ToolExecutor(queue, lambda _: "p", parallel=1, tool_seconds=60, clock=clock)


def times(events: list[Event]) -> list[tuple[str, float, float]]:
    """Which calls were finished, and how long each waited and ran."""
    finished = [one for one in events if isinstance(one, CallFinished)]
    return [(one.call.name, one.seconds_waited, one.seconds_run) for one in finished]


def test_a_call_tells_how_long_it_waited_and_how_long_it_ran() -> None:
    """Eight slow tools in four places look slow for a reason that the log must tell."""
    clock = Moments()
    executor = one_at_a_time(clock)
    begun = executor.begin(FIRST, lambda: DONE)
    queued = executor.begin(SECOND, lambda: DONE)
    clock.now = 3.0
    first = executor.came_back("first", DONE)
    clock.now = 5.0
    second = executor.came_back("second", DONE)

    assert begun == [CallStarted(FIRST, "p")]
    assert queued == [CallQueued(SECOND)]
    assert first[1:] == [CallStarted(SECOND, "p")]
    assert times(first + second) == [("first", 0.0, 3.0), ("second", 3.0, 2.0)]


def test_a_call_that_never_began_only_waited() -> None:
    """The run was out of time before there was a place."""
    clock = Moments()
    executor = one_at_a_time(clock)
    executor.begin(FIRST, lambda: DONE)
    executor.begin(SECOND, lambda: DONE)
    clock.now = 4.0

    assert times(executor.give_up_all(STOPPED, STOPPED)) == [
        ("first", 0.0, 4.0),
        ("second", 4.0, 0.0),
    ]


def test_a_refused_call_neither_waits_nor_runs() -> None:
    """It gets its result at once."""
    assert times(one_at_a_time(Moments()).settle(FIRST, STOPPED)) == [("first", 0.0, 0.0)]
