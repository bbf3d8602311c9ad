"""The package: what is in it, how it is built, and what the marketplace asks of it."""

import hashlib
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from strategies.dify.storage.approvals import APPROVALS
from strategies.dify.storage.memory import MEMORY
from strategies.dify.storage.replies import reply_room
from tools.addresses import set_addresses
from tools.pins import pins
from workbench.package import (
    IncompletePackageError,
    Package,
    build,
    checksum,
    packed_files,
    placeholders,
    report,
    warnings,
)

ROOT = Path(__file__).parent.parent
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
PACKED = packed_files(ROOT)

PACKED_FOLDERS = {"_assets", "provider", "readme", "strategies"}
PACKED_ROOT_FILES = {
    "CHANGELOG.md",
    "LICENSE",
    "PRIVACY.md",
    "README.md",
    "main.py",
    "manifest.yaml",
    "requirements.txt",
}
PACKED_KINDS = {".md", ".png", ".py", ".svg", ".txt", ".yaml", ""}

LARGE_DISTRIBUTIONS = {"torch", "tensorflow", "transformers", "opencv-python", "chromadb"}
"""What the marketplace frowns upon."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The project's package, built once."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


class TestContents:
    """The packed files."""

    def test_only_what_dify_needs_is_packed(self) -> None:
        """A new file at the root or a new folder is packed on purpose or not at all."""
        folders = {name.split("/")[0] for name in PACKED if "/" in name}
        root_files = {name for name in PACKED if "/" not in name}

        assert folders <= PACKED_FOLDERS
        assert root_files == PACKED_ROOT_FILES

    def test_no_dotfile_is_packed(self) -> None:
        """They hold keys, caches and history."""
        assert [name for name in PACKED if re.search(r"(^|/)\.", name)] == []

    def test_only_known_kinds_of_files_are_packed(self) -> None:
        """No byte code, no logs, no keys, no archives."""
        assert {Path(name).suffix for name in PACKED} <= PACKED_KINDS

    def test_the_package_bears_name_and_version(self, package: Package) -> None:
        """As the manifest has them."""
        assert package.path.name == f"rondo-{MANIFEST['version']}.difypkg"

    def test_the_archive_holds_the_packed_files_sorted(self, package: Package) -> None:
        """And nothing else."""
        with zipfile.ZipFile(package.path) as archive:
            assert archive.namelist() == PACKED == sorted(package.sizes)

    def test_the_same_files_make_the_same_bytes(self, package: Package, tmp_path: Path) -> None:
        """Whenever and wherever it is built."""
        again = build(ROOT, tmp_path)

        assert again.path.read_bytes() == package.path.read_bytes()

    def test_the_package_is_small(self, package: Package) -> None:
        """Far from Dify's 50 MB and the marketplace's 5,000 files."""
        assert sum(package.sizes.values()) < 5_000_000
        assert len(package.sizes) < 500

    def test_the_report_names_every_file(self, package: Package) -> None:
        """One line each, and one for the whole."""
        lines = report(package).splitlines()

        assert [line.split()[-1] for line in lines[:-1]] == PACKED
        assert lines[-1].endswith(str(package.path))


class TestBuilding:
    """Packing a small plugin made for the test."""

    @pytest.fixture
    def plugin(self, tmp_path: Path) -> Path:
        """The smallest complete plugin."""
        files = {
            ".difyignore": ".*\n/tests/\n*.log\n# a remark\n!kept.log\n",
            "LICENSE": "Free.",
            "PRIVACY.md": "Nothing.",
            "README.md": "Read.",
            "_assets/icon.svg": "<svg/>",
            "_assets/night.svg": "<svg/>",
            "main.py": "",
            "manifest.yaml": (
                "{name: small, version: 1.2.3, icon: icon.svg, icon_dark: night.svg, "
                "privacy: PRIVACY.md, plugins: {agent_strategies: [provider/small.yaml]}}"
            ),
            "provider/small.py": "",
            "provider/small.yaml": (
                "{identity: {icon: icon.svg}, strategies: [strategies/one.yaml], "
                "extra: {python: {source: provider/small.py}}}"
            ),
            "requirements.txt": "",
            "strategies/one.py": "",
            "strategies/one.yaml": "{extra: {python: {source: strategies/one.py}}}",
        }
        root = tmp_path / "plugin"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return root

    def test_a_complete_plugin_is_packed(self, plugin: Path, tmp_path: Path) -> None:
        """Into a folder that need not exist."""
        package = build(plugin, tmp_path / "new" / "dist")

        assert package.path == tmp_path / "new" / "dist" / "small-1.2.3.difypkg"
        assert len(package.sizes) == 12

    @pytest.mark.parametrize(
        "name",
        [
            "LICENSE",
            "PRIVACY.md",
            "README.md",
            "_assets/icon.svg",
            "_assets/night.svg",
            "main.py",
            "manifest.yaml",
            "provider/small.py",
            "provider/small.yaml",
            "requirements.txt",
            "strategies/one.py",
            "strategies/one.yaml",
        ],
    )
    def test_a_missing_file_is_named(self, plugin: Path, tmp_path: Path, name: str) -> None:
        """And no package is written."""
        (plugin / name).unlink()

        with pytest.raises(IncompletePackageError, match=re.escape(name)):
            build(plugin, tmp_path / "dist")
        assert not (tmp_path / "dist").exists()

    def test_an_ignored_file_counts_as_missing(self, plugin: Path, tmp_path: Path) -> None:
        """What is required must be in the package, not only on the disk."""
        (plugin / ".difyignore").write_text(".*\n/provider/\n", encoding="utf-8")

        with pytest.raises(IncompletePackageError, match=r"provider/small\.yaml"):
            build(plugin, tmp_path / "dist")

    def test_ignored_folders_and_files_stay_out(self, plugin: Path) -> None:
        """At any depth, as in .gitignore; a negation brings nothing back, as in Dify."""
        for name in ("tests/test_it.py", "strategies/tests/deep.py", "kept.log", ".env", "a/.b/c"):
            (plugin / name).parent.mkdir(parents=True, exist_ok=True)
            (plugin / name).write_text("", encoding="utf-8")

        added = {"strategies/tests/deep.py"}
        assert added < set(packed_files(plugin))
        assert not {"tests/test_it.py", "kept.log", ".env", "a/.b/c"} & set(packed_files(plugin))

    def test_a_package_that_dify_would_refuse_is_not_written(
        self, plugin: Path, tmp_path: Path
    ) -> None:
        """More than 50 MB in all."""
        with (plugin / "_assets/large.png").open("wb") as file:
            file.truncate(51 * 1024 * 1024)

        with pytest.raises(IncompletePackageError, match="50 MB"):
            build(plugin, tmp_path / "dist")

    @pytest.mark.parametrize("stray", ["notes.txt", "run.json", "strategies/notes.txt", "new/x.py"])
    def test_without_git_a_file_that_is_not_of_a_plugin_is_refused_by_name(
        self, plugin: Path, tmp_path: Path, stray: str
    ) -> None:
        """As in an unpacked source archive."""
        (plugin / stray).parent.mkdir(parents=True, exist_ok=True)
        (plugin / stray).write_text("", encoding="utf-8")

        with pytest.raises(IncompletePackageError, match=re.escape(stray)):
            build(plugin, tmp_path / "dist")

    def test_in_a_checkout_what_git_does_not_track_is_left_out_and_named(
        self, plugin: Path, tmp_path: Path
    ) -> None:
        """Whatever it is called."""
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=plugin, check=True)  # noqa: S607
        for stray in ("notes.txt", "strategies/attempt.py", "ignored.log"):
            (plugin / stray).write_text("", encoding="utf-8")
        package = build(plugin, tmp_path / "dist")
        said = warnings(plugin, package)

        assert package.left_out == ("notes.txt", "strategies/attempt.py")
        assert len(package.sizes) == 12
        assert ["notes.txt" in line for line in said].count(True) == 1

    def test_in_a_checkout_a_required_file_that_is_not_tracked_is_missing(
        self, plugin: Path, tmp_path: Path
    ) -> None:
        """Nobody else has it."""
        for command in (
            ["init", "--quiet"],
            ["add", "--all"],
            ["rm", "--quiet", "--cached", "LICENSE"],
        ):
            subprocess.run(["git", *command], cwd=plugin, check=True)  # noqa: S607

        with pytest.raises(IncompletePackageError, match="LICENSE"):
            build(plugin, tmp_path / "dist")

    def test_the_checksum_is_of_the_package(self, plugin: Path, tmp_path: Path) -> None:
        """In the form that sha256sum reads."""
        package = build(plugin, tmp_path / "dist")
        expected = hashlib.sha256(package.path.read_bytes()).hexdigest()

        assert checksum(package) == f"{expected}  small-1.2.3.difypkg\n"


class TestAddresses:
    """Where the project lives, which only whoever publishes it knows."""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """The files that hold addresses."""
        for name in ("manifest.yaml", *(p for p in PACKED if re.match("(readme/)?[A-Z].*md$", p))):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
        return tmp_path

    def test_placeholders_are_warned_of_until_they_are_set(self, copy: Path) -> None:
        """Both are set by one command, and then nothing is said."""
        manifest = (copy / "manifest.yaml").read_text(encoding="utf-8")
        repository, contact = "https://github.com/acme/rondo", "hello@acme.org"
        set_addresses(copy, repository, contact)
        after: dict[str, Any] = yaml.safe_load((copy / "manifest.yaml").read_text("utf-8"))

        assert (after["repo"], after["contact"]) == (repository, contact)
        assert placeholders(copy) == []
        (copy / "manifest.yaml").write_text(
            manifest.replace(MANIFEST["repo"], "https://github.com/OWNER/rondo").replace(
                MANIFEST["contact"], "hello@rondo.example"
            ),
            encoding="utf-8",
        )
        assert [line.split(":")[0] for line in placeholders(copy)] == ["contact", "repo"]

    def test_the_packed_pages_name_the_repository_of_the_manifest(self, copy: Path) -> None:
        """Before and after it is set."""
        pages = [copy / "README.md", copy / "PRIVACY.md", *sorted((copy / "readme").glob("*.md"))]

        assert [p.name for p in pages if MANIFEST["repo"] not in p.read_text("utf-8")] == []
        new = "https://gitlab.com/acme/r"
        changed = set_addresses(copy, new, "a@b.org")
        assert changed == ["manifest.yaml", *(p.relative_to(copy).as_posix() for p in pages)]
        assert [p.name for p in pages if new not in p.read_text("utf-8")] == []

    @pytest.mark.parametrize(
        ("repository", "contact"),
        [("github.com/acme/rondo", "a@b.org"), ("https://github.com/acme/rondo", "acme.org")],
    )
    def test_what_the_marketplace_would_refuse_is_refused(
        self, copy: Path, repository: str, contact: str
    ) -> None:
        """And nothing is changed."""
        with pytest.raises(ValueError, match="is not"):
            set_addresses(copy, repository, contact)
        assert (copy / "manifest.yaml").read_bytes() == (ROOT / "manifest.yaml").read_bytes()


class TestManifest:
    """What the daemon and the marketplace ask of the manifest."""

    def test_the_versions_agree(self) -> None:
        """Manifest, project and the changelog's newest entry."""
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

        assert MANIFEST["version"] == PROJECT["project"]["version"]
        assert re.findall(r"^## \[(\d[^]]*)\]", changelog, re.MULTILINE)[0] == MANIFEST["version"]

    def test_author_and_name_are_allowed(self) -> None:
        """Lower case, and no one else's name."""
        assert re.fullmatch(r"[a-z0-9_-]{1,64}", MANIFEST["author"])
        assert re.fullmatch(r"[a-z0-9_-]{1,128}", MANIFEST["name"])
        assert not re.search("dify|langgenius", MANIFEST["author"])

    def test_the_marketplace_finds_the_people(self) -> None:
        """A repository, an address and a privacy statement."""
        assert re.match(r"https://(github|gitlab)\.com/[\w.-]+/[\w.-]+$", MANIFEST["repo"])
        assert re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", MANIFEST["contact"])
        assert (ROOT / MANIFEST["privacy"]).read_text(encoding="utf-8").strip()

    def test_it_runs_where_dify_runs(self) -> None:
        """Python 3.12 on both architectures, with MCP tools (manifest version above 0.0.1)."""
        meta = MANIFEST["meta"]

        assert (meta["version"], meta["minimum_dify_version"]) == ("0.0.2", "1.7.0")
        assert meta["arch"] == ["amd64", "arm64"]
        assert meta["runner"] == {"language": "python", "version": "3.12", "entrypoint": "main"}

    def test_it_asks_for_no_more_than_it_needs(self) -> None:
        """Tools, language models, and a storage in which all rooms fit when they are full."""
        rooms = (MEMORY, APPROVALS, reply_room(1))
        size = sum(room.places * room.size for room in rooms)
        assert MANIFEST["resource"]["permission"] == {
            "tool": {"enabled": True},
            "model": {"enabled": True, "llm": True},
            "storage": {"enabled": True, "size": size},
        }

    def test_it_offers_strategies_alone(self) -> None:
        """They cannot be combined with any other extension."""
        assert list(MANIFEST["plugins"]) == ["agent_strategies"]
        assert MANIFEST["tags"] == ["agent"]

    @pytest.mark.parametrize("theme", ["icon", "icon_dark"])
    def test_an_icon_is_drawn_in_the_file_itself(self, theme: str) -> None:
        """Vectors, small, without scripts or anything fetched."""
        icon = (ROOT / "_assets" / MANIFEST[theme]).read_text(encoding="utf-8")
        elsewhere = re.findall(r"https?://(?!www\.w3\.org/2000/svg)|<script|<image|href=", icon)

        assert icon.startswith("<svg")
        assert len(icon) < 4096
        assert elsewhere == []

    def test_the_provider_bears_the_plugins_icons(self) -> None:
        """Dify takes both from _assets."""
        provider = yaml.safe_load((ROOT / "provider/rondo.yaml").read_text(encoding="utf-8"))
        icons = {theme: MANIFEST[theme] for theme in ("icon", "icon_dark")}

        assert {theme: provider["identity"][theme] for theme in icons} == icons


