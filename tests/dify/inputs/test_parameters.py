"""What is read leniently and what is refused, before any model call."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.inputs.parameters import ParameterError, Settings, read_settings
from tests.dify.entities import model, odd_objects, odd_values, parameter, tool


def read(**parameters: Any) -> Settings:
    """Read parameters of which all but these are as a node sends them."""
    return read_settings({"model": model(), "query": "Hello?", "tools": [], **parameters})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A value of a parameter and what it is read as."""

    id: str
    value: Any
    expected: Any


def by_id(case: Case) -> str:
    """Name a case."""
    return case.id


WHOLE = [
    Case(id="number", value=5, expected=5),
    Case(id="float", value=5.0, expected=5),
    Case(id="text", value="5", expected=5),
    Case(id="text of a float", value="5.0", expected=5),
    Case(id="text with blanks", value=" 5\n", expected=5),
    Case(id="null", value=None, expected=10),
    Case(id="empty", value="", expected=10),
    Case(id="blanks", value="  ", expected=10),
    Case(id="more than the editor allows", value=500, expected=500),
]


@pytest.mark.parametrize("case", WHOLE, ids=by_id)
def test_a_whole_number_is_read_in_every_form(case: Case) -> None:
    """Seed 004 has maximum_iterations as the text "3"; blanks and nulls mean the default."""
    settings = read(maximum_iterations=case.value)

    assert settings.limits.rounds == case.expected


def test_absent_parameters_have_their_defaults() -> None:
    """A node saved before a parameter existed does not send it."""
    settings = read_settings({"model": model(), "query": "Hello?"})

    assert settings.limits.rounds == 10
    assert settings.limits.parallel_tools == 4
    assert settings.instruction == ""
    assert settings.tools == []


def test_more_parallel_tools_than_make_sense_are_the_most_that_do() -> None:
    """Dify's API process has ten connections for all runs."""
    assert read(parallel_tools="99").limits.parallel_tools == 16


REFUSED = [
    Case(id="zero", value=0, expected="but it is 0."),
    Case(id="negative", value=-3, expected="but it is -3."),
    Case(id="half", value=2.5, expected="but it is 2.5."),
    Case(id="half in text", value="2.5", expected='but it is "2.5".'),
    Case(id="words", value="many", expected='but it is "many".'),
    Case(id="true", value=True, expected="but it is true."),
    Case(id="list", value=[5], expected="but it is a list."),
    Case(id="object", value={"value": 5}, expected="but it is an object."),
    Case(id="not a number", value=float("nan"), expected="but it is null."),
    Case(id="infinite in text", value="inf", expected='but it is "inf".'),
    Case(id="beyond writing", value=10**5000, expected="thousands of digits"),
    Case(id="long text", value="x" * 9999, expected='x…".'),
    Case(id="lines", value="a\n\nb", expected='"a b".'),
    Case(id="half a character", value="\ud83d", expected="but it is"),
]


@pytest.mark.parametrize("case", REFUSED, ids=by_id)
def test_what_is_no_whole_number_is_refused_in_one_sentence(case: Case) -> None:
    """The sentence names the parameter and what it is instead."""
    with pytest.raises(ParameterError) as refused:
        read(maximum_iterations=case.value)

    said = str(refused.value)
    assert "`maximum_iterations`" in said
    assert case.expected in said
    assert "\n" not in said
    assert len(said) < 160
    assert said.encode()


MISSING_MODELS = [
    Case(id="null", value=None, expected=None),
    Case(id="text", value="gpt-4o", expected=None),
    Case(id="list", value=[], expected=None),
    Case(id="empty", value={}, expected=None),
    Case(id="no provider", value={"model": "gpt-4o"}, expected=None),
    Case(id="null model", value={"provider": "a/b/c", "model": None}, expected=None),
    Case(id="object for a name", value={"provider": "a/b/c", "model": {"x": 1}}, expected=None),
]


@pytest.mark.parametrize("case", MISSING_MODELS, ids=by_id)
def test_a_missing_model_is_refused(case: Case) -> None:
    """Nothing can be asked without a model."""
    with pytest.raises(ParameterError, match="parameter `model` is missing"):
        read(model=case.value)


@pytest.mark.parametrize("query", [None, "", "  \n"])
def test_a_missing_query_is_refused(query: Any) -> None:
    """An empty question is the builder's mistake, and the sentence says where to mend it."""
    with pytest.raises(ParameterError, match=r"parameter `query` is missing.*Agent node"):
        read(query=query)


def test_a_query_that_is_a_number_is_a_question() -> None:
    """A variable of type number may be wired to the query."""
    assert read(query=42).query == "42"


@pytest.mark.parametrize("tools", [None, "", " ", [], ()])
def test_no_tools_are_no_mistake(tools: Any) -> None:
    """An agent may have no tools."""
    assert read(tools=tools).tools == []


@pytest.mark.parametrize("tools", ["search", {"identity": {}}, 5, True])
def test_tools_that_are_no_list_are_refused(tools: Any) -> None:
    """The whole parameter is of the wrong kind, so no tool can be saved."""
    with pytest.raises(ParameterError, match="parameter `tools` must be a list"):
        read(tools=tools)


