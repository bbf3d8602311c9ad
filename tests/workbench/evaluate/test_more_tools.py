"""Tasks among many tools."""

import pytest

from workbench.evaluate.more_tools import MOST, with_more_tools
from workbench.evaluate.tasks import OWN_TASKS, read_tasks

TASKS = read_tasks([OWN_TASKS])
WITH_TOOLS = next(task for task in TASKS if task.tools)


@pytest.mark.parametrize("count", [50, 200, 500])
def test_a_task_is_offered_as_many_tools_as_wanted(count: int) -> None:
    """Its own among them, each name once, and all can be declared."""
    tools = with_more_tools(WITH_TOOLS, count).tools

    assert len({tool.name for tool in tools}) == len(tools) == count <= MOST
    assert {tool.name for tool in WITH_TOOLS.tools} <= {tool.name for tool in tools}
    assert all(tool.entity()["parameters"] for tool in tools[:5])


def test_few_are_enough() -> None:
    """A task that has as many stays as it is."""
    assert with_more_tools(WITH_TOOLS, 1) is WITH_TOOLS
