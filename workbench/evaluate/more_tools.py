"""Tools that no task needs, as MCP servers bring them by the hundred."""

from dataclasses import replace
from itertools import product

from workbench.evaluate.tasks import Task
from workbench.evaluate.toolset import Tool, read_tool

_DOES = {
    "create": "Creates",
    "list": "Lists",
    "update": "Changes",
    "delete": "Deletes",
    "archive": "Archives",
    "share": "Shares",
    "export": "Exports",
    "restore": "Restores",
    "assign": "Assigns",
    "tag": "Tags",
}
_WITH = (
    *("invoice", "ticket", "branch", "repository", "dashboard", "alert", "campaign", "lead"),
    *("contract", "candidate", "shipment", "warehouse", "playlist", "podcast", "survey", "form"),
    *("backup", "server", "certificate", "domain", "payslip", "timesheet", "lesson", "quiz"),
    *("recipe", "reservation", "vehicle", "meter", "sensor", "layer", "mesh", "texture"),
    *("clause", "lawsuit", "patient", "prescription", "grant", "citation", "dataset", "notebook"),
    *("wallet", "ledger", "policy", "claim", "auction", "bid", "fixture", "referee", "gate"),
    "seat",
)
MOST = len(_DOES) * len(_WITH)


def with_more_tools(task: Task, count: int) -> Task:
    """Offer up to so many tools in a task; a task without tools stays as it is."""
    missing = count - len(task.tools)
    if missing <= 0 or not task.tools:
        return task
    own = {tool.name for tool in task.tools}
    others = [_tool(verb, noun) for noun, verb in product(_WITH, _DOES)]
    more = [tool for tool in others if tool.name not in own][:missing]
    return replace(task, tools=(*more, *task.tools))


def _tool(verb: str, noun: str) -> Tool:
    return read_tool(
        f"{noun}_{verb}",
        {
            "description": f"{_DOES[verb]} a {noun} of the workspace. Use it when the user speaks"
            f" of a {noun} by its number or title. Returns what the {noun} is like afterwards.",
            "parameters": {
                f"{noun}_id": f"The number of the {noun}, such as 4711.",
                "title?": f"The title of the {noun}, where no number is known.",
                "reason?": "Why it is done, for the record of the workspace.",
            },
            "returns": f"There is no such {noun}.",
        },
        noun,
    )
