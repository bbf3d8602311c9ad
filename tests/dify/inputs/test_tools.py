"""Dify's tools as a model and its provider see them."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from strategies.dify.inputs.tools import DifyTool, only_allowed, read_tools
from tests.dify.entities import cpu_seconds, parameter, tool


def read(*items: Any) -> list[DifyTool]:
    """Read tools that are all readable."""
    tools, unreadable = read_tools(items)
    assert unreadable == []
    return tools


def schema_of(**fields: Any) -> Any:
    """Read one parameter and return its schema."""
    parameters: Any = read(tool("search", parameter(**fields)))[0].spec.parameters
    return parameters["properties"]["q"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A parameter as Dify has it and its schema."""

    id: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    expected: dict[str, Any]


def by_id(case: Case) -> str:
    """Name a case."""
    return case.id


SAID = "What q is."
SCHEMAS = [
    Case(id="string", expected={"type": "string", "description": SAID}),
    Case(
        id="number with a range",
        fields={"type": "number", "min": 1, "max": 10, "default": 5},
        expected={"type": "number", "description": f"{SAID} (from 1, up to 10, default 5)"},
    ),
    Case(
        id="select",
        fields={
            "type": "select",
            "options": [{"value": "a"}, {"value": 2}, {"value": None}, None, {"value": "a"}],
        },
        expected={"type": "string", "description": SAID, "enum": ["a", "2"]},
    ),
    Case(
        id="select without options",
        fields={"type": "select", "options": None},
        expected={"type": "string", "description": SAID},
    ),
    Case(
        id="boolean",
        fields={"type": "boolean", "default": False},
        expected={"type": "boolean", "description": f"{SAID} (default false)"},
    ),
    Case(
        id="checkbox",
        fields={"type": "checkbox"},
        expected={"type": "boolean", "description": SAID},
    ),
    Case(
        id="array",
        fields={"type": "array"},
        expected={"type": "array", "description": SAID, "items": {"type": "string"}},
    ),
    Case(id="object", fields={"type": "object"}, expected={"type": "object", "description": SAID}),
    Case(id="any", fields={"type": "any"}, expected={"type": "string", "description": SAID}),
    Case(
        id="unknown type",
        fields={"type": "hologram"},
        expected={"type": "string", "description": SAID},
    ),
    Case(
        id="type a list",
        fields={"type": []},
        expected={"type": "string", "description": SAID},
    ),
    Case(id="type null", fields={"type": None}, expected={"type": "string", "description": SAID}),
    Case(
        id="no description",
        fields={"llm_description": None, "human_description": None},
        expected={"type": "string", "description": ""},
    ),
    Case(
        id="description for people",
        fields={"llm_description": " ", "human_description": {"zh_Hans": "关键词"}},
        expected={"type": "string", "description": "关键词"},
    ),
    Case(
        id="declared",
        fields={"type": "number", "input_schema": {"type": "integer", "minimum": 1}},
        expected={"type": "integer", "minimum": 1, "description": SAID},
    ),
    Case(
        id="declared without a type",
        fields={"type": "number", "input_schema": {"title": "Q"}},
        expected={"title": "Q", "type": "number", "description": SAID},
    ),
    Case(
        id="declared as one of several",
        fields={"input_schema": {"anyOf": [{"type": "string"}]}},
        expected={"anyOf": [{"type": "string"}], "description": SAID},
    ),
    Case(
        id="declared array without items",
        fields={"type": "array", "input_schema": {"type": "array"}},
        expected={"type": "array", "description": SAID, "items": {"type": "string"}},
    ),
    Case(
        id="declared as text",
        fields={"input_schema": "{}"},
        expected={"type": "string", "description": SAID},
    ),
    Case(
        id="declared as list",
        fields={"input_schema": [1]},
        expected={"type": "string", "description": SAID},
    ),
]


@pytest.mark.parametrize("case", SCHEMAS, ids=by_id)
def test_a_parameter_has_a_schema_that_every_provider_takes(case: Case) -> None:
    """Type, description, items and enum of text are what model plugins read without looking."""
    assert schema_of(**case.fields) == case.expected


def test_the_schema_names_what_is_required_even_when_nothing_is() -> None:
    """Tongyi's plugin ends the run with "Error: 'required'" where the key is missing (mcp#8)."""
    plain = read(tool("now"))[0].spec.parameters
    strict = read(tool("search", parameter(required=True), parameter("n")))[0].spec.parameters

    assert plain == {"type": "object", "properties": {}, "required": []}
    assert strict["required"] == ["q"]


