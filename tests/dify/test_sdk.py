"""What imports the SDK is tested in a process of its own, and the rest does without it."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

WITHOUT_SDK = [
    "strategies.dify.wire_values",
    *[f"strategies.dify.inputs.{name}" for name in ("parameters", "tools", "history")],
    *[f"strategies.dify.calls.{name}" for name in ("tool_result", "chunks", "errors")],
    *[f"strategies.dify.transport.{name}" for name in ("frames", "answers", "install")],
    *[
        f"strategies.dify.outputs.{name}"
        for name in ("messages", "pacing", "log_data", "narrator", "media")
    ],
]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the repository."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("cases", sorted(HERE.rglob("*_cases.py")), ids=lambda path: path.stem)
def test_the_adapters_that_import_the_sdk(cases: Path) -> None:
    """Importing it turns the threads of a process into greenlets, which other tests must not be."""
    run = python("-m", "pytest", "-p", "no:cacheprovider", str(cases))

    assert run.returncode == 0, run.stdout + run.stderr


def modules(package: str) -> list[str]:
    """Name every module below a package."""
    root = ROOT / package.replace(".", "/")
    found = (path.relative_to(ROOT).with_suffix("") for path in root.rglob("[a-z]*.py"))
    return [".".join(path.parts) for path in found]


@pytest.mark.parametrize(
    "names",
    [WITHOUT_SDK, modules("strategies.agent"), modules("strategies.protocols")],
    ids=["dify", "agent", "protocols"],
)
def test_the_other_modules_do_without_the_sdk(names: list[str]) -> None:
    """The engine, the parsers and most adapters can be tested with real threads."""
    imports = "; ".join(f"import {name}" for name in sorted(names))
    run = python("-c", f"import sys; {imports}; assert 'dify_plugin' not in sys.modules")

    assert run.returncode == 0, run.stderr
