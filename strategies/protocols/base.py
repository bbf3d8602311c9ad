"""What every protocol shares: tools as values, the events of a reply, and the two contracts.

A protocol is one way for a model to say "call this tool". A reply comes in as text and, for
native function calling, as tool-call deltas; it goes out as the events below. Parsers know nothing
of Dify, of the loop or of the network: text in, events out, never an exception on model text.

Promises of every `ReplyParser`:

* the same events (after joining adjacent text) for every way of cutting the reply into pieces;
* no more text held back than could still be a call;
* a call that was cut off, that took a guess at a value, or that the model only shows (in a
  quotation, in code, in a sentence, in its reasoning) is never a `Call`: docs/protocols.md, "What
  is run";
* cost linear in the length of the reply.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

type Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    """JSON Schema of the arguments, always of type object."""

    @property
    def properties(self) -> Mapping[str, object]:
        """The schemas of the arguments by their names."""
        found = self.parameters.get("properties")
        return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Text:
    """Text that the reader of the answer sees."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Text between `<think>` and `</think>`, without the tags."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A complete call: its arguments are a JSON object, not yet checked against a schema."""

    name: str
    arguments: Mapping[str, object]
    id: str = ""
    """As the model gave it; blank when it gave none. The loop makes ids unique."""
    raw: str = ""
    """The arguments exactly as the model wrote them, where it wrote them as JSON."""
    position: int = 0
    """Sorts the calls of one reply as the model wrote them; calls may be complete out of turn."""
    in_text: bool = False
    """The model wrote it into its text; else it came beside the text, as native calls do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenCall:
    """A call that names its tool, but whose arguments cannot be read: it must not be run."""

    name: str
    raw: str
    problem: str
    """One sentence for the model: what is wrong and where."""
    id: str = ""
    position: int = 0
    in_text: bool = False


@dataclass(frozen=True, slots=True)
class FormatError:
    """A block that looked like a call and could not be read; its text has gone back to `Text`."""

    problem: str
    """One sentence for the model: what is wrong and how the block should look."""
    stands_first: bool = False
    """Whether the block stood in the text, and no text before it."""


@dataclass(frozen=True, slots=True)
class ReasoningSoFar:
    """All that came before was reasoning: a `</think>` came without its open tag.

    Text that has gone out is to be taken for reasoning, and calls found in it were only drafts.
    """

    text: str
    """The reply up to the tag, as the model wrote it."""


type IsQuoted = Callable[[Call | BrokenCall, str], bool]
"""Tells of a call, and of how the model wrote it, whether it stands in what others have said to the
model: then it is a quotation."""

type ReplyEvent = Text | Reasoning | ReasoningSoFar | Call | BrokenCall | FormatError


def never_quoted(call: Call | BrokenCall, written: str) -> bool:
    """Take every call for the model's own: nobody has said anything to it."""
    del call, written
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDelta:
    """One fragment of a native tool call, as a provider streams it. Every field may be blank."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    index: int | None = None
    """Position in the provider's list. Dify's wire drops it (None); raw OpenAI deltas carry it."""


class ReplyParser(Protocol):
    """Reads one reply of a model. Made anew for every reply."""

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Take the next piece of the reply and return what has become certain by it."""
        ...

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Return what is left at the end of the reply.

        `cut_short`: the reply was not finished (`finish_reason.is_cut_short`), so a value that is
        still open was never whole.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a tool call gave back, as the model is to read it."""

    name: str
    """The tool's name; blank where the engine itself has something to say to a reply."""
    text: str
    arguments: str = ""
    """The arguments of the call as the model wrote them, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One finished round in a text protocol: the reply as the model wrote it, and the results."""

    reply: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of plain text for a chat model."""

    role: Literal["user", "assistant"]
    text: str


class TextProtocol(Protocol):
    """A protocol that lives in the text: no native tools, no tool roles."""

    @property
    def name(self) -> str:
        """The value of the parameter `tool_protocol`."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Stop words that the model must not write past."""
        ...

    def parser(
        self,
        tools: Sequence[ToolSpec],
        *,
        starts_in_reasoning: bool | None = False,
        is_quoted: IsQuoted = never_quoted,
    ) -> ReplyParser:
        """Make the parser of one reply.

        `starts_in_reasoning`: the prompt has opened `<think>`; None where nobody knows yet. Then a
        lone `</think>` is told as `ReasoningSoFar`, and whoever runs calls waits for the end.
        `is_quoted`: a call of which it is true is text.
        """
        ...

    def instructions(self, tools: Sequence[ToolSpec], language: Language) -> str:
        """Say in the system prompt which tools there are and how to call them."""
        ...

    def turns(self, question: str, exchanges: Sequence[Exchange]) -> list[Turn]:
        """Write the run so far as chat turns: the first is the user's question.

        Replies go back byte for byte; markers inside results are escaped, so that a tool cannot
        forge a call.
        """
        ...

    def as_results(
        self, question: str, exchanges: Sequence[Exchange], last_sentence: str
    ) -> list[Turn]:
        """Write the run as the question and its results, without turns of the model.

        An answer follows more easily: when the model can only answer, or goes in circles.
        `last_sentence` asks for the answer now, in the language of the question; it is blank where
        tools may still be called. The first turn holds the question, the last one ends with that
        sentence and is the user's. `in_one_turn` suits most protocols.
        """
        ...
