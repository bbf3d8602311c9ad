"""Tests of the modules that import the SDK, run by test_sdk.py in a process of their own.

Importing the SDK patches the process: threads become greenlets, which other tests must not be.
"""

import json
from collections.abc import Generator, Sequence
from typing import Any, cast

import pytest
from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import SessionContext
from dify_plugin.core.server.__base.writer_entities import Event

from strategies.agent.failures.classify import classify
from strategies.agent.interface.ports import ModelError, ModelRequest
from strategies.dify.calls.callback import CallBackError, RequestTooLargeError, call_back
from strategies.dify.calls.errors import model_error
from strategies.dify.calls.model import DifyModel
from strategies.dify.calls.toolbox import DifyToolbox
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.model_config import ModelConfig
from strategies.dify.inputs.tools import read_tools
from strategies.dify.outputs.messages import log_message, text_messages
from strategies.protocols.base import ToolSpec
from tests.dify.door import Answer, Door, Silent
from tests.dify.entities import tool

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
    door = Door(llm=answers)
    pieces = [delta.text for delta in DifyModel(door.session(), CONFIG).stream(request)]
    [(kind, sent)] = door.requests
    assert kind == "llm"
    return pieces, sent


def talk(*contents: str, **others: Any) -> ModelRequest:
    """Make a request of messages of the user."""
    said = [{"role": "user", "content": content} for content in contents]
    return ModelRequest(messages=said, question_index=0, **others)


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


def test_an_assistant_message_always_carries_a_list_of_calls() -> None:
    """The daemon makes null of a missing one, and Dify refuses the whole conversation."""
    called = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [
        {"role": "assistant", "content": "Hi."},
        {"role": "assistant", "content": "", "tool_calls": [called]},
    ]
    _, sent = asked(
        ModelRequest(messages=[*said, {"role": "user", "content": "?"}], question_index=2)
    )

    assert [message.get("tool_calls") for message in sent["prompt_messages"]] == [
        [],
        [called],
        None,
    ]


def test_no_tools_and_no_limit_are_left_open() -> None:
    """Providers refuse an empty list of tools."""
    _, sent = asked(talk("Hi"))

    assert sent["tools"] is None
    assert "max_completion_tokens" not in sent["completion_params"]


def test_a_failure_in_the_middle_keeps_what_came_and_the_provider_s_words() -> None:
    """The SDK raises plain Exception, whatever went wrong."""
    door = Door(llm=[says("Hel"), Exception("read llm model failed: busy")])
    model = DifyModel(door.session(), CONFIG)
    pieces: list[str] = []

    with pytest.raises(ModelError, match=r"^busy$"):
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
        list(call_back(door.session(), InvokeType.LLM, request))
    assert door.lines == []
    assert classify(model_error(str(refused.value))).kind == "context_too_long"


def test_three_megabytes_pass() -> None:
    """Pictures in a conversation are that large."""
    _, sent = asked(talk("x" * 3_000_000))

    assert len(sent["prompt_messages"][0]["content"]) == 3_000_000


def test_nothing_is_sent_before_the_first_piece_is_asked_for() -> None:
    """The thread that reads the reply is the one that sends the request."""
    door = Door()
    DifyModel(door.session(), CONFIG).stream(talk("Hi"))

    assert door.requests == []


def test_an_unchanged_message_is_written_once() -> None:
    """A long conversation is sent in every round; its JSON is kept as long as its messages are."""
    door = Door()
    model = DifyModel(door.session(), CONFIG)
    first, second, third = ({"role": "user", "content": str(number)} for number in range(3))
    for messages in ([first], [first, second], [third, first], [first, first]):
        list(model.stream(ModelRequest(messages=messages, question_index=0)))

    sent = [[m["content"] for m in request["prompt_messages"]] for _, request in door.requests]
    assert sent == [["0"], ["0", "1"], ["2", "0"], ["0", "0"]]


def test_an_answer_that_comes_after_all_have_gone_is_let_go() -> None:
    """A reader that stops early, as at a time limit, must not hold the others up."""
    door = Door(llm=[says("a"), says("b")])
    answers = call_back(door.session(), InvokeType.LLM, {})
    next(answers)
    cast("Generator[object]", answers).close()
    door.reader.answers.take({"backwards_request_id": "nobody's", "event": "end"})

    pieces = DifyModel(door.session(), CONFIG).stream(talk("Hi"))
    assert [delta.text for delta in pieces] == ["a", "b"]


