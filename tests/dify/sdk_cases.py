"""Tests of the modules that import the SDK, run by test_sdk.py in a process of their own.

Importing the SDK patches the process: threads become greenlets, which other tests must not be.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import BackwardsInvocation, Session, SessionContext
from dify_plugin.core.server.__base.response_writer import ResponseWriter

from strategies.agent.errors import classify
from strategies.agent.ports import ModelError, ModelRequest
from strategies.dify.backwards import RequestTooLargeError, call_back
from strategies.dify.messages import log_message, text_messages
from strategies.dify.model import DifyModel
from strategies.dify.parameters import ModelConfig
from strategies.dify.toolbox import DifyToolbox
from strategies.dify.tools import read_tools
from strategies.protocols.base import ToolSpec
from tests.dify.entities import tool

type Answer = Mapping[str, Any] | Exception


class Door:
    """The SDK's way back to Dify: keeps what it is asked and gives its answers in order."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.requests: list[tuple[InvokeType, dict[str, Any]]] = []

    def _backwards_invoke(
        self, kind: InvokeType, _: type[Any], request: dict[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        self.requests.append((kind, request))
        for answer in self._answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer


@dataclass(slots=True)
class Models:
    """The models of a session."""

    llm: Door


@dataclass(slots=True)
class FakeSession:
    """As much of a session as the adapters use."""

    tool: Door = field(default_factory=Door)
    model: Models = field(default_factory=lambda: Models(Door()))
    app_id: str | None = "app"
    context: SessionContext = field(default_factory=SessionContext)


CONFIG = ModelConfig(
    provider="langgenius/openai/openai",
    model="gpt-4o",
    mode="chat",
    completion_params={"temperature": 0.1, "stop": ["END"]},
    features=frozenset(),
    context_size=None,
    max_tokens_name="max_completion_tokens",
)


def asked(request: ModelRequest, *answers: Answer) -> tuple[list[str], dict[str, Any]]:
    """Ask a model; return the pieces of its reply and the request that left."""
    door = Door(*answers)
    session = cast("Session", FakeSession(model=Models(door)))
    pieces = [delta.text for delta in DifyModel(session, CONFIG).stream(request)]
    kind, sent = door.requests[0]
    assert kind is InvokeType.LLM
    return pieces, sent


def talk(*contents: str, **others: Any) -> ModelRequest:
    """Make a request of messages of the user."""
    said = [{"role": "user", "content": content} for content in contents]
    return ModelRequest(messages=said, question=0, **others)


def says(text: str) -> dict[str, Any]:
    """A piece of a reply."""
    return {"delta": {"message": {"content": text}}}


def test_a_model_is_asked_as_dify_expects() -> None:
    """Always streaming, with the configured stop words and the limit under the model's name."""
    request = talk(
        "Hi",
        tools=[ToolSpec(name="f", description="F.", parameters={"type": "object"})],
        stop=["Observation:"],
        max_tokens=100,
    )
    pieces, sent = asked(request, says("Hel"), says("lo"))

    assert pieces == ["Hel", "lo"]
    assert sent == {
        "provider": "langgenius/openai/openai",
        "model": "gpt-4o",
        "model_type": "llm",
        "mode": "chat",
        "completion_params": {"temperature": 0.1, "max_completion_tokens": 100},
        "prompt_messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "f", "description": "F.", "parameters": {"type": "object"}}],
        "stop": ["END", "Observation:"],
        "stream": True,
    }


def test_no_tools_and_no_limit_are_left_open() -> None:
    """Providers refuse an empty list of tools."""
    _, sent = asked(talk("Hi"))

    assert sent["tools"] is None
    assert "max_completion_tokens" not in sent["completion_params"]


def test_a_failure_in_the_middle_keeps_what_came_and_the_provider_s_words() -> None:
    """The SDK raises plain Exception, whatever went wrong."""
    door = Door(says("Hel"), Exception("read llm model failed: busy"))
    model = DifyModel(cast("Session", FakeSession(model=Models(door))), CONFIG)
    pieces: list[str] = []

    with pytest.raises(ModelError, match="read llm model failed: busy"):
        pieces.extend(delta.text for delta in model.stream(talk("Hi")))
    assert pieces == ["Hel"]


def test_half_a_character_in_a_conversation_does_not_end_the_run() -> None:
    """The SDK's writer refuses it, and the run would hang."""
    _, sent = asked(talk("a\ud83d"))

    assert sent["prompt_messages"] == [{"role": "user", "content": "a\ufffd"}]


@pytest.mark.parametrize("letter", ["a", "漢", '"', "\x01"])
def test_a_request_that_would_end_the_process_is_not_sent(letter: str) -> None:
    """The daemon ends a plugin that writes a line of 5 MB, and every run in it (dify#27714)."""
    door = Door()
    size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    request = {"content": letter * (5_000_000 // size)}

    with pytest.raises(RequestTooLargeError) as refused:
        list(call_back(cast("BackwardsInvocation[Any]", door), InvokeType.LLM, request))
    assert door.requests == []
    assert classify(str(refused.value)).kind == "context_too_long"


def test_three_megabytes_pass() -> None:
    """Pictures in a conversation are that large."""
    _, sent = asked(talk("x" * 3_000_000))

    assert len(sent["prompt_messages"][0]["content"]) == 3_000_000


def test_nothing_is_sent_before_the_first_piece_is_asked_for() -> None:
    """The thread that reads the reply is the one that sends the request."""
    door = Door()
    DifyModel(cast("Session", FakeSession(model=Models(door))), CONFIG).stream(talk("Hi"))

    assert door.requests == []


def toolbox(session: FakeSession, *items: Any) -> DifyToolbox:
    """Put tools into a toolbox."""
    tools, _ = read_tools(items)
    return DifyToolbox(cast("Session", session), tools)


def messages(*texts: str) -> Sequence[dict[str, Any]]:
    """Text messages of a tool."""
    return [{"type": "text", "message": {"text": text}} for text in texts]


def test_a_tool_is_called_with_what_the_builder_fixed() -> None:
    """Fixed values win over the model's, and the tool's own account over the session's (T10)."""
    session = FakeSession(tool=Door(*messages("sun", "ny")))
    box = toolbox(
        session,
        tool("get.weather", runtime_parameters={"unit": "C"}, credential_id="mine"),
    )
    [spec] = box.specs
    outcome = box.call(spec.name, {"city": "Köln", "unit": "F"})

    assert outcome.text == "sunny"
    assert box.provider(spec.name) == "langgenius/google/google"
    assert session.tool.requests == [
        (
            InvokeType.Tool,
            {
                "tool_type": "builtin",
                "provider": "langgenius/google/google",
                "tool": "get.weather",
                "tool_parameters": {"city": "Köln", "unit": "C"},
                "app_id": "app",
                "credential_id": "mine",
            },
        )
    ]


def test_a_tool_without_an_account_of_its_own_has_the_session_s() -> None:
    """Dify tells it by provider."""
    session = FakeSession(app_id=None)
    session.context.credentials.tool_credentials["langgenius/google/google"] = "shared"
    toolbox(session, tool()).call("search", {})
    _, request = session.tool.requests[0]

    assert request["credential_id"] == "shared"
    assert "app_id" not in request


def test_a_failing_tool_is_an_outcome() -> None:
    """What came before is kept, also a file that the SDK cannot parse (sdk#383)."""
    link = {"type": "binary_link", "message": {"text": "/files/tools/x.pdf"}, "meta": {}}
    door = Door(*messages("page 1"), link, Exception("read tool response failed: no page 2"))
    outcome = toolbox(FakeSession(tool=door), tool()).call("search", {})

    assert outcome.text.startswith("page 1\n")
    assert "no page 2" in outcome.error
    assert outcome.forwarded == ({**link, "meta": None},)


def test_half_a_character_in_an_argument_reaches_the_tool_as_a_whole_one() -> None:
    """Models write it as an escape in the JSON of a call."""
    session = FakeSession()
    toolbox(session, tool()).call("search", json.loads('{"q": "\\ud83d\\ude42 \\ud83d"}'))

    assert session.tool.requests[0][1]["tool_parameters"] == {"q": "🙂 \ufffd"}


def test_arguments_too_large_to_send_fail_the_call_alone() -> None:
    """Not the process."""
    outcome = toolbox(FakeSession(), tool()).call("search", {"q": "x" * 6_000_000})

    assert "too long" in outcome.error


def test_an_unknown_tool_has_no_provider() -> None:
    """The narrator asks for it before the call is refused."""
    assert toolbox(FakeSession()).provider("nothing") == ""


class Written(ResponseWriter):
    """The SDK's own writer, which keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, data: str) -> None:
        """Keep a line."""
        self.lines.append(data)

    def done(self) -> None:
        """End nothing."""


def test_the_sdk_writes_what_the_narrator_tells() -> None:
    """Half characters, odd numbers and deep data in texts and logs."""
    writer = Written()
    told = [
        *text_messages("a\ud83d"),
        log_message(
            log_id="1",
            parent_id=None,
            label="\ud83d",
            status="error",
            error="\ud83d",
            data={"\ud83d": ["\ud83d", float("nan"), 10**30]},
            metadata={"started_at": 1.0},
        ),
    ]
    for message in told:
        write: Any = writer
        write.session_message(session_id="s", data=write.stream_object(message))

    assert len([line for line in writer.lines if line.strip()]) == 2
