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
    assert settings.limits.parallel_tools == 8
    assert settings.instruction == ""
    assert settings.tools == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """A number that is out of range."""

    name: str
    given: Any
    used: float
    label: str


BEYOND = [
    Beyond(name="maximum_iterations", given=501, used=500, label="501 → 500"),
    Beyond(name="maximum_iterations", given="1000", used=500, label="1000 → 500"),
    Beyond(name="parallel_tools", given="99", used=16, label="99 → 16"),
    Beyond(name="parallel_tools", given=0, used=1, label="0 → 1"),
    Beyond(name="time_limit", given=5, used=10, label="5 → 10"),
    Beyond(name="time_limit", given=-1.5, used=10, label="-1.5 → 10"),
    Beyond(name="tool_timeout", given="1e9", used=3600, label="1e+09 → 3600"),
]


@pytest.mark.parametrize("case", BEYOND, ids=lambda case: f"{case.name} {case.given}")
def test_a_number_out_of_range_is_taken_to_the_nearest_bound_and_told(case: Beyond) -> None:
    """Nothing is replaced in silence: the log names the parameter, both values and the range."""
    settings = read(**{case.name: case.given})
    limits = settings.limits
    used = {
        "maximum_iterations": limits.rounds,
        "parallel_tools": limits.parallel_tools,
        "time_limit": limits.seconds,
        "tool_timeout": limits.tool_seconds,
    }

    [notice] = settings.notices
    assert used[case.name] == case.used
    assert notice.label == f"PARAMETER {case.name} {case.label}"
    assert set(notice.detail) == {"given", "used", "valid"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (True, "true", " True ", "1", 1, "yes", "ON")),
        *((value, False) for value in (False, "false", "0", 0, "no", "off", "", " ", None)),
    ],
)
def test_true_and_false_are_read_in_every_form(value: Any, expected: bool) -> None:  # noqa: FBT001
    """A node imported from a file may hold a boolean as text."""
    settings = read(answer_on_error=value, separate_reasoning=value)

    assert (settings.answer_on_error, settings.separate_reasoning) == (expected, expected)


WRONG_KIND = [
    Case(
        id="answer_on_error",
        value="maybe",
        expected='The parameter `answer_on_error` must be true or false, but it is "maybe".',
    ),
    Case(
        id="separate_reasoning",
        value=[True],
        expected="The parameter `separate_reasoning` must be true or false, but it is a list.",
    ),
    Case(
        id="time_limit",
        value="soon",
        expected="The parameter `time_limit` must be a number of seconds from 10 to 3600, "
        'but it is "soon".',
    ),
    Case(
        id="parallel_tools",
        value=2.5,
        expected="The parameter `parallel_tools` must be a whole number from 1 to 16, "
        "but it is 2.5.",
    ),
    Case(
        id="tool_protocol",
        value="xml",
        expected="The parameter `tool_protocol` must be one of auto, native, ",
    ),
    Case(
        id="tool_choice",
        value="search",
        expected="The parameter `tool_choice` must be auto, none, required or the name of one of "
        'the chosen tools, but it is "search".',
    ),
    Case(
        id="return_direct",
        value={"a": 1},
        expected="The parameter `return_direct` must be names of tools, as a list or separated by "
        "commas, but it is an object.",
    ),
    Case(
        id="fallback_model",
        value={"provider": "a/b/c", "model": "d"},
        expected="The parameter `fallback_model` must be the name of a model, such as "
        "author/plugin/provider:model, but it is an object.",
    ),
    Case(
        id="context",
        value=5,
        expected="The parameter `context` must be passages, such as the result of Knowledge "
        "Retrieval, but it is 5.",
    ),
]


@pytest.mark.parametrize("case", WRONG_KIND, ids=by_id)
def test_a_value_of_the_wrong_kind_is_refused_in_one_sentence(case: Case) -> None:
    """The sentence names the parameter, what is valid, and the value."""
    with pytest.raises(ParameterError) as refused:
        read(**{case.id: case.value})

    assert str(refused.value).startswith(case.expected)
    assert str(refused.value).endswith(".")


