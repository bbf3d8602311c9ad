"""What a newcomer sees first: the demo question through the real plugin, in every protocol."""

import subprocess
import sys

import pytest

from workbench.bench.scripted import ROOT


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo question."""
    return subprocess.run(
        [sys.executable, "-m", "workbench", "run", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("protocol", ["auto", "native", "hermes", "qwen", "qwen3_coder"])
def test_the_demo_calls_two_tools_and_answers(protocol: str) -> None:
    """Two tools in one round, their results in the answer, a finished log tree."""
    done = demo("--protocol", protocol)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ROUND 1 → current_time, calculator" in done.stdout
    assert "ROUND 2 → answer" in done.stdout
    assert "437" in done.stdout
    assert "<tool_call>" not in done.stdout
    assert "✿" not in done.stdout


def test_the_plugins_refusals_are_told_in_one_sentence() -> None:
    """A wrong parameter ends the run before any model call, without a traceback."""
    done = demo("--set", "maximum_iterations=soon")

    assert done.returncode == 1
    assert "maximum_iterations" in done.stdout
    assert "0 model calls" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_many_runs_at_once_all_go_well() -> None:
    """Twenty runs side by side in one process of the plugin."""
    done = demo("--parallel", "20")

    assert done.returncode == 0, done.stdout[-2000:]
    assert "20 runs at once, 0 failed" in done.stdout
