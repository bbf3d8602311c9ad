"""readme/: the README in three more languages, as complete as the English one."""

import re
from pathlib import Path

import pytest

from workbench.package import packed_files

ROOT = Path(__file__).parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CODES = ("zh_Hans", "ja_JP", "pt_BR")
CODE = re.compile(r"`([^`\n]+)`")
HAN = r"\u4e00-\u9fff"
KANA = r"\u3040-\u30fa"


def sections(text: str) -> list[str]:
    """The parts of a README: what stands before the first heading, and one for each heading."""
    return re.split(r"^## .*\n", text, flags=re.MULTILINE)


def readme(code: str) -> str:
    """The README in that language."""
    return (ROOT / f"readme/README_{code}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
class TestTranslations:
    """Each of them."""

    def test_it_is_packed_and_linked(self, code: str) -> None:
        """Dify shows it to readers of that language."""
        name = f"readme/README_{code}.md"

        assert name in packed_files(ROOT)
        assert f"{name})" in ENGLISH

    def test_it_has_the_same_sections(self, code: str) -> None:
        """In the same order: each with as many rows, points, steps and links as the English one."""
        english, here = sections(ENGLISH), sections(readme(code))

        assert len(here) == len(english)
        assert [counts(part) for part in here] == [counts(part) for part in english]

    def test_each_section_names_the_same_settings(self, code: str) -> None:
        """What stands in code marks is not translated."""
        for english, here in zip(sections(ENGLISH), sections(readme(code)), strict=True):
            assert set(CODE.findall(english)) - set(CODE.findall(here)) == set()

    def test_its_tables_have_the_same_rows(self, code: str) -> None:
        """Parameters, outputs and protocols, with the same defaults and limits."""
        english = [row for row in rows(ENGLISH) if row[0].startswith("`")]
        here = {row[0]: row for row in rows(readme(code))}

        assert [row[0] for row in english if row[0] not in here] == []
        for name, kind, default, *_ in (row for row in english if len(row) == 4):
            assert re.findall(r"\d+–\d+", kind) == re.findall(r"\d+–\d+", here[name][1])
            assert not re.fullmatch(r"\d+|False|auto", default) or here[name][2] == default


def counts(section: str) -> dict[str, int]:
    """How much there is of each kind that a section is made of; the last one links languages."""
    lines = section.splitlines()
    return {
        "rows": len(rows(section)),
        "points": sum(line.startswith("- ") for line in lines),
        "steps": sum(re.match(r"\d\. ", line) is not None for line in lines),
        "pictures": section.count("!["),
        "links": section.count("]("),
    }


def rows(text: str) -> list[list[str]]:
    """The rows of all tables."""
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("code", ["zh_Hans", "ja_JP"])
def test_it_is_written_as_its_readers_write(code: str) -> None:
    """Punctuation of the script, and a blank beside Latin words, digits and code."""
    text = readme(code)

    assert re.findall(f"[{HAN}{KANA}][,.:;!?()]", text) == []
    assert re.findall(f"[{HAN}{KANA}][A-Za-z0-9`]|[A-Za-z0-9`][{HAN}{KANA}]", text) == []
