"""The chatflows in examples/: what Dify needs to import them, and names that really exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from strategies.agent.schema.answer import read_shape
from strategies.dify.inputs.parameters import read_settings
from workbench.host.payload import model_value

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
PROVIDER: dict[str, Any] = yaml.safe_load(
    (ROOT / "provider/rondo.yaml").read_text(encoding="utf-8")
)
STRATEGIES: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (ROOT / "strategies").glob("*.yaml")
}
OUTPUTS = {
    "sys": {"query", "files"},
    "knowledge-retrieval": {"result"},
    "template-transform": {"output"},
    "agent": {"text", "files", "json", "usage"},
}


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def dsl(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One example."""
    value: dict[str, Any] = yaml.safe_load(request.param.read_text(encoding="utf-8"))
    return value


def nodes(dsl: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The nodes' data by their ids."""
    return {node["id"]: node["data"] for node in dsl["workflow"]["graph"]["nodes"]}


def agent(dsl: dict[str, Any]) -> dict[str, Any]:
    """The one Agent node."""
    (found,) = [data for data in nodes(dsl).values() if data["type"] == "agent"]
    return found


def given(dsl: dict[str, Any]) -> dict[str, Any]:
    """The Agent node's parameters."""
    value: dict[str, Any] = agent(dsl)["agent_parameters"]
    return value


def strategy(dsl: dict[str, Any]) -> dict[str, Any]:
    """What the YAML declares of the strategy that the example uses."""
    return STRATEGIES[agent(dsl)["agent_strategy_name"]]


def outputs(data: dict[str, Any]) -> set[str]:
    """What later nodes can read of a node."""
    declared: dict[str, Any] = data.get("output_schema", {}).get("properties", {})
    return OUTPUTS.get(data["type"], set()) | declared.keys()


def selectors(value: object) -> list[list[str]]:
    """Every variable that is used, in templates and in selectors."""
    text = json.dumps(value)
    inside = [found.split(".") for found in re.findall(r"\{\{#([\w.]+)#\}\}", text)]
    return inside + re.findall(r'"(?:value|query_variable)_selector": (\[[^\]]+\])', text)


def test_there_is_one_of_each_kind() -> None:
    """And the walk-through names them all."""
    readme = (ROOT / "examples/README.md").read_text(encoding="utf-8")

    assert len(EXAMPLES) == 5
    assert all(f"({path.name})" in readme for path in EXAMPLES)


def test_dify_imports_it(dsl: dict[str, Any]) -> None:
    """Kind, version and mode are what the import looks at; an older version is taken."""
    assert dsl["kind"] == "app"
    assert isinstance(dsl["version"], str)
    assert dsl["app"]["mode"] == "advanced-chat"
    assert dsl["dependencies"] == []


def test_the_strategy_is_named_as_the_plugin_names_it(dsl: dict[str, Any]) -> None:
    """Author, plugin and provider; name, label and version."""
    data = agent(dsl)
    author, name = MANIFEST["author"], MANIFEST["name"]

    assert data["agent_strategy_provider_name"] == (
        f"{author}/{name}/{PROVIDER['identity']['name']}"
    )
    assert data["agent_strategy_name"] == strategy(dsl)["identity"]["name"]
    assert data["agent_strategy_label"] == strategy(dsl)["identity"]["label"]["en_US"]
    assert data["plugin_unique_identifier"] == f"{author}/{name}:{MANIFEST['version']}"
    assert data["meta"]["version"] == MANIFEST["meta"]["version"]
    assert data["meta"]["minimum_dify_version"] == MANIFEST["meta"]["minimum_dify_version"]


def test_the_parameters_are_declared(dsl: dict[str, Any]) -> None:
    """None is unknown, none that is required is missing; `any` is a variable, the rest constant."""
    declared = {parameter["name"]: parameter for parameter in strategy(dsl)["parameters"]}

    assert given(dsl).keys() <= declared.keys()
    assert {name for name, each in declared.items() if each.get("required")} <= given(dsl).keys()
    for name, parameter in given(dsl).items():
        assert parameter["type"] == ("variable" if declared[name]["type"] == "any" else "constant")
        if declared[name]["type"] == "number":
            assert declared[name]["min"] <= parameter["value"] <= declared[name]["max"]


def test_the_plugin_reads_the_parameters(dsl: dict[str, Any]) -> None:
    """As Dify sends them; the tools, which Dify looks up first, are left aside."""
    constants = {
        name: parameter["value"]
        for name, parameter in given(dsl).items()
        if parameter["type"] == "constant" and name not in ("model", "tools")
    }

    assert read_settings({**constants, "model": model_value()}).query == "{{#sys.query#}}"


def test_the_outputs_are_those_of_the_strategy(dsl: dict[str, Any]) -> None:
    """Dify copies them into the node when the strategy is chosen."""
    assert agent(dsl)["output_schema"] == strategy(dsl)["output_schema"]


def test_every_variable_exists(dsl: dict[str, Any]) -> None:
    """A node before it makes each."""
    known = {"sys": {"query", "files"}}
    known |= {name: outputs(data) for name, data in nodes(dsl).items()}
    used: list[Any] = [
        json.loads(each) if isinstance(each, str) else each for each in selectors(nodes(dsl))
    ]
    used += [each["value"] for each in given(dsl).values() if each["type"] == "variable"]

    assert [selector for selector in used if selector[1] not in known[selector[0]]] == []
    assert len(used) >= 2


def test_the_nodes_form_one_line(dsl: dict[str, Any]) -> None:
    """From the start to the answer."""
    types = {name: data["type"] for name, data in nodes(dsl).items()}
    edges = dsl["workflow"]["graph"]["edges"]
    pairs = [(edge["source"], edge["target"]) for edge in edges]

    assert pairs == list(zip(list(types), list(types)[1:], strict=False))
    assert next(iter(types.values())) == "start"
    assert next(reversed(types.values())) == "answer"
    assert all(edge["data"]["sourceType"] == types[edge["source"]] for edge in edges)
    assert all(edge["data"]["targetType"] == types[edge["target"]] for edge in edges)


def test_a_schema_is_one(dsl: dict[str, Any]) -> None:
    """And the template uses its fields alone."""
    if "answer_schema" not in given(dsl):
        return
    shape = read_shape(given(dsl)["answer_schema"]["value"])
    used = re.findall(r"ticket\.(\w+)", nodes(dsl)["ticket"]["template"])

    assert shape is not None
    assert used
    properties = shape.schema["properties"]
    assert isinstance(properties, dict)
    assert set(used) <= set(properties)  # pyright: ignore[reportUnknownArgumentType]


def test_every_button_sends_what_the_decision_knows() -> None:
    """So a press is never taken for a message about something else."""
    flow = yaml.safe_load((ROOT / "examples/approval.yml").read_text(encoding="utf-8"))
    buttons, decision = nodes(flow)["buttons"]["template"], nodes(flow)["decision"]["template"]
    sent = set(re.findall(r'data-message="([^"]+)"', buttons))

    assert sent == set(re.findall(r"said == '([^']+)'", decision))
    assert set(re.findall(r"^(\w+)$", decision, re.MULTILINE)) == {"approve", "reject"}
    assert given(flow)["approval"]["value"] == ["decision", "output"]


def test_tools_are_switched_on(dsl: dict[str, Any]) -> None:
    """Dify hands over those alone; each parameter is left to the model."""
    for tool in given(dsl).get("tools", {"value": []})["value"]:
        assert tool["enabled"]
        assert tool["type"] == "builtin"
        assert all(parameter["auto"] == 1 for parameter in tool["parameters"].values())


def test_every_file_that_the_page_names_is_there() -> None:
    """Whoever copies a command gets a run."""
    page = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w./-])(?:examples/)?([\w-]+\.(?:yml|json|html))\b", page))

    assert named >= {path.name for path in (ROOT / "examples").glob("*.[yj]*")}
    assert [name for name in named if not (ROOT / "examples" / name).is_file()] == []


def test_the_passages_and_the_schema_are_read() -> None:
    """By what reads them in a run."""
    passages = json.loads((ROOT / "examples/passages.json").read_text(encoding="utf-8"))
    schema = (ROOT / "examples/schema.json").read_text(encoding="utf-8")
    value = {"model": model_value(), "query": "How?", "context": passages}

    assert len(read_settings({**value, "answer_schema": schema}).passages) == 2
    assert read_shape(json.loads(schema)) is not None