def test_dify_s_silence_is_an_error_after_a_while() -> None:
    """The SDK's limit and its words."""
    session = Silent().session()
    session.max_invocation_timeout = 0

    with pytest.raises(CallBackError, match="without response after 0 seconds"):
        list(call_back(session, InvokeType.Tool, {}))


def toolbox(door: Door, *items: Any) -> DifyToolbox:
    """Put tools into a toolbox."""
    tools, _ = read_tools(items)
    return DifyToolbox(door.session(), tools, RunFiles())


def messages(*texts: str) -> Sequence[dict[str, Any]]:
    """Text messages of a tool."""
    return [{"type": "text", "message": {"text": text}} for text in texts]


def test_a_tool_is_called_with_what_the_builder_fixed() -> None:
    """Fixed values win over the model's, and the tool's own account over the session's (T10)."""
    door = Door(tool=messages("sun", "ny"))
    box = toolbox(
        door,
        tool("get.weather", runtime_parameters={"unit": "C"}, credential_id="mine"),
    )
    [spec] = box.specs
    outcome = box.call(spec.name, {"city": "Köln", "unit": "F"})

    assert outcome.text == "sun\nny"
    assert box.provider(spec.name) == "langgenius/google/google"
    assert door.requests == [
        (
            "tool",
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
    door = Door()
    context = SessionContext()
    context.credentials.tool_credentials["langgenius/google/google"] = "shared"
    tools, _ = read_tools([tool()])
    session = door.session(app_id=None, context=context)
    DifyToolbox(session, tools, RunFiles()).call("search", {})
    [(_, request)] = door.requests

    assert request["credential_id"] == "shared"
    assert "app_id" not in request


def test_a_failing_tool_is_an_outcome() -> None:
    """What came before is kept, also a file that the SDK cannot parse (sdk#383)."""
    link = {"type": "binary_link", "message": {"text": "/files/tools/x.pdf"}, "meta": {}}
    broken = Exception("read tool response failed: no page 2")
    door = Door(tool=[*messages("page 1"), link, broken])
    outcome = toolbox(door, tool()).call("search", {})

    assert outcome.text.startswith("page 1\n")
    assert "no page 2" in outcome.error
    assert outcome.forwarded == ({**link, "meta": None},)


def test_half_a_character_in_an_argument_reaches_the_tool_as_a_whole_one() -> None:
    """Models write it as an escape in the JSON of a call."""
    door = Door()
    toolbox(door, tool()).call("search", json.loads('{"q": "\\ud83d\\ude42 \\ud83d"}'))

    assert door.requests[0][1]["tool_parameters"] == {"q": "🙂 \ufffd"}


def test_arguments_too_large_to_send_fail_the_call_alone() -> None:
    """Not the process."""
    outcome = toolbox(Door(), tool()).call("search", {"q": "x" * 6_000_000})

    assert "too long" in outcome.error


def test_an_unknown_tool_has_no_provider() -> None:
    """The narrator asks for it before the call is refused."""
    assert toolbox(Door()).provider("nothing") == ""


def test_the_sdk_writes_what_the_narrator_tells() -> None:
    """Half characters, odd numbers and deep data in texts and logs."""
    door = Door()
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
        door.tell(message)
    texts, log = (json.loads(line)["data"]["data"]["message"] for line in door.lines)

    assert texts == {"text": "a\ufffd"}
    assert log["data"] == {"\ufffd": ["\ufffd", None, 10**30]}


def test_a_run_that_failed_says_so_and_ends_whatever_it_failed_with() -> None:
    """The SDK's own error could not be written with half a character in it: no end ever came."""
    door = Door()
    error = {"error_type": "E", "message": "half \ud83d", "args": {"traceback": "\ud83d"}}
    door.put(Event.SESSION, "run", door.stream_error_object(error))
    door.put(Event.SESSION, "run", door.stream_end_object())
    failed, ended = (json.loads(line)["data"] for line in door.lines)

    assert (failed["type"], failed["data"]["message"]) == ("error", "half \ufffd")
    assert ended == {"type": "end", "data": {}}


def test_a_frame_that_would_end_the_process_does_not_leave() -> None:
    """No source sends one; if one did, the daemon would end every run (dify#27714)."""
    door = Door()
    for size in (3_900_000, 4_000_000):
        message = {"type": "text", "message": {"text": "x" * size}}
        door.tell(message)

    assert [len(line) > 3_900_000 for line in door.lines] == [True]
