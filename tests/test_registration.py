"""The plugin as Dify's SDK loads it, each time in a process that has loaded nothing before."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
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
    """One provider named rondo offers function_calling."""
    assert registered()["providers"] == ["rondo"]
    assert "function_calling" in registered()["strategies"]


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

    assert numbers["maximum_iterations"] == (1, 10, 100)
    assert numbers["parallel_tools"] == (1, 4, 16)


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