FALLBACKS = [
    Case(id="whole", value="a/b/c:gpt-4o-mini", expected=("a/b/c", "gpt-4o-mini")),
    Case(id="blanks", value=" a/b/c : m ", expected=("a/b/c", "m")),
    Case(
        id="the first one's provider",
        value="gpt-4o-mini",
        expected=("langgenius/openai/openai", "gpt-4o-mini"),
    ),
    Case(id="colon", value="llama3:8b", expected=("langgenius/openai/openai", "llama3:8b")),
    Case(
        id="slash and colon",
        value="meta/llama:free",
        expected=("langgenius/openai/openai", "meta/llama:free"),
    ),
    Case(id="colons of the model", value="a/b/c:llama3:8b", expected=("a/b/c", "llama3:8b")),
]


@pytest.mark.parametrize("case", FALLBACKS, ids=by_id)
def test_a_fallback_model_is_named_with_its_provider_or_alone(case: Case) -> None:
    """Only a provider has two slashes before a colon."""
    settings = read(fallback_model=case.value)

    assert settings.fallback_model is not None
    assert (settings.fallback_model.provider, settings.fallback_model.model) == case.expected
    assert settings.fallback_model.context_size is None
    assert settings.notices == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a/b/c:", "name of the model is missing"),
        ("langgenius/anthropic/anthropic", "name of the model is missing"),
        ("Open AI/b/c:gpt", "is not the name of a provider"),
        ("//x:gpt", "is not the name of a provider"),
        (":gpt-4o", "is not the name of a model"),
        ("https://example.test/v1", "is not the name of a model"),
        ("gpt-4o:", "is not the name of a model"),
        ("gpt-4o", "the first model itself"),
        ("langgenius/openai/openai:gpt-4o", "the first model itself"),
    ],
)
def test_a_fallback_model_that_cannot_be_is_told_at_the_start(value: str, said: str) -> None:
    """The run goes on with its model, and the log says that nothing stands behind it."""
    settings = read(fallback_model=value)

    [notice] = settings.notices
    assert settings.fallback_model is None
    assert "FALLBACK MODEL" in notice.label
    assert said in str(notice.detail["problem"])


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
    Case(id="beyond writing", value=10**5000, expected="but it is … (the rest is left out)"),
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
    """An empty question is the builder's mistake, and the sentence says where to correct it."""
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
    [notice] = settings.notices
    assert case.expected in notice.label
    assert notice.detail["problem"]


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
    assert settings.notices == []


def test_a_name_that_fits_no_tool_is_told() -> None:
    """A typing mistake would silently take a tool away."""
    settings = read(tools=[tool("search")], allowed_tools="search, serach")

    [notice] = settings.notices
    assert notice.detail == {"names": ["serach"]}


UNREADABLE_LISTS = [
    Case(id="object", value={"tools": ["search"]}, expected=[]),
    Case(id="object as text", value='{"tools": ["search"]}', expected=[]),
    Case(id="number", value=5, expected=[]),
    Case(id="number as text", value="5", expected=[]),
    Case(id="true", value=True, expected=[]),
    Case(id="list of blanks", value=["", None], expected=[]),
    Case(id="commas alone", value=", ,", expected=[]),
    Case(id="nesting without end", value="[" * 100_000, expected=[]),
]


@pytest.mark.parametrize("case", UNREADABLE_LISTS, ids=by_id)
def test_an_allow_list_that_cannot_be_read_allows_nothing(case: Case) -> None:
    """A builder who wanted fewer tools must not get all of them; the log says what was read."""
    settings = read(tools=[tool("search"), tool("delete")], allowed_tools=case.value)

    [notice] = settings.notices
    assert settings.tools == case.expected
    assert "ALLOWED TOOLS" in notice.label
    assert "none is allowed" in notice.label


@pytest.mark.parametrize("value", [[{"name": "search"}], [5], "null", "all", "*"])
def test_what_names_no_tool_allows_nothing(value: Any) -> None:
    """Whatever else stands in the list is an unknown name."""
    settings = read(tools=[tool("search")], allowed_tools=value)

    assert settings.tools == []
    assert [notice.label for notice in settings.notices] == ["✗ ALLOWED TOOLS unknown name"]


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


@pytest.mark.parametrize(
    ("value", "read_as"),
    [(None, "auto"), ("", "auto"), ("Auto ", "auto"), ("ON", "on"), (False, "off"), ("off", "off")],
)
def test_tool_search_is_read_in_every_form(value: object, read_as: str) -> None:
    """Blank means auto."""
    assert read(tool_search=value).tool_search == read_as


def test_a_wrong_tool_search_is_refused() -> None:
    """In one sentence that says what is valid."""
    with pytest.raises(ParameterError, match="`tool_search` must be one of auto, on, off"):
        read(tool_search="sometimes")
