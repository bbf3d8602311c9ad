"""Take the pictures of a run for docs/, run.png and run-dark.png: `python -m tools.screenshots`.

Both show what the workbench's commands show, in Chromium without a window: the page of
`run --html` in light, and the chat page of `serve` in dark, after it was asked the same question.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.workbench.page.browser import CHROMIUM, Browser

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs"
QUESTION = "What time is it in Tokyo, Berlin and São Paulo, and what is 23 × 19?"
WORKBENCH = (sys.executable, "-m", "workbench")
WIDTH, HEIGHT = 1440, 720
LARGEST = 300_000


def main() -> int:
    """Take both; 1 where there is no Chromium, or a picture became too large to pack."""
    if CHROMIUM is None:
        sys.stderr.write("Chromium is not installed, so there are no pictures to take.\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Browser(folder / "profile") as browser:
            browser.resize(WIDTH, HEIGHT)
            _run(browser, folder / "run.html", PICTURES / "run.png")
            _serve(browser, PICTURES / "run-dark.png")
    sizes = {path: path.stat().st_size for path in sorted(PICTURES.glob("run*.png"))}
    for path, size in sizes.items():
        sys.stdout.write(f"{size:>9,}  {path.relative_to(ROOT)}\n")
    return int(max(sizes.values()) > LARGEST)


def _run(browser: Browser, page: Path, picture: Path) -> None:
    subprocess.run(  # noqa: S603  the project's own command
        [*WORKBENCH, "run", "--html", str(page), QUESTION],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    browser.prefer("light")
    browser.open(page.as_uri())
    browser.picture(picture)


def _serve(browser: Browser, picture: Path) -> None:
    process = subprocess.Popen(  # noqa: S603  the project's own command
        [*WORKBENCH, "serve", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101  it was asked for above
        address = process.stdout.readline().split(" at ")[1].split()[0]
        browser.prefer("dark")
        browser.open(address)
        browser.type("#question", QUESTION)
        browser.press("Enter")
        browser.wait_for("!document.querySelector('#stop').hidden")
        browser.wait_for("document.querySelector('#stop').hidden")
        browser.run("document.activeElement.blur()")
        browser.run("new Promise(done => setTimeout(done, 500))")
        browser.picture(picture)
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
