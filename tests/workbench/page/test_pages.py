"""The page as a text: what it holds, and what cannot break out of it. No browser is needed."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import override

import pytest

from tests.workbench.told import HARM, lines
from workbench.base.ports import Json
from workbench.page import pages
from workbench.page.pages import embedded, page

PARTS = Path(pages.__file__).parent


class Elements(HTMLParser):
    """The elements of a page, and the text of those that matter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = f"{tag}#{dict(attrs).get('id') or ''}"

    @override
    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @override
    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data


def data(text: str) -> Json:
    """What a page holds for its script."""
    value: Json = json.loads(Elements(text).texts["script#data"])
    return value


def test_the_page_holds_the_run_as_it_was_told() -> None:
    """Every line, unchanged."""
    told = lines(result="Olá 世界 \u2028 & <b>")

    assert data(page(told)) == {"lines": told}


@pytest.mark.parametrize(
    "harm", [HARM, "<!-- <script>", "]]>", "\u2028\u2029", "{{script}}", "'\"`"]
)
def test_nothing_that_was_said_becomes_part_of_the_page(harm: str) -> None:
    """The same elements as with harmless words, and the words still there."""
    harmless, harmed = Elements(page(lines())), Elements(page(lines(result=harm)))

    assert harmed.tags == harmless.tags
    assert json.loads(harmed.texts["script#data"])["lines"] == lines(result=harm)
    assert "<script>window" not in page(lines(result=harm))


def test_half_a_character_does_no_harm() -> None:
    """It cannot be written as UTF-8, so it is written as JSON's own escape."""
    text = page(lines(result="\ud83d"))

    assert text.encode()
    assert data(text)["lines"][0]["question"] == "Lisbon? \ud83d"


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    """No address but the names of XML, no attribute that loads, and a policy that forbids it."""
    elements = Elements(page(lines()))
    policy = dict(elements.attributes)["content"] or ""

    assert not {"link", "iframe", "object", "base"} & set(elements.tags)
    assert not {"src", "href", "srcset", "action"} & {name for name, _ in elements.attributes}
    assert not re.search(r"@import|url\(", elements.texts["style#"])
    assert "default-src 'none'" in policy or any(
        "default-src 'none'" in (value or "") for _, value in elements.attributes
    )


def test_the_policy_knows_this_very_script_and_style() -> None:
    """Anything else, were it smuggled in, would not run."""
    elements = Elements(page(lines()))
    policy = next(value for _, value in elements.attributes if value and "default-src" in value)
    for text in (elements.texts["script#"], elements.texts["style#"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'none'" in policy


def test_the_script_makes_elements_of_text_alone() -> None:
    """None of the doors through which text becomes markup or code."""
    doors = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\("
    )
    sources = {path.name: path.read_text(encoding="utf-8") for path in PARTS.glob("*.js")}

    assert {name for name, source in sources.items() if doors.search(source)} == set()
    assert set(sources) == {
        *("story.js", "parts.js", "plan.js", "talk.js", "chart.js"),
        *("details.js", "serve.js", "main.js", "evaluation.js"),
    }


def test_large_files_stay_out() -> None:
    """Small pictures are shown; what is large would make the page so."""
    small: Json = {"run": "one", "at": 1, "type": "blob", "message": {"blob": b"ab"}}
    large: Json = {**small, "message": {"blob": b"a" * 600_000}}

    assert [line["message"] for line in data(page([small, large]))["lines"]] == [
        {"blob": "YWI="},
        {"blob": None},
    ]


def test_json_for_a_script_element_reads_back() -> None:
    """The escapes are JSON's own."""
    value = {"<": ["</script>", "&amp;", "\u2029"]}

    assert json.loads(embedded(value)) == value
    assert not set("<>&\u2029") & set(embedded(value))
