"""The project's own files: what the marketplace shows, and what may stand in none of them."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path
from typing import Any

import pytest
import yaml

from strategies.dify.inputs.parameters import PROTOCOLS
from workbench.package import packed_files

ROOT = Path(__file__).parent.parent
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))
STRATEGY: dict[str, Any] = yaml.safe_load(
    (ROOT / "strategies/plan_and_execute.yaml").read_text(encoding="utf-8")
)
"""The one with the most: a test of the registration says what it has beside the others."""

PROVIDER: dict[str, Any] = yaml.safe_load(
    (ROOT / "provider/rondo.yaml").read_text(encoding="utf-8")
)

EAST_ASIAN = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")

PLACES_OF_ONE_MACHINE = re.compile(
    r"""
      (?<![\w.-])/(?:root/\.\w+|home/\w+|Users/\w+|work/\w+|opt/wheels)\b
    | pypi\.(?:org|python) | pythonhosted | npmjs\. | debian\.(?:org|net)
    | proxy\.golang | crates\.io | (?:extra-)?index-url
    """,
    re.VERBOSE,
)

PACKED_READMES = [name for name in packed_files(ROOT) if re.match(r"(readme/)?README", name)]
PACKED_PAGES = ["PRIVACY.md", *PACKED_READMES]
PICTURE = re.compile(r"!\[[^]]*\]\(([^)]+)\)")
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)]+)\)")
COMMAND = re.compile(r"`make \w+|\.venv\b|\bpython3? -m \w+|\buv run\b|\bsh tools/")

SECTION_MENTIONED = re.compile(r'(docs/[\w-]+\.md),[\s#]+"([^"]+)"')
DOCUMENT_MENTIONED = re.compile(r"(?<![\w./-])[\w./-]*\w\.md\b|§\s*\d")


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the README's table whose first heading this is, by their first cell."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start = re.search(rf"^\| {re.escape(heading)} \|", readme, re.MULTILINE)
    assert start, f"no table begins with {heading}"
    lines = readme[start.start() :].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`"): rest for first, *rest in rows}


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {heading.lower().replace(" ", "-") for heading in headings}


def documents_named(path: Path) -> set[str]:
    """The documents that a file tells its reader of; of a Python file, those it does not make."""
    text = path.read_text(encoding="utf-8")
    told: list[str] = [text]
    made: list[str] = []
    if path.suffix == ".py":
        told = []
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT or token.string.startswith('"""'):
                told.append(token.string)
            elif token.type == tokenize.STRING:
                made.append(token.string)
    names = {match[0] for part in told for match in DOCUMENT_MENTIONED.finditer(part)}
    own = {match[0] for part in made for match in DOCUMENT_MENTIONED.finditer(part)}
    return {name for name in names - own if not name.startswith("//")}  # an address


class TestDocuments:
    """The texts that the marketplace shows."""

    def test_the_readme_is_in_english(self) -> None:
        """Translations have files of their own."""
        assert EAST_ASIAN.search((ROOT / "README.md").read_text(encoding="utf-8")) is None

    def test_the_readme_says_what_a_builder_must_know(self) -> None:
        """Where the source is, how to set it up and use it, what it connects to."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")

        assert MANIFEST["repo"] in readme
        assert all(word in readme.lower() for word in ("install", "credentials", "agent"))
        assert len(readme.splitlines()) <= 190

    def test_the_readme_lists_every_parameter_and_default(self) -> None:
        """As the YAML declares them, in its order."""
        rows = table("Name")
        declared = {parameter["name"]: parameter for parameter in STRATEGY["parameters"]}

        assert list(rows) == list(declared)
        for name, parameter in declared.items():
            kind, default, _ = rows[name]
            assert "default" not in parameter or str(parameter["default"]) == default
            assert "min" not in parameter or f"{parameter['min']}–{parameter['max']}" in kind
            assert parameter["type"] != "any" or parameter["scope"].split("&")[0] in kind

    def test_the_readme_lists_every_output(self) -> None:
        """As the YAML declares them, in its order."""
        declared = {
            name: "array[object]" if output["type"] == "array" else output["type"]
            for name, output in STRATEGY["output_schema"]["properties"].items()
        }

        assert {name: row[0] for name, row in table("Output").items()} == declared

    def test_the_readme_lists_every_protocol(self) -> None:
        """Those that the parameter's help names."""
        helps = {p["name"]: p["help"]["en_US"] for p in STRATEGY["parameters"]}
        protocols = list(table("Protocol"))

        assert ", ".join(protocols[:-1]) + f" or {protocols[-1]}" in helps["tool_protocol"]
        assert set(PROTOCOLS) <= set(protocols)

    @pytest.mark.parametrize("name", ["CHANGELOG.md", "PRIVACY.md", "docs/dify.md"])
    def test_relative_links_lead_somewhere(self, name: str) -> None:
        """To a file that exists."""
        text = (ROOT / name).read_text(encoding="utf-8")
        targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)

        assert [target for target in targets if not (ROOT / target).exists()] == []