def test_values_that_the_builder_fixed_are_never_shown() -> None:
    """The model can neither see nor override them (T10); a null fixes nothing."""
    [read_tool] = read(
        tool(
            "search",
            parameter("site", form="form"),
            parameter("q", required=True),
            parameter("n", form="llm"),
            parameter("lang", form="llm", required=True),
            parameter("internal", form="schema"),
            runtime_parameters={"site": "example.org", "lang": "en", "q": None},
        )
    )
    parameters: Any = read_tool.spec.parameters

    assert list(parameters["properties"]) == ["q", "n"]
    assert parameters["required"] == ["q"]
    assert read_tool.runtime_parameters == {"site": "example.org", "lang": "en"}


@pytest.mark.parametrize("kind", ["file", "files", "system-files"])
def test_file_parameters_are_not_shown_as_text(kind: str) -> None:
    """No model can write a file."""
    parameters: Any = read(tool("read", parameter("f", type=kind)))[0].spec.parameters

    assert parameters["properties"] == {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A tool's description as Dify has it and what the model reads."""

    id: str
    entity: dict[str, Any]
    expected: str


DESCRIPTIONS = [
    Described(id="for models", entity=tool(), expected="What search does."),
    Described(
        id="for people",
        entity=tool(description={"human": {"en_US": "For people."}, "llm": " "}),
        expected="For people.",
    ),
    Described(
        id="in another language",
        entity=tool(description={"human": {"zh_Hans": "搜索"}, "llm": None}),
        expected="搜索",
    ),
    Described(id="null", entity=tool(description=None), expected="Label of search"),
    Described(id="plain text", entity=tool(description="Finds."), expected="Finds."),
    Described(
        id="nothing at all",
        entity=tool(description=None, identity={"name": "search", "provider": "p", "label": None}),
        expected="search",
    ),
]


@pytest.mark.parametrize("case", DESCRIPTIONS, ids=lambda case: case.id)
def test_a_tool_always_has_a_description(case: Described) -> None:
    """Bedrock refuses a tool without one."""
    assert read(case.entity)[0].spec.description == case.expected


def test_tools_of_one_name_are_both_offered_and_reach_their_own_provider() -> None:
    """The official strategy sent one name twice and always ran the last provider (W44)."""
    google, bing, other = read(
        tool("search"),
        tool("search", provider="langgenius/bing/bing"),
        tool("weather"),
    )

    assert google.spec.name == "google__search"
    assert bing.spec.name == "bing__search"
    assert (google.provider, google.name) == ("langgenius/google/google", "search")
    assert other.spec.name == "weather"


def test_names_that_only_become_equal_by_mapping_are_kept_apart() -> None:
    """Every character that a provider rejects becomes the same one."""
    tools = read(tool("get.time"), tool("get time"), tool("get_time"))

    assert len({one.spec.name for one in tools}) == 3


NAMES = [
    "get.time",
    "搜索",
    "查询weather",
    "3d_model",
    "-x",
    "a" * 200,
    "🔧",
    "名" * 100,
    "with space",
    "/path/{id}",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_providers_reject_is_mapped(name: str) -> None:
    """OpenAI's rule for names, and Gemini's that the first character is a letter (mcp#106)."""
    [read_tool] = read(tool(name))

    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", read_tool.spec.name)
    assert read_tool.name == name


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameless:
    """A tool whose name has nothing that providers take."""

    name: str = "搜索"
    label: Any = None
    provider: str = "workbench"
    expected: str
    title: str = "搜索"


NAMELESS = [
    Nameless(label={"en_US": "Search the Web!"}, expected="search_the_web"),
    Nameless(label={"en_US": "3D search"}, expected="tool_3d_search"),
    Nameless(label={"en_US": "搜索"}, expected="workbench_tool"),
    Nameless(expected="workbench_tool"),
    Nameless(provider="author/amap/amap-maps", expected="amap-maps_tool"),
    Nameless(provider="高德 maps", expected="maps_tool"),
    Nameless(provider="高德", expected="tool"),
    Nameless(provider="5f0c7d3e-2d53-4f4f-9c55-1d5f6d6f0a11", expected="tool"),
    Nameless(name="🔧", expected="workbench_tool", title="🔧"),
    Nameless(name="🔧", label={"en_US": "Wrench"}, expected="wrench", title="Wrench"),
    Nameless(name="查询 weather", expected="_weather", title="查询 weather"),
    Nameless(name="weather", label={"en_US": "天气"}, expected="weather", title="weather"),
]


def nameless(case: Nameless) -> dict[str, Any]:
    """Write a case's tool as Dify has it."""
    identity = {"name": case.name, "label": case.label, "provider": case.provider}
    return tool(case.name, identity=identity)


@pytest.mark.parametrize("case", NAMELESS, ids=str)
def test_a_name_without_letters_gives_way_to_one_that_says_something(case: Nameless) -> None:
    """The English label, or whose tool it is; the builder goes on seeing the name in Dify."""
    [read_tool] = read(nameless(case))

    assert (read_tool.spec.name, read_tool.title) == (case.expected, case.title)
    assert read_tool.name == case.name


def test_names_without_letters_are_numbered_where_they_would_be_equal() -> None:
    """In the order of the node; labels that are equal are told apart by their providers."""
    maps = [tool(name, provider="a/amap/maps") for name in ("搜索", "天气", "路线")]
    for item in maps:
        item["identity"]["label"] = None
    same = [nameless(Nameless(label={"en_US": "Go"}, provider=p, expected="")) for p in ("x", "y")]
    unknown = [nameless(Nameless(name=name, provider="库", expected="")) for name in ("甲", "乙")]
    offered = [one.spec.name for one in read(*maps, *same, *unknown)]

    assert offered == [
        "maps_tool",
        "maps_tool_2",
        "maps_tool_3",
        "x__go",
        "y__go",
        "tool",
        "tool_2",
    ]


def test_tools_of_one_name_are_numbered_where_the_provider_says_nothing() -> None:
    """Providers of API tools are called by a UUID."""
    first = tool("search", provider="5f0c7d3e-2d53-4f4f-9c55-1d5f6d6f0a11")
    second = tool("search", provider="0a9b7d3e-2d53-4f4f-9c55-1d5f6d6f0a12")

    assert [one.spec.name for one in read(first, second)] == ["search", "search_2"]
    assert [one.title for one in read(first, second)] == ["search", "search_2"]


def test_a_name_that_the_model_does_not_see_stands_in_the_description() -> None:
    """The builder's instruction may speak of the tool by that name."""
    tools = read(
        tool("搜索", description="Finds pages."),
        tool("天气", description="天气 of today"),
        tool("路线", description=None, identity={"name": "路线", "provider": "maps"}),
        tool("search", description="Finds pages."),
    )

    assert [one.spec.description for one in tools] == [
        "搜索: Finds pages.",
        "天气 of today",
        "路线",
        "Finds pages.",
    ]


@pytest.mark.timed
def test_two_hundred_tools_of_hard_names_are_unique_and_quick() -> None:
    """Long names, Chinese names and equal names, all at once."""
    items = [tool("搜索" * (n % 3), provider=f"a/b/p{n}") for n in range(1, 100) if n % 3]
    items += [tool("x" * 80, provider=f"a/b/{'y' * 60}{n}") for n in range(134)]
    tools: list[DifyTool] = []
    seconds = cpu_seconds(lambda: tools.extend(read(*items)))

    assert len(tools) == 200
    assert len({one.spec.name for one in tools}) == 200
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one.spec.name) for one in tools)
    assert seconds < 1


