"""The same call again: run as long as something comes of it."""

from strategies.agent.tools.repetition import NoProgress, Progress, Repetition, Stuck

ASKED = {"q": "lamps"}


def after(*results: str, name: str = "search") -> Repetition:
    """The memory after one call with these results."""
    memory = Repetition()
    for result in results:
        memory = memory.after(name, ASKED, result)
    return memory


def test_a_new_call_runs() -> None:
    """Nothing is known of it."""
    assert Repetition().seen("search", ASKED) == Progress()


def test_a_call_whose_result_changes_runs_for_ever() -> None:
    """A clock, a job's status, a page after a click."""
    assert after("1 %", "50 %", "50 %", "99 %", "100 %").seen("search", ASKED) == Progress()


def test_a_third_try_with_the_same_result_still_runs() -> None:
    """Twice the same may be chance."""
    assert after("busy", "busy").seen("search", ASKED) == Progress()


def test_after_three_equal_results_the_model_is_told() -> None:
    """With the result, so that it can answer."""
    assert after("none", "none", "none").seen("search", ASKED) == NoProgress("none", 3)


def test_after_the_hint_the_model_is_stuck() -> None:
    """It has been told, and has nothing new to find."""
    assert after("none", "none", "none").hinted().seen("search", ASKED) == Stuck()


def test_another_tool_in_between_is_progress() -> None:
    """It may have changed the world."""
    memory = after("none", "none", "none").hinted().after("click", {}, "clicked")

    assert memory.seen("search", ASKED) == Progress()
    assert memory.after("search", ASKED, "none").seen("search", ASKED) == Progress()


def test_other_arguments_are_another_call() -> None:
    """Even where the result is the same."""
    assert after("none", "none", "none").seen("search", {"q": "bulbs"}) == Progress()
