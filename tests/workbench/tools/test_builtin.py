"""The built-in tools: right answers, and errors that a model can read."""

import pytest

from workbench.base.ports import AnswerError
from workbench.tools.builtin import BuiltInTools, ToolSources, calculate, current_time


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("23 * 19", "437"),
        ("23 × 19", "437"),
        ("2^10", "1024"),
        ("1,000 + 1", "1001"),
        ("0.1 + 0.2", "0.3"),
        ("-(7 // 2) % 5", "2"),
        ("sqrt(16) + max(1, 2) * pi", "10.2831853072"),
        ("10 / 4", "2.5"),
    ],
)
def test_arithmetic_is_right(expression: str, value: str) -> None:
    """Signs as people write them, exact integers, tidy fractions."""
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "2 +",
        "1 / 0",
        "9 ** 9 ** 9",
        "__import__('os').system('true')",
        "(1).__class__",
        "[1] * 3",
        "'a' * 3",
        "sqrt(-1)",
        "x",
        "(" * 300,
        "1" * 501,
        "10.0 ** 999",
    ],
)
def test_what_is_no_arithmetic_is_refused_quickly(expression: str) -> None:
    """Nothing is evaluated but numbers; nothing runs for hours."""
    with pytest.raises(AnswerError, match="Cannot calculate"):
        calculate(expression)


def test_the_time_is_told_in_a_timezone() -> None:
    """An IANA name is understood and repeated."""
    assert current_time("Asia/Tokyo").endswith("Asia/Tokyo")


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_an_unknown_timezone_is_named(timezone: str) -> None:
    """The model reads what to give instead."""
    with pytest.raises(AnswerError, match="IANA name"):
        current_time(timezone)


def test_a_request_goes_to_the_source_of_its_tool() -> None:
    """Tools are found by provider and name."""
    tools = ToolSources([BuiltInTools()])
    request = {
        "provider": "workbench",
        "tool": "calculator",
        "tool_parameters": {"expression": "1+1"},
    }

    assert [message["message"]["text"] for message in tools.call(request)] == ["2"]
    with pytest.raises(AnswerError, match="not found"):
        list(tools.call({**request, "tool": "oracle"}))
