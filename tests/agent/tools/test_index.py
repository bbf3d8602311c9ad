"""Finding tools by words."""

import time

import pytest

from strategies.agent.tools.index import ToolIndex
from strategies.protocols.base import ToolSpec

VERBS = [
    *("create", "list", "delete", "update", "search"),
    *("get", "send", "archive", "merge", "assign"),
]
NOUNS = [
    f"{what}_{of}"
    for what in ("issue", "invoice", "ticket", "order", "page")
    for of in "abcdefghij"
]


def spec(name: str, description: str = "", **parameters: str) -> ToolSpec:
    """A tool whose parameters have descriptions."""
    properties = {one: {"type": "string", "description": told} for one, told in parameters.items()}
    return ToolSpec(
        name=name,
        description=description,
        parameters={"type": "object", "properties": properties},
    )


TOOLS = [
    spec("github_create_issue", "Opens an issue in a repository.", title="What it is about"),
    spec("github_merge_branch", "Merges one branch into another."),
    spec("getWeatherForecast", "Tells the weather of the next days.", city="Where"),
    spec("erp_post", "Books a document.", invoice_number="The number of the invoice"),
    spec("calendar_list", "Lists the meetings of a day."),
    spec("kuaidi", "查询快递的物流状态", danhao="快递单号"),
    spec("tianqi", "查询城市的天气预报", chengshi="城市名称"),
    spec("send_email", "Sends a message to an address."),
]
INDEX = ToolIndex(TOOLS, {tool.name: "acme/suite/office" for tool in TOOLS[-1:]})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("merging branches", "github_merge_branch"),
        ("create an issue", "github_create_issue"),
        ("forecasts", "getWeatherForecast"),
        ("GET_WEATHER", "getWeatherForecast"),
        ("book the invoices", "erp_post"),
        ("which meeting do I have", "calendar_list"),
        ("我的快递到哪里了？", "kuaidi"),
        ("北京明天的天气怎么样", "tianqi"),
        ("office", "send_email"),
    ],
)
def test_a_tool_is_found_by_its_words(query: str, found: str) -> None:
    """By names parted at `_` and in camelCase, stems, parameters, provider, and in Chinese."""
    assert INDEX.best(query, 3)[0] == found


@pytest.mark.parametrize("query", ["", "   ", "zzz", "what is the", "的了吗", "!?", "\ud800"])
def test_nothing_fits_words_that_say_nothing(query: str) -> None:
    """Common words and noise find no tool, and no text raises."""
    assert INDEX.best(query, 3) == []


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    """What all tools say tells nothing about one of them."""
    tools = [spec(f"get_{noun}", "Gets a record of the workspace.") for noun in NOUNS]
    tools.append(spec("reboot", "Restarts a server of the workspace."))

    assert ToolIndex(tools, {}).best("restart the workspace server", 1) == ["reboot"]


def test_odd_schemas_do_no_harm() -> None:
    """A description may be missing or of another type, a property no object at all."""
    odd = {"type": "object", "properties": {"a": True, "b": {"description": ["x"]}, "c": {}}}
    index = ToolIndex([ToolSpec(name="odd_one", description="", parameters=odd)], {})

    assert index.best("odd", 1) == ["odd_one"]
    assert ToolIndex([], {}).best("odd", 1) == []


def test_a_search_among_500_tools_takes_little_of_the_processor() -> None:
    """Some 0.3 ms; the limit is far above it because machines differ."""
    tools = [
        spec(f"{verb}_{noun}", f"{verb}s a {noun} in the workspace, by its number.", number="N")
        for noun in NOUNS
        for verb in VERBS
    ]
    index = ToolIndex(tools, {})
    started = time.process_time()
    for _ in range(20):
        index.best("Please merge the invoice and send it to the customer of the order", 8)

    assert len(tools) == 500
    assert (time.process_time() - started) / 20 < 0.05