class TestRequirements:
    """What Dify installs for the plugin."""

    def test_they_are_the_projects_dependencies(self) -> None:
        """Dify prefers one file or the other, depending on its settings."""
        assert PROJECT["project"]["dependencies"] == REQUIREMENTS

    def test_each_has_an_upper_bound_in_the_form_that_dify_reads(self) -> None:
        """Name and version, or the versions that were tried; no blanks, no addresses."""
        form = r"[\w-]+(==[\w.]+|>=[\w.]+,<[\w.]+)"

        assert [line for line in REQUIREMENTS if not re.fullmatch(form, line)] == []

    def test_the_sdk_is_recent_enough_for_the_marketplace(self) -> None:
        """0.9.0 at least."""
        (sdk,) = [line for line in REQUIREMENTS if line.startswith("dify_plugin>=")]
        lowest = sdk.split(",")[0].removeprefix("dify_plugin>=")

        assert tuple(map(int, lowest.split("."))) >= (0, 9, 0)

    def test_every_version_of_the_range_is_tried(self) -> None:
        """The workflow plays the tests of the links on its ends, and the docs name them."""
        workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
        tried: list[str] = yaml.safe_load(workflow)["jobs"]["sdk"]["strategy"]["matrix"]["sdk"]
        page = (ROOT / "docs/dify.md").read_text(encoding="utf-8")
        (sdk,) = [line for line in REQUIREMENTS if line.startswith("dify_plugin")]

        assert sdk == f"dify_plugin>={tried[0]},<0.11"
        assert tried[-1].startswith("0.10.")
        assert [version for version in tried if version not in page] == []

    def test_none_is_large(self) -> None:
        """An installation takes seconds."""
        assert not LARGE_DISTRIBUTIONS & {re.split("[=<>]", line)[0] for line in REQUIREMENTS}

    def test_development_needs_are_pinned_too(self) -> None:
        """The set-up installs every group; of a range, one version."""
        everything = pins(ROOT / "pyproject.toml")

        assert set(REQUIREMENTS) < set(everything)
        assert len(set(everything)) == len(everything)
        pinned = [pin for pin in everything if re.fullmatch(r"[\w\[\]-]+==[\w.]+", pin)]
        assert set(everything) - set(pinned) <= set(REQUIREMENTS)
        names = [pin.split("==")[0] for pin in pinned]
        assert [r for r in REQUIREMENTS if re.split("[=<>]", r)[0] not in names] == []