class TestInsideDify:
    """The pages as Dify and its marketplace show them: nothing around them but the package."""

    @pytest.fixture(params=PACKED_PAGES)
    def text(self, request: pytest.FixtureRequest) -> str:
        """One of the pages that are packed."""
        return (ROOT / request.param).read_text(encoding="utf-8")

    def test_no_link_is_dead(self, text: str) -> None:
        """Links are whole addresses; a picture may stand in the package, under _assets."""
        pictures: list[str] = PICTURE.findall(text)
        links: list[str] = LINK.findall(text)
        near = [target for target in pictures if not target.startswith("https://")]

        assert links
        assert [target for target in links if not target.startswith("https://")] == []
        assert [target for target in near if not target.startswith("_assets/")] == []
        assert [target for target in near if target not in packed_files(ROOT)] == []

    def test_every_link_into_the_repository_leads_somewhere(self, text: str) -> None:
        """To a file or folder that is there, and to a heading of it where one is named."""
        place = re.compile(re.escape(MANIFEST["repo"]) + r"/(?:blob|tree|raw)/main/(.+)")
        links: list[str] = LINK.findall(text) + PICTURE.findall(text)
        targets = [found[1] for link in links if (found := place.match(link))]

        assert targets
        for target in targets:
            name, _, heading = target.partition("#")
            assert (ROOT / name).exists(), target
            assert not heading or heading in anchors(ROOT / name), target

    @pytest.mark.parametrize("name", PACKED_READMES)
    def test_a_strategy_is_found_under_the_name_that_the_picker_shows(self, name: str) -> None:
        """Which is the provider's label, not the plugin's."""
        text = (ROOT / name).read_text(encoding="utf-8")
        language = re.sub(r"(readme/)?README_?|\.md", "", name) or "en_US"

        assert (
            re.findall(r"(?<!\*)\*(\w[^*\n]*)\*(?!\*)", text)
            == [PROVIDER["identity"]["label"][language]] * 2
        )

    def test_no_command_is_told_that_does_not_exist_there(self, text: str) -> None:
        """No make, no environment, no module that is not packed."""
        assert COMMAND.findall(text) == []

    @pytest.mark.parametrize(
        "command", ["`make demo`", "`.venv/bin/python x`", "python -m tools.x"]
    )
    def test_a_command_is_found(self, command: str) -> None:
        """The pattern above is no blind one."""
        assert COMMAND.findall(f"Call {command} now.")


class TestRepository:
    """What holds for every file under version control."""

    @pytest.fixture
    def tracked(self) -> list[Path]:
        """The files of the project that are text."""
        listed = subprocess.run(
            ["git", "ls-files", "-z"],  # noqa: S607  git is wherever the developer has it
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode != 0:
            pytest.skip("not a git work tree")
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [path for path in paths if path.is_file() and path.suffix != ".png"]

    def test_no_file_names_a_registry_or_a_place_of_one_machine(self, tracked: list[Path]) -> None:
        """Everyone has their own."""
        found = {
            f"{path.relative_to(ROOT)}: {match[0]}"
            for path in tracked
            if path != Path(__file__)
            for match in PLACES_OF_ONE_MACHINE.finditer(path.read_text(encoding="utf-8"))
        }

        assert found == set()

    def test_no_file_names_a_document_that_is_not_here(self, tracked: list[Path]) -> None:
        """Nor its paragraphs; what somebody keeps elsewhere explains nothing to a reader."""
        found = {
            f"{path.relative_to(ROOT)}: {name}"
            for path in tracked
            for name in documents_named(path)
            if not any(
                (folder / name.removeprefix("/")).is_file() for folder in (ROOT, path.parent)
            )
        }

        assert found == set()

    def test_a_name_counts_where_it_is_said_to_a_reader(self, tmp_path: Path) -> None:
        """In comments and docstrings; files that code itself makes or reads are its own."""
        source = tmp_path / "a.py"
        source.write_text(
            '"""See plan.md, and https://x.test/a.md."""\n'
            'made = "made.md"  # made.md is made; as notes.md says\n',
            encoding="utf-8",
        )

        assert documents_named(source) == {"plan.md", "notes.md"}

    def test_every_section_that_a_file_points_to_exists(self, tracked: list[Path]) -> None:
        """Under that heading, in that document; and comments do point there."""
        mentioned = {
            (match[1], " ".join(match[2].split()))
            for path in tracked
            for match in SECTION_MENTIONED.finditer(path.read_text(encoding="utf-8"))
        }
        headings = {
            (f"docs/{path.name}", heading)
            for path in (ROOT / "docs").glob("*.md")
            for heading in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        }

        assert mentioned
        assert mentioned - headings == set()

    def test_nothing_in_the_plugin_prints(self) -> None:
        """Standard output is the wire to Dify."""
        sources = [ROOT / name for name in packed_files(ROOT) if name.endswith(".py")]
        printing = [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for path in sources
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "breakpoint"}
        ]

        assert printing == []
