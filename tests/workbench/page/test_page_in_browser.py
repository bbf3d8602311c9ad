"""The page in Chromium without a window: what a reader sees and can do."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.page.browser import CHROMIUM, Browser
from tests.workbench.told import HARM, lines, planned, text
from workbench.bench.scripted import ROOT
from workbench.page.pages import page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

# Long enough that the answer is still growing when the test looks, also on a busy machine.
LONG = (
    "What time is it in Tokyo, Beijing, London, Berlin, Paris, Madrid, Lisbon and Sydney,"
    " and what is 23 × 19?"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    """A page of one run, open."""
    return show(browser, tmp_path, lines())


def show(browser: Browser, folder: Path, told: list[dict[str, Any]]) -> Browser:
    """Open a page of these lines in light."""
    path = folder / "run.html"
    path.write_text(page(told), encoding="utf-8")
    browser.prefer("light")
    browser.resize(1440, 900)
    browser.open(path.as_uri())
    return browser


def bars(browser: Browser) -> dict[str, list[float]]:
    """Where each tool's bar begins and ends."""
    found: dict[str, list[float]] = browser.run(
        "Object.fromEntries([...document.querySelectorAll('.row.tool')].map(row => {"
        " const box = row.querySelector('.span').getBoundingClientRect();"
        " return [row.querySelector('.name').firstChild.data, [box.left, box.right]]; }))"
    )
    return found


