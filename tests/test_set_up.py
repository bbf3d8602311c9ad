"""tools/set_up.sh on machines with little on them: what it says, and what it does only once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = ["sh", "cat", "dirname", "rm", "mv", "cmp", "tail", "sleep", "mkdir", "cp", "chmod"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")

PYTHON = """#!/bin/sh
# Plays a Python of one version: it makes environments of itself, and installs nothing.
case "$*" in
    -c*) echo VERSION ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *pins.py) echo "one==1" ;;
    *"pip install"*) echo called >>pip-calls; echo "no network" >&2; exit "${PIP_ENDS:-0}" ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's folder, as far as the script looks at it."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/set_up.sh", tmp_path / "tools")
    (tmp_path / ".python-version").write_text("3.99\n")
    return tmp_path


def set_up(project: Path, *pythons: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script where only these Pythons are, each a name and a version."""
    programs = project / "bin"
    programs.mkdir(exist_ok=True)
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found, name
        if not (programs / name).exists():
            (programs / name).symlink_to(found)
    for python in pythons:
        name, version = python.split("=")
        (programs / name).write_text(PYTHON.replace("VERSION", version))
        (programs / name).chmod(0o755)
    home = {"PATH": str(programs), "HOME": str(project), "PYENV_ROOT": str(project)}
    return subprocess.run(
        [str(programs / "sh"), "tools/set_up.sh"],
        cwd=project,
        env={**home, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_machine_with_only_another_python_gets_the_line_that_helps(project: Path) -> None:
    """And the version that it has."""
    done = set_up(project, "python3=3.11")
    problem, helps = done.stderr.splitlines()

    assert done.returncode == 1
    assert "Python 3.99 was not found, only 3.11" in problem
    assert helps.strip().startswith("curl ")
    assert not (project / ".venv").exists()


def test_an_environment_of_another_python_is_kept_until_there_is_the_right_one(
    project: Path,
) -> None:
    """Whoever asks for a version that is not there loses nothing."""
    set_up(project, "python3=3.99")
    done = set_up(project, RONDO_PYTHON="3.98")

    assert done.returncode == 1
    assert os.access(project / ".venv/bin/python", os.X_OK)


def test_the_first_time_says_how_long_it_takes_and_the_second_says_nothing(project: Path) -> None:
    """What is installed already is not installed again."""
    first = set_up(project, "python3=3.99")
    second = set_up(project)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "minutes the first time" in first.stdout
    assert "\n." in first.stdout
    assert second.stdout == second.stderr == ""
    assert (project / "pip-calls").read_text() == "called\n"


def test_another_python_can_be_chosen(project: Path) -> None:
    """The environment is made anew for it."""
    set_up(project, "python3=3.99")
    done = set_up(project, "python3.98=3.98", RONDO_PYTHON="3.98")

    assert done.returncode == 0
    assert "python3.98" in done.stdout


def test_a_failed_installation_says_why_and_is_tried_again(project: Path) -> None:
    """Nothing is noted as installed."""
    failed = set_up(project, "python3=3.99", PIP_ENDS="1")
    again = set_up(project)

    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert again.returncode == 0
    assert (project / "pip-calls").read_text() == "called\n" * 2
