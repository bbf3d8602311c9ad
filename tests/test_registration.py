"""The plugin as Dify's SDK loads it, each time in a process that has loaded nothing before.

And what Dify's daemon reads of a strategy's YAML by itself, since the SDK leaves it out.
"""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from strategies.agent.interface.events import StopReason

ROOT = Path(__file__).parent.parent
STRATEGY: dict[str, Any] = yaml.safe_load(
    (ROOT / "strategies/function_calling.yaml").read_text(encoding="utf-8")
)
PLANNED: dict[str, Any] = yaml.safe_load(
    (ROOT / "strategies/plan_and_execute.yaml").read_text(encoding="utf-8")
)
OUTPUTS: dict[str, dict[str, Any]] = PLANNED["output_schema"]["properties"]
"""Those of the strategy that has them all."""
TIMEOUT_SETTINGS = ("MAX_REQUEST_TIMEOUT", "MAX_INVOCATION_TIMEOUT")


def probe(**environment: str) -> dict[str, Any]:
    """What `tests.registration_probe` prints when started with `environment`."""
    inherited = {name: value for name, value in os.environ.items() if name not in TIMEOUT_SETTINGS}
    finished = subprocess.run(
        [sys.executable, "-m", "tests.registration_probe"],
        cwd=ROOT,
        env={**inherited, "INSTALL_METHOD": "local", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@cache
def registered() -> dict[str, Any]:
    """The plugin in an ordinary environment."""
    return probe()


def test_the_sdk_accepts_the_manifest() -> None:
    """The manifest passes the SDK's own model and says who we are."""
    manifest = registered()["manifest"]

    assert (manifest["author"], manifest["name"], manifest["type"]) == ("rondo", "rondo", "plugin")


def test_the_provider_and_its_strategies_are_registered() -> None:
    """One provider named rondo offers them all."""
    assert registered()["providers"] == ["rondo"]
    assert {"function_calling", "plan_and_execute", "react"} <= set(registered()["strategies"])


def test_a_strategy_file_binds_exactly_one_strategy_class() -> None:
    """A second class, even an imported one, would keep the plugin from starting."""
    bound = {name: len(found["classes"]) for name, found in registered()["strategies"].items()}

    assert bound == dict.fromkeys(bound, 1)


def test_the_provider_file_binds_exactly_one_provider_class() -> None:
    """Dify does not load it for agents, but the YAML names it, so it loads."""
    assert len(registered()["provider_classes"]) == 1


def test_strategies_ask_for_history() -> None:
    """Without the feature the editor hides the node's memory."""
    features = [found["features"] for found in registered()["strategies"].values()]

    assert features == [["history-messages"]] * len(features)


def test_defaults_and_limits_reach_the_sdk() -> None:
    """What the YAML says of numbers is what the SDK understood."""
    parameters = registered()["strategies"]["function_calling"]["parameters"]
    numbers = {p["name"]: (p["min"], p["default"], p["max"]) for p in parameters if p["min"]}

    assert numbers["maximum_iterations"] == (1, 10, 500)
    assert numbers["parallel_tools"] == (1, 8, 16)
    assert numbers["time_limit"] == (10, 540, 3600)
    assert numbers["tool_timeout"] == (1, 120, 3600)


def test_the_sdk_accepts_every_parameter_in_its_order() -> None:
    """With type, scope and default; a default of False is 0 to the SDK, which Dify reads as off."""
    found = registered()["strategies"]["function_calling"]["parameters"]
    keys = ("name", "type", "scope", "default")

    assert [[p[key] for key in keys] for p in found] == [
        [p.get(key) for key in keys] for p in STRATEGY["parameters"]
    ]


def parameters_read() -> dict[str, dict[str, Any]]:
    """The parameters that the code reads, each with the keywords it is read with."""
    source = (ROOT / "strategies/dify/inputs/parameters.py").read_text(encoding="utf-8")
    read: dict[str, dict[str, Any]] = {}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                ast.Attribute(
                    ast.Name("parameters" | "values"),
                    "get" | "whole" | "amount" | "yes" | "choice" | "words",
                ),
                [ast.Constant(name), *_],
            ):
                constants = {k.arg: k.value for k in node.keywords if k.arg}
                read.setdefault(str(name), {}).update(
                    {
                        key: value.value
                        for key, value in constants.items()
                        if isinstance(value, ast.Constant)
                    }
                )
            case _:
                pass
    return read


def test_every_parameter_that_is_read_is_declared() -> None:
    """What the YAML does not declare, Dify never sends."""
    declared = {parameter["name"] for parameter in PLANNED["parameters"]}

    assert {"model", "query", "maximum_iterations", "time_limit"} <= set(parameters_read())
    assert set(parameters_read()) <= declared


def test_a_plan_is_all_that_plan_and_execute_adds() -> None:
    """Parameters and outputs are those of function_calling, and what belongs to the plan."""
    more = [one for one in PLANNED["parameters"] if one not in STRATEGY["parameters"]]
    outputs = STRATEGY["output_schema"]["properties"]

    assert [one["name"] for one in more] == ["hide_plan"]
    assert {name: one for name, one in OUTPUTS.items() if name != "plan"} == outputs


@pytest.mark.parametrize("parameter", PLANNED["parameters"], ids=lambda p: p["name"])
def test_code_and_yaml_agree_on_defaults_and_limits(parameter: dict[str, Any]) -> None:
    """Runs outside the editor get the code's, the editor shows the YAML's."""
    limits = {"default": "default", "lowest": "min", "highest": "max"}
    read = parameters_read().get(parameter["name"], {})
    in_code = {limits[key]: value for key, value in read.items() if key in limits}

    assert in_code == {key: parameter.get(key) for key in in_code}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_can_be_offered_to_later_nodes(name: str) -> None:
    """The editor reads type, items.type and description, and a few names are the node's own."""
    output = OUTPUTS[name]

    assert name not in {"text", "files", "json", "usage"}
    assert output["type"] in {"string", "number", "boolean", "object", "array"}
    assert output["type"] != "array" or output["items"]["type"] == "object"
    assert output["description"].endswith(".")


def test_every_output_that_is_sent_is_declared() -> None:
    """By whatever part of the adapter sends it."""
    sent = {
        str(node.args[0].value)
        for path in (ROOT / "strategies/dify").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "variable_message"
        and isinstance(node.args[0], ast.Constant)
    }

    assert sent <= set(OUTPUTS)


def test_every_reason_to_stop_is_explained() -> None:
    """Later nodes branch on it."""
    reasons = get_args(StopReason.__value__)

    assert [r for r in reasons if r not in OUTPUTS["stop_reason"]["description"]] == []


def test_the_icons_are_registered_as_assets() -> None:
    """Only direct children of _assets are."""
    assert {"icon.svg", "icon-dark.svg"} <= set(registered()["assets"])


def test_long_runs_are_allowed_by_default() -> None:
    """A model call may take longer than the SDK's 250 seconds."""
    settings = registered()["settings"]

    assert [settings[name] for name in TIMEOUT_SETTINGS] == [300, 900]


def test_the_environment_wins_over_our_limits() -> None:
    """Whoever runs the plugin can set other limits without touching it."""
    settings = probe(MAX_REQUEST_TIMEOUT="77", MAX_INVOCATION_TIMEOUT="88")["settings"]

    assert [settings[name] for name in TIMEOUT_SETTINGS] == [77, 88]
