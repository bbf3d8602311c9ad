"""Workflows, templates and the tools of a release: their form, and their commands run here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.release import notes, problems, release

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "dependabot": [GITHUB / "dependabot.yml"],
    "github-issue-forms": [GITHUB / "ISSUE_TEMPLATE/bug.yml", GITHUB / "ISSUE_TEMPLATE/idea.yml"],
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE/config.yml"],
}


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of every workflow, with the name of its job."""
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            for step in job.get("steps", []):
                yield f"{path.stem}.{name}", step


COMMANDS = [(job, line) for job, step in steps() for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_github_can_read_it(schema: str) -> None:
    """By the schemas that check-jsonschema brings along."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"),
            *map(str, SCHEMAS[schema]),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("job", "command"), COMMANDS, ids=[c for _, c in COMMANDS])
def test_what_a_command_starts_is_there(job: str, command: str) -> None:
    """Files, modules, targets of make and tests; the rest are programs of the machine."""
    del job
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    files = re.findall(r"(?<![\w./])((?:\.ci|tools|tests)/[\w/]+(?:\.\w+)?)", command)
    modules = re.findall(r"-m (tools\.\w+|workbench[\w.]*)", command)

    assert [f for f in files if not (ROOT / f).exists()] == []
    assert [m for m in modules if not (ROOT / f"{m.replace('.', '/')}.py").is_file()] == []
    assert set(re.findall(r"\bmake (\w+)", command)) <= set(targets)
    program = command.split(maxsplit=1)[0]
    assert program in {"sh", "make", "cd", "gh"} or program.startswith((".ci/", ".venv/"))


def test_the_gate_is_the_script_that_runs_here() -> None:
    """On both versions of Python that the project allows."""
    gate: dict[str, Any] = yaml.safe_load(WORKFLOWS[0].read_text(encoding="utf-8"))["jobs"]["gate"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert gate["steps"][-1]["run"] == ".ci/run"
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert gate["strategy"]["matrix"]["python"] == ["3.12", "3.13"]
    assert 'requires-python = ">=3.12,<3.14"' in project


def test_no_step_gets_more_than_it_needs() -> None:
    """A token that may write is the release's alone, and no input of strangers reaches a shell."""
    for path in WORKFLOWS:
        workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {"contents": "read"}
        writing = [name for name, job in workflow["jobs"].items() if "permissions" in job]
        assert writing == (["release"] if path.stem == "release" else [])
    given = re.compile(r"\$\{\{(?! *matrix\.)")
    assert [line for _, line in COMMANDS if given.search(line)] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as somebody publishes it: with addresses and a dated section."""
    root = tmp_path / "project"
    names = ("_assets", "provider", "readme", "strategies", "tools")
    left_out = shutil.ignore_patterns("__pycache__")
    for name in names:
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    for name in (
        ".difyignore",
        "LICENSE",
        "PRIVACY.md",
        "README.md",
        "main.py",
        "requirements.txt",
    ):
        shutil.copy(ROOT / name, root / name)
    manifest = (ROOT / "manifest.yaml").read_text(encoding="utf-8")
    manifest = manifest.replace(MANIFEST["repo"], "https://github.com/acme/rondo")
    manifest = manifest.replace(MANIFEST["contact"], "hello@acme.org")
    manifest = manifest.replace(f"version: {MANIFEST['version']}", "version: 7.8.9", 1)
    (root / "manifest.yaml").write_text(manifest, encoding="utf-8")
    (root / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n- later\n\n"
        "## [7.8.9] - 2026-12-01\n\n### Added\n\n- this\n\n"
        "## [7.8.8] - 2026-11-01\n\n- before\n",
        encoding="utf-8",
    )
    return root


def test_a_release_has_package_checksum_notes_and_the_text_for_the_marketplace(
    project: Path,
) -> None:
    """The notes are the changelog's section and no other."""
    assert list(problems(project, "v7.8.9")) == []
    assert notes(project, "7.8.9") == "### Added\n\n- this"
    paths = release(project, project / "dist")
    text = (project / "dist/pull-request.txt").read_text(encoding="utf-8")

    assert [path.name for path in paths] == [
        "rondo-7.8.9.difypkg",
        "rondo-7.8.9.difypkg.sha256",
        "notes.txt",
        "pull-request.txt",
    ]
    assert "https://github.com/acme/rondo" in text
    assert "- this" in text
    assert "## Security and privacy notes" in text
    assert "{" not in text


def test_a_tag_that_does_not_fit_is_refused_with_all_reasons(project: Path) -> None:
    """Another version, no dated section, a placeholder."""
    manifest = (project / "manifest.yaml").read_text(encoding="utf-8")
    manifest = manifest.replace("hello@acme.org", "hello@rondo.example")
    (project / "manifest.yaml").write_text(manifest, encoding="utf-8")
    (project / "CHANGELOG.md").write_text("## [7.8.9] - unreleased\n\n- this\n", encoding="utf-8")
    wrong = list(problems(project, "v7.9.0"))

    assert [
        next(w for w in ("tag", "CHANGELOG", "placeholder") if w in line) for line in wrong
    ] == [
        "tag",
        "CHANGELOG",
        "placeholder",
    ]


def git(folder: Path, *arguments: str) -> str:
    """Run git there and return what it says."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *arguments],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the release is made on Linux")
def test_the_marketplace_gets_a_draft_of_the_package(project: Path, tmp_path: Path) -> None:
    """The workflow's own script, with repositories on disk and a `gh` that notes its call."""
    market, fork = tmp_path / "market", tmp_path / "fork.git"
    (market / "rondo/rondo").mkdir(parents=True)
    (market / "rondo/rondo/rondo-7.8.8.difypkg").write_text("old")
    (market / "others.txt").write_text("theirs")
    git(market, "init", "--quiet")
    git(market, "add", "--all")
    git(market, "commit", "--quiet", "--message", "begin")
    git(tmp_path, "clone", "--quiet", "--bare", str(market), str(fork))
    git(tmp_path, "clone", "--quiet", str(fork), "checkout")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$GH_CALL"\n')
    (programs / "gh").chmod(0o755)
    release(project, project / "dist")
    done = subprocess.run(
        ["sh", "tools/marketplace.sh", str(tmp_path / "checkout"), "acme"],  # noqa: S607
        cwd=project,
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "GH_CALL": str(tmp_path / "call"),
            "MARKETPLACE_ADDRESS": str(market),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    call = (tmp_path / "call").read_text().splitlines()
    assert call[:3] == ["pr", "create", "--draft"]
    assert "acme:bump-rondo-plugin-7.8.9" in call
    assert "langgenius/dify-plugins" in call
    changed = git(fork, "diff", "--name-status", "main", "bump-rondo-plugin-7.8.9", "--no-renames")
    assert changed.split() == [
        *("D", "rondo/rondo/rondo-7.8.8.difypkg"),
        *("A", "rondo/rondo/rondo-7.8.9.difypkg"),
    ]


def test_every_file_with_the_author_is_named() -> None:
    """Whoever publishes under another name changes all of them."""
    author = MANIFEST["author"]
    holds = re.compile(rf"^ *author: {author}$|: {author}/{MANIFEST['name']}[:/]", re.MULTILINE)
    found = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.yaml", "provider/*.yaml", "strategies/*.yaml", "examples/*.yml")
        for path in ROOT.glob(pattern)
        if holds.search(path.read_text(encoding="utf-8"))
    ]
    told = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")

    assert "manifest.yaml" in found
    assert [name for name in found if name not in told] == []
