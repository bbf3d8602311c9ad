"""What the engine needs from outside: a model that streams and a toolbox that runs calls.

The third port, `Approvals`, stands in `tools/approval.py`: it speaks of calls and rounds, and those
are made of what stands here. The adapters in `strategies/dify/` implement all three over a Dify
session; tests implement them with scripted fakes. Everything that crosses a port is a frozen value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from strategies.agent.interface.usage import Usage
from strategies.protocols.base import CallDelta, ToolSpec

type Message = Mapping[str, object]
"""One prompt message as Dify's wire has it: role, content, name, tool_calls, tool_call_id."""

type Forwarded = Mapping[str, object]
"""A message for the reader that the engine passes on unread, such as a file that a tool made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model call."""

    messages: Sequence[Message]
    question_index: int
    """Index of the user's question among the messages: history before it, the run behind it."""
    tools: Sequence[ToolSpec] = ()
    stop: Sequence[str] = ()
    max_tokens: int | None = None
    """Replaces the configured limit of the reply for this call; None keeps it."""
    left_out: tuple[str, ...] = ()
    """What of the conversation had to give way this time, in words for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDelta:
    """One piece of a model's streamed reply. Every part may be absent."""

    text: str = ""
    calls: tuple[CallDelta, ...] = ()
    usage: Usage | None = None
    finish_reason: str = ""
    files: tuple[Forwarded, ...] = ()
    """Pictures and other files that the model itself made."""
    from_cache: bool = False
    """The reply was given before to the same request: no model is asked."""


class ModelError(Exception):
    """A model call failed; the text is the provider's own.

    Args:
        text: what went wrong, in the provider's words.
        types: names that were given to the error on its way, outermost first.
        statuses: HTTP statuses of those who passed it on, outermost first.
    """

    def __init__(
        self, text: str, *, types: tuple[str, ...] = (), statuses: tuple[int, ...] = ()
    ) -> None:
        super().__init__(text)
        self.types = types
        self.statuses = statuses


class Model(Protocol):
    """A model of one provider."""

    @property
    def name(self) -> str:
        """The model's name as the reader knows it."""
        ...

    @property
    def provider(self) -> str:
        """The provider's name as Dify knows it."""
        ...

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Send one request and yield the reply as it comes.

        Raises:
            ModelError: the call failed, before or in the middle of the reply.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a tool gave back."""

    text: str
    """The result as the model is to read it, never blank."""
    error: str = ""
    """What went wrong, in one sentence; blank when the tool succeeded."""
    remark: str = ""
    """What of the text nobody but the engine says, for the model alone: never an answer."""
    forwarded: tuple[Forwarded, ...] = ()
    """Files and other messages for the reader, each once."""
    describes_tools: bool = False
    """Whether it tells of tools that can be called, and of nothing that an answer needs."""
    shown: str | None = None
    """The result without what only a model must be told, such as that a file was made; None where
    there is nothing of that kind. Blank where the files are all there is."""

    @property
    def answer(self) -> str:
        """The result as a reader is to see it where it stands for the answer."""
        return self.text if self.shown is None else self.shown


class Toolbox(Protocol):
    """The tools of one run, under the names that the model knows."""

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that the model is shown now."""
        ...

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """Every tool that may be called, shown or not, by its name."""
        ...

    def provider(self, name: str) -> str:
        """Say which provider a tool belongs to; blank for an unknown tool."""
        ...

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run one tool to its end. A failing tool is an outcome, not an exception."""
        ...