UNREADABLE = [
    Case(id="null", value=None, expected="number 2"),
    Case(id="text", value="search", expected="number 2"),
    Case(id="list", value=[], expected="number 2"),
    Case(id="empty", value={}, expected="number 2"),
    Case(id="identity null", value=tool(identity=None), expected="number 2"),
    Case(id="no name", value=tool(identity={"provider": "p"}), expected="number 2"),
    Case(
        id="name an object", value=tool(identity={"name": {}, "provider": "p"}), expected="number"
    ),
    Case(id="no provider", value=tool(identity={"name": "odd"}), expected="odd"),
    Case(id="parameter null", value=tool("odd", None), expected="odd"),
    Case(
        id="parameter without a name",
        value=tool("odd", {**parameter(), "name": None}),
        expected="odd",
    ),
]


@pytest.mark.parametrize("case", UNREADABLE, ids=by_id)
def test_an_unreadable_tool_is_skipped_and_named(case: Case) -> None:
    """One bad tool does not take the good ones with it."""
    settings = read(tools=[tool("first"), case.value, tool("last")])

    assert [one.name for one in settings.tools] == ["first", "last"]
    assert len(settings.skipped_tools) == 1
    assert case.expected in settings.skipped_tools[0].name
    assert settings.skipped_tools[0].problem


ENTITIES = [
    Case(id="null", value=None, expected=(frozenset(), None)),
    Case(id="empty", value={}, expected=(frozenset(), None)),
    Case(id="list", value=[], expected=(frozenset(), None)),
    Case(id="features null", value={"features": None}, expected=(frozenset(), None)),
    Case(
        id="properties null",
        value={"features": ["vision"], "model_properties": None},
        expected=(frozenset({"vision"}), None),
    ),
    Case(
        id="size in text",
        value={"model_properties": {"context_size": "8192"}},
        expected=(frozenset(), 8192),
    ),
    Case(
        id="size 0", value={"model_properties": {"context_size": 0}}, expected=(frozenset(), None)
    ),
]


@pytest.mark.parametrize("case", ENTITIES, ids=by_id)
def test_a_model_of_which_little_is_known_is_used(case: Case) -> None:
    """The official ReAct strategy crashed on an entity that is null (dify#15665)."""
    config = read(model=model(entity=case.value)).model

    assert (config.features, config.context_size) == case.expected
    assert config.max_tokens_name == "max_tokens"


def test_the_limit_of_a_reply_has_the_name_that_the_model_knows() -> None:
    """Newer OpenAI models refuse max_tokens."""
    nameless = model(
        entity={"parameter_rules": [{"use_template": "max_tokens", "name": None}, None]}
    )

    assert read().model.max_tokens_name == "max_completion_tokens"
    assert read(model=nameless).model.max_tokens_name == "max_tokens"


ALLOWED = [
    Case(id="list", value=["search"], expected=["search"]),
    Case(id="JSON text", value='["search", "weather"]', expected=["search", "weather"]),
    Case(id="commas", value="search, weather", expected=["search", "weather"]),
    Case(id="Chinese commas", value="search，weather", expected=["search", "weather"]),
    Case(id="lines", value="search\nweather\n", expected=["search", "weather"]),
    Case(id="one name", value="search", expected=["search"]),
    Case(id="one name as JSON", value='"search"', expected=["search"]),
    Case(id="broken JSON text", value='["search",', expected=["search"]),
    Case(id="provider and name", value=["langgenius/google/google/time"], expected=["time"]),
    Case(id="blanks among names", value=["", None, " weather "], expected=["weather"]),
    Case(id="null", value=None, expected=["search", "weather", "time"]),
    Case(id="blank", value=" ", expected=["search", "weather", "time"]),
    Case(id="empty list", value=[], expected=["search", "weather", "time"]),
    Case(id="empty list as text", value="[]", expected=["search", "weather", "time"]),
]


@pytest.mark.parametrize("case", ALLOWED, ids=by_id)
def test_allowed_tools_are_read_in_every_form(case: Case) -> None:
    """A list, JSON text of one, or names parted by commas; nothing means all tools."""
    tools = [tool("search"), tool("weather"), tool("time")]
    settings = read(tools=tools, allowed_tools=case.value)

    assert [one.name for one in settings.tools] == case.expected
    assert settings.unknown_allowed_tools == []


def test_a_name_that_fits_no_tool_is_told() -> None:
    """A typing mistake would silently take a tool away."""
    settings = read(tools=[tool("search")], allowed_tools="search, serach")

    assert settings.unknown_allowed_tools == ["serach"]


def test_text_that_nests_without_end_is_only_a_name() -> None:
    """Python's JSON reader gives up on deep nesting with an error of its own."""
    settings = read(tools=[tool("search")], allowed_tools="[" * 100_000)

    assert len(settings.tools) == 1


odd: st.SearchStrategy[Any] = odd_values | odd_objects(
    "name", "provider", "model", "identity", "entity", "type", "parameters", "options"
)


@given(
    st.dictionaries(
        st.sampled_from(["model", "tools", "instruction", "query", "maximum_iterations"]), odd
    )
)
def test_whatever_comes_is_read_or_refused(parameters: dict[str, Any]) -> None:
    """Nothing but the one error ever leaves, with a sentence that names a parameter."""
    try:
        read_settings(parameters)
    except ParameterError as error:
        said = str(error)
        assert said.startswith("The parameter `")
        assert json.dumps(said)


@given(odd, odd)
def test_odd_tools_and_models_are_read_or_refused(value: Any, entity: Any) -> None:
    """Whatever stands inside the tools and the model's entity."""
    settings = read(
        model=model(entity=entity, history_prompt_messages=value, completion_params=value),
        tools=[value, tool("good"), tool("a", value), tool("b", parameter(options=value))],
    )

    assert "good" in [one.name for one in settings.tools]
