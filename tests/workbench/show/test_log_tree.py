"""The log tree in the terminal: each thing is said once."""

from workbench.base.ports import Json
from workbench.show.log_tree import Row, rows


def row(label: str, error: str | None = None, **metadata: object) -> Row:
    """The row of one log."""
    log: Json = {"id": "a", "label": label, "status": "success", "metadata": metadata}
    return rows([log | {"error": error}])[0]


def test_an_error_that_the_label_says_is_not_repeated() -> None:
    """One that is shortened there stands there whole; another one stands beside the label."""
    assert row("✗ CALL mail → no such box", "no such box").error is None
    shortened = row("✗ CALL mail → no such…", "no such box, and none like it")
    assert (shortened.label, shortened.error) == (
        "CALL mail → no such box, and none like it",
        None,
    )
    assert row("✗ STEP 1 → a plan", "no such box").error == "no such box"


def test_a_notice_of_a_failure_is_marked_as_one() -> None:
    """Its log has succeeded, and its label says that something else has not."""
    assert row("✗ PLAN unreadable, function calling").status == "error"
    assert row("PLAN → 2 steps").status == "success"


def test_tokens_that_the_label_says_are_not_repeated() -> None:
    """A round has them only among its facts."""
    assert row("qwen Thought → 50 tokens", total_tokens=50).facts == ""
    assert row("qwen Thought → 1 token", total_tokens=1).facts == ""
    assert row("ROUND 1 → answer", total_tokens=50).facts == "50 tokens"


def test_a_short_time_is_not_rounded_to_nothing() -> None:
    """It is told in thousandths."""
    assert row("CALL clock → 12:00", elapsed_time=0.003).facts == "3 ms"
    assert row("CALL clock → 12:00", elapsed_time=0.0).facts == "1 ms"
    assert row("CALL clock → 12:00", elapsed_time=0.31).facts == "0.31 s"
