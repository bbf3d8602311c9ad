"""readme/: the README in three more languages, as complete as the English one."""

import re
from pathlib import Path

import pytest

from workbench.package import packed_files

ROOT = Path(__file__).parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CODES = ("zh_Hans", "ja_JP", "pt_BR")
TOLD = ("## Install", "## Parameters", "## Protocols", "## Limits")
"""What a translation has, too; the rest is for those who build the plugin."""

CODE = re.compile(r"`([^`\n]+)`")
HAN = r"\u4e00-\u9fff"
KANA = r"\u3040-\u30fa"


def told() -> str:
    """The parts of the English README that are translated."""
    parts = re.split(r"^(?=## )", ENGLISH, flags=re.MULTILINE)
    return "".join(part for part in parts if part.startswith(TOLD))


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
        assert f"({name})" in ENGLISH

    def test_its_tables_have_the_same_rows(self, code: str) -> None:
        """Parameters, outputs and protocols, with the same defaults and limits."""
        english = [row for row in rows(told()) if row[0].startswith("`")]
        here = {row[0]: row for row in rows(readme(code))}

        assert [row[0] for row in english if row[0] not in here] == []
        for name, kind, default, *_ in (row for row in english if len(row) == 4):
            assert re.findall(r"\d+–\d+", kind) == re.findall(r"\d+–\d+", here[name][1])
            assert not re.fullmatch(r"\d+|False|auto", default) or here[name][2] == default

    def test_it_has_as_many_rows_and_points(self, code: str) -> None:
        """In each section: nothing was left out, nothing was added."""
        text = readme(code)
        points = [part.count("\n- ") for part in (told(), text.split("##", 1)[1])]

        assert points[0] == points[1]
        assert len(rows(told())) == len(rows(text))

    def test_it_names_the_same_settings(self, code: str) -> None:
        """What stands in code marks is not translated."""
        missing = {name for name in CODE.findall(told()) if name not in readme(code)}

        assert missing - {"make package"} == set()


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