class TestRun:
    """`run --html`."""

    def test_the_conversation_is_there(self, opened: Browser) -> None:
        """Question, thought, text, tools and answer."""
        talk = opened.text("#turns")

        assert "Lisbon? 18 °C" in talk
        assert "I will look." in talk
        assert "It has 18 °C [1]." in talk
        assert opened.run("document.querySelector('.thought div').textContent") == "Two tools"
        assert "**" not in talk
        assert opened.complaints == []

    def test_tools_that_ran_at_the_same_time_overlap(self, opened: Browser) -> None:
        """Both bars begin together; the one that took longer ends later."""
        found = bars(opened)

        assert abs(found["weather"][0] - found["hotels"][0]) < 2
        assert found["weather"][1] > found["hotels"][1] + 20

    def test_each_round_tells_its_tokens_and_price(self, opened: Browser) -> None:
        """Beside its name."""
        heads: list[str] = opened.run(
            "[...document.querySelectorAll('.row.head')].map(row => row.textContent)"
        )

        assert heads == ["Round 1✗ hotels, weather30 tok", "Round 2answer40 tok0.0042"]

    def test_a_click_shows_prompt_and_result(self, opened: Browser) -> None:
        """Of a model call its messages, of a tool its arguments; a second click hides them."""
        opened.click(".row.model")
        prompt = opened.text("#details")
        opened.click(".row.tool.bad")
        tool = opened.text("#details")
        opened.click(".row.tool.bad")

        assert "1 message" in prompt
        assert "Lisbon?" in prompt
        assert "no such house" in tool
        assert '"nights": 3' in tool
        assert opened.text("#details") == ""

    def test_search_finds_steps_and_marks_words(self, opened: Browser) -> None:
        """Other steps fade; Enter opens the next hit."""
        opened.type("#search", "nights")
        found = opened.text("#found")
        faded = opened.run("document.querySelectorAll('.row.faded').length")
        opened.press("Enter")

        assert found == "1 of 4 steps"
        assert faded == 5
        assert "hotels" in opened.text("#details h3")
        assert opened.run("CSS.highlights.get('found').size") > 0
        opened.press("Escape")
        assert opened.run("document.querySelectorAll('.row.faded').length") == 0

    def test_light_and_dark_follow_the_system_and_the_button(self, opened: Browser) -> None:
        """The paper is light or dark, and the ink stands out from it."""
        light = paper(opened)
        opened.prefer("dark")
        dark = paper(opened)
        opened.click("#theme")

        assert light > 200
        assert dark < 60
        assert paper(opened) == light

    def test_nothing_is_asked_of_any_server(self, opened: Browser) -> None:
        """The page itself is all that was read."""
        assert [each for each in opened.requests if not each.startswith("file:")] == []

    def test_what_was_said_does_no_harm(self, browser: Browser, tmp_path: Path) -> None:
        """Markup in a tool's result, an answer and a label is text."""
        show(browser, tmp_path, lines(result=HARM))
        browser.click(".row.tool")

        assert browser.run("window.harmed") is None
        assert "</script>" in browser.text("#turns")
        assert browser.run("document.querySelectorAll('img, script').length") == 2
        assert browser.complaints == []

    def test_the_run_can_be_played_again(self, opened: Browser) -> None:
        """From its beginning to the same end."""
        before = opened.text("#turns")
        opened.run("[...document.querySelectorAll('.foot button')][0].click()")

        assert "It has" not in opened.text("#turns")
        opened.wait_for(f"document.querySelector('#turns').innerText === {json.dumps(before)}")

    def test_it_fits_a_telephone(self, opened: Browser) -> None:
        """Nothing is wider than the page."""
        opened.resize(390, 844)

        assert opened.run("document.documentElement.scrollWidth") <= 390

    @pytest.mark.parametrize("width", [390, 1000, 1280])
    def test_the_marks_of_the_time_line_stand_apart(self, opened: Browser, width: int) -> None:
        """Also after the window was made narrower."""
        opened.resize(width, 844)
        apart = """(() => {
            const boxes = [...document.querySelectorAll('.axis span')]
                .map(mark => mark.getBoundingClientRect());
            return boxes.length > 1
                && boxes.every((box, at) => !at || box.left - boxes[at - 1].right > 4);
        })()"""

        assert opened.wait_for(apart)

    def test_lists_within_lists_and_code_in_bold_are_shown_as_such(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        """As the question for an approval has them."""
        show(browser, tmp_path, lines(result="this:**\n- **`mail`**\n  - `to`: Ann\n- **`pay`"))

        assert browser.run("document.querySelectorAll('.said > ul > li').length") == 2
        assert browser.text(".said > ul > li > ul") == "to: Ann"
        assert browser.text(".said li strong code") == "mail"

    def test_outputs_that_hold_nothing_share_a_line(self, browser: Browser, tmp_path: Path) -> None:
        """By their names; 0 and false hold something."""
        told = lines()
        told[-1]["outputs"] |= {"error": "", "sources": [], "structured_output": {}, "count": 0}
        show(browser, tmp_path, told)
        rows: list[str] = browser.run(
            "[...document.querySelectorAll('.outputs > div')].map(row => row.innerText)"
        )

        assert rows[-1].split("\n")[-1] == "error, sources, structured_output"
        assert any(row.startswith("count") for row in rows[:-1])

    def test_a_tool_that_was_given_up_has_the_time_of_its_row(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        """Its answer never came."""
        told = [line for line in lines() if (line["type"], line.get("call")) != ("answer", 2)]
        show(browser, tmp_path, told)

        assert "1.00 s" in browser.text(".chip")

    def test_several_runs_are_several_turns(self, browser: Browser, tmp_path: Path) -> None:
        """Each with its own time line."""
        show(browser, tmp_path, [*lines("one"), *lines("two", result="19 °C")])
        browser.click(".turn:nth-of-type(2) .show")

        assert browser.run("document.querySelectorAll('.turn').length") == 2
        assert "19 °C" in browser.text("#outcome")


class TestPlan:
    """A run of plan_and_execute."""

    def test_the_plan_is_a_checklist(self, browser: Browser, tmp_path: Path) -> None:
        """Each step once, with its state, time and usage; the text does not repeat it."""
        show(browser, tmp_path, planned())
        steps: list[list[str]] = browser.run(
            "[...document.querySelectorAll('.plan li')].map(li =>"
            " [li.className, li.querySelector('span').textContent,"
            " li.querySelector('small').textContent])"
        )

        assert steps == [
            ["done", "1. Find the oak.", "0.50 s · 30 tok"],
            ["failed", "2. Find the elm.", "failed · 0.60 s"],
            ["dropped", "3. Compare them.", "dropped"],
            ["dropped", "4. Draw them.", "dropped"],
            ["waiting", "5. Find a birch.", "waiting"],
        ]
        assert "1 of 5 steps done" in browser.text(".plan")
        assert browser.text("#turns").count("Find the oak.") == 1
        assert browser.complaints == []

    def test_a_step_opens_and_its_calls_are_its_own(self, browser: Browser, tmp_path: Path) -> None:
        """Though both steps asked the model at the same time."""
        show(browser, tmp_path, planned())
        browser.click(".plan li:nth-of-type(1) button")
        opened = browser.text("#details h3")
        prompts: list[str] = []
        for number in (0, 1):
            browser.run(f"document.querySelectorAll('.row.model')[{number}].click()")
            prompts.append(browser.text("#details"))

        assert "STEP 1" in opened
        assert ["Oak?" in one for one in prompts] == [True, False]
        assert ["Elm?" in one for one in prompts] == [False, True]

    def test_it_fits_a_telephone(self, browser: Browser, tmp_path: Path) -> None:
        """Nothing is wider than the page, and time and usage stand below the task."""
        show(browser, tmp_path, planned())
        browser.resize(390, 844)

        assert browser.run("document.documentElement.scrollWidth") <= 390
        assert browser.run(
            "(() => { const li = document.querySelector('.plan li');"
            " return li.querySelector('small').getBoundingClientRect().top"
            " >= li.querySelector('span').getBoundingClientRect().bottom - 1; })()"
        )


def test_an_evaluation_fits_a_telephone_and_opens_a_wrong_run(
    browser: Browser, tmp_path: Path
) -> None:
    """No word of the table is cut in two, and what was wrong stands above the run."""
    wrong = {"run": "one", "rounds": 2, "mistakes": ["The answer does not hold 19."]}
    total = {"right": 0, "runs": 1, "rounds": 2, "tokens": 70, "seconds": 2}
    ways = [f"plan_and_execute {protocol}" for protocol in ("native", "qwen3_coder", "react")]
    evaluation = {
        "totals": [{"name": way, **total} for way in ways],
        "tasks": [{"name": "chinese-weather", "question": "Lisbon?", "cells": [[wrong]] * 3}],
    }
    path = tmp_path / "evaluation.html"
    path.write_text(page(lines(), evaluation=evaluation), encoding="utf-8")
    browser.resize(390, 844)
    browser.open(path.as_uri())
    browser.click(".wrong")

    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert "qwen3 coder" in browser.text(".evaluation thead").replace("\n", " ")
    lines_of_the_name = """(() => {
        const range = document.createRange();
        range.selectNodeContents(document.querySelector('th[title]'));
        return range.getClientRects().length;
    })()"""
    assert browser.run(lines_of_the_name) <= len(("chinese-", "weather"))
    assert "does not hold 19" in browser.text(".opened")
    assert "It has" in browser.text(".opened")


def paper(browser: Browser) -> float:
    """How light the page's background is, from 0 to 255."""
    colour = browser.run("getComputedStyle(document.body).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the page is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "serve", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split(" at ")[1].split()[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


class TestServe:
    """`serve`, with the demo model and the real plugin."""

    @pytest.fixture
    def chat(self, browser: Browser, address: str) -> Browser:
        """The page, open."""
        browser.prefer("light")
        browser.resize(1440, 900)
        browser.open(address)
        return browser

    def test_an_answer_grows_before_the_readers_eyes(self, chat: Browser) -> None:
        """Text, then tools, then the answer; the time line beside it, and the outcome."""
        ask(chat, LONG)
        chat.wait_for("document.querySelector('.caret') !== null")
        chat.wait_for("document.querySelectorAll('.chip').length === 9")
        assert not chat.run("document.querySelector('#stop').hidden")
        finish(chat)

        assert "calculator: 437" in chat.text("#turns")
        assert "answered" in chat.text(".sum").lower()
        assert chat.run("document.querySelectorAll('.row.head').length") == 2
        assert chat.complaints == []

    def test_a_conversation_goes_on(self, chat: Browser) -> None:
        """The next question brings the earlier turns along."""
        for question in ("What is 2 + 3?", "And what is 7 * 6?"):
            ask(chat, question)
            finish(chat)
        chat.click(".turn:nth-of-type(2) .show")
        chat.click(".row.model")

        assert "calculator: 42" in chat.text(".turn:nth-of-type(2)")
        assert "What is 2 + 3?" in chat.text("#details")

    def test_a_protocol_can_be_picked(self, chat: Browser) -> None:
        """The run speaks it."""
        chat.run("document.querySelector('#protocol').value = 'hermes'")
        ask(chat, "What is 2 + 3?")
        finish(chat)
        chat.click(".row.model")

        assert "<tool_call>" in chat.text("#details")
        assert "\n5\n" in chat.text("#turns")

    def test_no_button_is_there_before_it_is_of_use(self, chat: Browser) -> None:
        """Neither those of an approval nor Stop."""
        shown = chat.text("#composer")

        assert "Ask" in shown
        assert "Yes, run it" not in shown
        assert "Stop" not in shown

    def test_a_run_can_be_stopped(self, chat: Browser) -> None:
        """It ends at once, without an error."""
        ask(chat, LONG)
        chat.wait_for("document.querySelector('.said')?.textContent.includes('Let')")
        chat.click("#stop")
        finish(chat)

        assert "Stopped." in chat.text("#turns")
        assert "stopped" in chat.text(".sum").lower()
        assert "437" not in chat.text("#turns")

    def test_a_saved_run_can_be_opened(self, chat: Browser, tmp_path: Path) -> None:
        """As `run --json` wrote it."""
        saved = tmp_path / "run.jsonl"
        saved.write_text(text(lines()), encoding="utf-8")
        document = chat.ask("DOM.getDocument")["root"]["nodeId"]
        field = chat.ask("DOM.querySelector", nodeId=document, selector="#saved")["nodeId"]
        chat.ask("DOM.setFileInputFiles", files=[str(saved)], nodeId=field)
        chat.wait_for("document.querySelectorAll('.row.tool').length === 2")

        assert "It has 18 °C" in chat.text("#turns")


def ask(chat: Browser, question: str) -> None:
    """Type a question and send it."""
    chat.type("#question", question)
    chat.press("Enter")
    chat.wait_for("!document.querySelector('#stop').hidden")


def finish(chat: Browser) -> None:
    """Wait for the run's end."""
    chat.wait_for("document.querySelector('#stop').hidden")
    chat.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