def test_the_same_tool_twice_is_offered_once() -> None:
    """The editor lets a builder add a tool again."""
    assert len(read(tool(), tool())) == 1


def test_one_tool_with_two_accounts_is_two_tools() -> None:
    """The accounts may see different things, so neither may stand for the other (T10)."""
    first, second = read(tool(credential_id="a"), tool(credential_id="b"))

    assert first.spec.name != second.spec.name
    assert (first.credential_id, second.credential_id) == ("a", "b")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("builtin", "builtin"), ("mcp", "mcp"), (None, "builtin"), ("plugin", "builtin")],
)
def test_the_provider_type_is_one_that_dify_takes_back(given: Any, expected: str) -> None:
    """Plugins' tools are called built-in; `plugin` would be refused."""
    assert read(tool(provider_type=given))[0].provider_type == expected


def test_parameters_that_are_no_list_are_none() -> None:
    """The tool may still be of use without arguments."""
    assert read(tool("now", parameters="odd"))[0].spec.parameters["properties"] == {}


def test_a_tool_is_allowed_by_any_of_its_names() -> None:
    """A builder sees the name in Dify, a reader of logs the name for the model."""
    tools = read(tool("get.time"), tool("other"))

    for name in ("get.time", "get_time", "langgenius/google/google/get.time"):
        assert [one.name for one in only_allowed(tools, [name])] == ["get.time"]
