"""The text that the reader sees: think blocks that close, and paragraphs between what is apart.

Dify's page makes HTML of the think tags, and Markdown begins again only after an empty line. What
is said after a tool call or in another round is a paragraph of its own, also where the model left
a code fence open before it.
"""

import re
from collections.abc import Iterator

from strategies.dify.outputs.messages import text_messages
from strategies.dify.outputs.pacing import DifyMessage

_PARAGRAPH = "\n\n"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")
_LINE_LENGTH = 200
"""Characters of a line that are kept until its end, to tell a fence."""


class ReaderText:
    """Writes text and reasoning as they come."""

    def __init__(self, *, shows_reasoning: bool) -> None:
        self._shows_reasoning = shows_reasoning
        self._fence = _CodeFence()
        self._said = False
        """Whether the reader has seen anything but blanks."""
        self._end = ""
        """The last line ends that were shown."""
        self._apart = False
        """Whether what comes must not run into what was said."""
        self._same_reply = False
        """Whether it is of the reply that may have left a code fence open."""
        self._thinking = False
        self._waiting = ""
        """What has come since a break and does not yet tell how to go on."""
        self._blank_reasoning = ""

    def after_call(self) -> None:
        """Let what the reply says next begin a paragraph."""
        self._same_reply = not self._apart or self._same_reply
        self._apart = self._said

    def after_round(self) -> None:
        """Let what the next reply says begin a paragraph."""
        self._apart, self._same_reply, self._waiting = self._said, False, ""

    def show(self, said: str) -> Iterator[DifyMessage]:
        """Write text."""
        if self._thinking:
            # One message: a tag alone would hold the text back by ten milliseconds.
            said = f"{self._closing_tag()}{_PARAGRAPH}{said.lstrip('\r\n')}"
            self._apart = False
        self._blank_reasoning = ""
        yield from self._say(said)

    def show_reasoning(self, said: str) -> Iterator[DifyMessage]:
        """Write reasoning; the block opens at its first word, for models also think nothing."""
        if not self._shows_reasoning:
            return
        if self._thinking:
            yield from self._say(said)
            return
        self._blank_reasoning += said
        if self._blank_reasoning.strip():
            opened, self._blank_reasoning = f"<think>{self._blank_reasoning}", ""
            self.after_round()
            yield from self._say(opened)
            self._thinking = True

    def end_reasoning(self) -> Iterator[DifyMessage]:
        """Close the think block if it is open."""
        self._blank_reasoning = ""
        if self._thinking:
            self._apart = False
            yield from self._say(self._closing_tag())
            self.after_round()

    def _closing_tag(self) -> str:
        self._thinking = False
        return f"{self._fence.closing(self._end)}</think>"

    def _say(self, said: str) -> Iterator[DifyMessage]:
        if self._apart:
            said = self._begun(said)
        if not said:
            return
        self._said = self._said or bool(said.strip())
        self._end = (self._end + said)[-2:]
        self._fence.feed(said)
        yield from text_messages(said)

    def _begun(self, said: str) -> str:
        """Put a paragraph's beginning before a text, once it is certain that there is one."""
        self._waiting = (self._waiting + said).lstrip("\r\n")
        begins = self._waiting
        closes = self._same_reply and self._fence.is_closed_by(begins)
        if not begins.strip() or closes is None:
            return ""
        self._waiting, self._apart = "", False
        if closes:
            return f"{'' if self._end.endswith('\n') else '\n'}{begins}"
        closing = self._fence.closing(self._end)
        end = closing or self._end
        missing = "" if end.endswith(_PARAGRAPH) else "\n" if end.endswith("\n") else _PARAGRAPH
        return f"{closing}{missing}{begins}"


class _CodeFence:
    """Follows the text, to know whether it stands inside a code fence."""

    def __init__(self) -> None:
        self._open = ""
        self._line = ""

    def feed(self, said: str) -> None:
        *lines, self._line = f"{self._line}{said}".split("\n")
        for line in lines:
            self._take(line)
        self._line = self._line[:_LINE_LENGTH]

    def closing(self, end: str) -> str:
        """Return what closes the fence behind a text with this end; blank where none is open."""
        self._end_line()
        return f"{'' if end.endswith('\n') else '\n'}{self._open}\n" if self._open else ""

    def is_closed_by(self, begins: str) -> bool | None:
        """Tell whether a text begins with the end of the fence; None as long as it may yet."""
        self._end_line()
        line, ended, _ = begins.partition("\n")
        if not self._open or line.strip(self._open[0]).strip():
            return False
        whole = line.rstrip().startswith(self._open)
        return whole if ended else None

    def _end_line(self) -> None:
        self._take(self._line)
        self._line = ""

    def _take(self, line: str) -> None:
        found = _FENCE.match(line)
        if not found:
            return
        if not self._open:
            # Backticks behind backticks are code inside a line.
            self._open = found[1] if "`" not in found[2] or found[1][0] == "~" else ""
        elif found[1].startswith(self._open) and not found[2].strip():
            self._open = ""
