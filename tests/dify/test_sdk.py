"""What imports the SDK is tested in a process of its own, and the rest does without it."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

WITHOUT_SDK = [
    *["parameters", "tools", "history", "collector", "messages", "pacing", "log_data", "narrator"],
    *["reading", "chunks", "wire", "media", "masking", "compact_json"],
    "pipes",
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


@pytest.mark.parametrize("cases", sorted(HERE.glob("*_cases.py")), ids=lambda path: path.stem)
def test_the_adapters_that_import_the_sdk(cases: Path) -> None:
    """Importing it turns the threads of a process into greenlets, which other tests must not be."""
    run = python("-m", "pytest", "-p", "no:cacheprovider", str(cases))

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("package", ["dify", "agent"])
def test_the_other_modules_do_without_the_sdk(package: str) -> None:
    """The engine and most adapters can be tested with real threads."""
    if package == "dify":
        names = WITHOUT_SDK
    else:
        names = [path.stem for path in (ROOT / "strategies" / package).glob("[a-z]*.py")]
    imports = "; ".join(f"import strategies.{package}.{name}" for name in sorted(names))
    run = python("-c", f"import sys; {imports}; assert 'dify_plugin' not in sys.modules")

    assert run.returncode == 0, run.stderr
