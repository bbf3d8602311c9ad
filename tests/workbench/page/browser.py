"""Chromium without a window, driven through its own debugging pipe: no further package needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.base.ports import Json
from workbench.base.services import Service

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
# The browser wants its pipe as the descriptors 3 and 4.
_LAUNCH = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_SECONDS = 20.0


class Browser(Service):
    """One browser with one page. A context manager: it ends the process."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out)),
                *(CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"),
            ],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._write = os.fdopen(ours_out, "wb", buffering=0)
        self._read = os.fdopen(ours_in, "rb")
        self._numbers = itertools.count(1)
        self._answers: dict[int, Json] = {}
        self._news = threading.Condition()
        self.requests: list[str] = []
        """Addresses that pages asked for."""
        self.complaints: list[str] = []
        """Exceptions, and what the console was told as an error."""
        threading.Thread(target=self._listen, daemon=True).start()
        targets = self._ask("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.resize(1440, 900)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._write.close()

    def open(self, address: str) -> None:
        """Go to a page and wait until it is there."""
        self.requests.clear()
        self.complaints.clear()
        self.ask("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Run an expression in the page and return its value."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = _SECONDS) -> Any:
        """Wait until an expression is true; return its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}\n{self.run('document.body.innerText')}")

    def text(self, selector: str) -> str:
        """What a reader sees of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        """Click an element."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        """Click into a field and type."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.ask("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"Enter": 13, "Escape": 27}.get(key, 0)
        text: Json = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
            )

    def resize(self, width: int, height: int) -> None:
        """Give the page another size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Let the system prefer `light` or `dark`."""
        self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def picture(self, path: Path) -> None:
        """Write what the page looks like."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    def ask(self, method: str, **parameters: Any) -> Json:
        """Send a command to the page."""
        return self._ask(method, self._session, **parameters)

    def _ask(self, method: str, session: str = "", **parameters: Any) -> Json:
        number = next(self._numbers)
        command: Json = {"id": number, "method": method, "params": parameters}
        command |= {"sessionId": session} if session else {}
        self._write.write(json.dumps(command).encode() + b"\0")
        answered: Callable[[], bool] = lambda: number in self._answers  # noqa: E731
        with self._news:
            assert self._news.wait_for(answered, _SECONDS), f"no answer to {method}"
            answer = self._answers.pop(number)
        assert "error" not in answer, answer["error"]
        result: Json = answer["result"]
        return result

    def _listen(self) -> None:
        rest = b""
        while piece := os.read(self._read.fileno(), 65536):
            *frames, rest = (rest + piece).split(b"\0")
            for frame in frames:
                self._take(json.loads(frame))

    def _take(self, frame: Json) -> None:
        parameters: Json = frame.get("params") or {}
        match frame.get("method"):
            case None:
                with self._news:
                    self._answers[frame["id"]] = frame
                    self._news.notify_all()
            case "Network.requestWillBeSent":
                self.requests.append(str(parameters["request"]["url"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.complaints.append(json.dumps(parameters["entry"]))
            case _:
                pass
