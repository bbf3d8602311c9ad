"""Turns of one conversation through the plugin's real process: results, approvals, replies."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from workbench.base.ports import Json
from workbench.bench.bench import AvailableModel, Bench, Question
from workbench.bench.scripted import ScriptedModel, calls, says, tool_call
from workbench.host.daemon import Host
from workbench.host.payload import (
    history_message,
    model_value,
    parameter,
    strategy_parameters,
    tool_value,
)
from workbench.host.record import Run

TOOL = tool_value("send", parameters=[parameter("to")])


class Sent:
    """A toolbox whose tool notes what it is given."""

    def __init__(self) -> None:
        self.to: list[str] = []

    def call(self, request: Json) -> Any:
        """Run the tool."""
        self.to.append(request["tool_parameters"]["to"])
        yield {"type": "text", "message": {"text": "sent as number 4711"}, "meta": None}


class Conversation:
    """Turns one after another, with the history that Dify's memory would hand over."""

    def __init__(self, host: Host, **settings: Any) -> None:
        self._host = host
        self._settings = settings
        self.id = uuid.uuid4().hex
        self.history: list[Json] = []
        self.sent = Sent()

    def ask(self, query: str, *replies: Any, **settings: Any) -> tuple[Run, ScriptedModel]:
        """Play one turn."""
        model = ScriptedModel(*replies)
        parameters = strategy_parameters(
            query,
            model=model_value(history=self.history),
            tools=[TOOL],
            **{**self._settings, **settings},
        )
        run = self._host.run(parameters, model=model, tools=self.sent, conversation=self.id)
        assert run.ok, run.failure
        self.history += [history_message("user", query), history_message("assistant", run.text)]
        return run, model


def sends(to: str = "bob") -> Sequence[Any]:
    """A reply that calls the tool."""
    return calls(tool_call("send", {"to": to}))


def roles(model: ScriptedModel, request: int = 0) -> list[str]:
    """The roles of a request's messages."""
    return [message["role"] for message in model.requests[request]["prompt_messages"]]


def test_the_next_turn_knows_what_the_tools_returned(host: Host) -> None:
    """The calls stand before the new question, as this run would have written them."""
    talk = Conversation(host)
    talk.ask("Send it to bob", sends(), says("I have sent it."))
    _, model = talk.ask("What was its number?", says("4711."))
    assert roles(model) == ["user", "assistant", "tool", "assistant", "user"]
    assert "4711" in str(model.requests[0]["prompt_messages"][2])


def test_remembered_results_come_in_the_text_where_the_protocol_is_text(host: Host) -> None:
    """As turns of the protocol."""
    talk = Conversation(host, tool_protocol="hermes")
    call = '<tool_call>\n{"name": "send", "arguments": {"to": "bob"}}\n</tool_call>'
    talk.ask("Send it to bob", says(call), says("I have sent it."))
    _, model = talk.ask("What was its number?", says("4711."))
    assert roles(model) == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "4711" in str(model.requests[0]["prompt_messages"][3])


def test_nothing_is_remembered_where_it_is_switched_off(host: Host) -> None:
    """Nor does what was kept before stay."""
    talk = Conversation(host)
    talk.ask("Send it to bob", sends(), says("I have sent it."))
    _, model = talk.ask("And?", says("Nothing."), remember_results=False)
    assert "tool" not in roles(model)
    _, model = talk.ask("And now?", says("Nothing."))
    assert "tool" not in roles(model)


def test_another_conversation_knows_nothing(host: Host) -> None:
    """Even with the same words."""
    first, second = Conversation(host), Conversation(host)
    first.ask("Send it to bob", sends(), says("I have sent it."))
    second.history = list(first.history)
    _, model = second.ask("What was its number?", says("I do not know."))
    assert "tool" not in roles(model)


def test_a_regenerated_answer_finds_its_own_calls(host: Host) -> None:
    """The turn that was thrown away does not come back."""
    talk = Conversation(host)
    talk.ask("Send it to bob", sends("bob"), says("I have sent it to bob."))
    talk.history = []
    talk.ask("Send it to bob", sends("robert"), says("I have sent it to robert."))
    _, model = talk.ask("To whom?", says("Robert."))
    assert "robert" in str(model.requests[0]["prompt_messages"])
    assert "'bob'" not in str(model.requests[0]["prompt_messages"])
    assert roles(model).count("tool") == 1


def test_a_tool_asks_first_and_runs_once_after_a_yes(host: Host) -> None:
    """The run ends with a question; the reader's yes runs the call and goes on."""
    talk = Conversation(host, ask_before="send")
    run, _ = talk.ask("Send it to bob", sends())
    assert talk.sent.to == []
    assert "`to`: `bob`" in run.text
    assert run.variables["stop_reason"] == "approval_needed"
    (pending,) = run.variables["pending_calls"]
    assert (pending["name"], pending["arguments"]) == ("send", {"to": "bob"})
    run, model = talk.ask("yes", says("Done."))
    assert talk.sent.to == ["bob"]
    assert "4711" in str(model.requests[0]["prompt_messages"][-1])
    assert run.variables["pending_calls"] == []
    talk.ask("yes", says("What for?"))
    assert talk.sent.to == ["bob"]


@pytest.mark.parametrize(
    ("answer", "settings", "sent"),
    [
        ("no", {}, []),
        ("and what is new?", {}, []),
        ("whatever", {"approval": "approve"}, ["bob"]),
        ("yes", {"approval": "reject"}, []),
    ],
)
def test_the_answer_decides(host: Host, answer: str, settings: Json, sent: list[str]) -> None:
    """What is no yes is a no that the model reads; the builder's word comes first."""
    talk = Conversation(host, ask_before=["send"])
    talk.ask("Send it to bob", sends())
    _, model = talk.ask(answer, says("Very well."), **settings)
    assert talk.sent.to == sent
    told = str(model.requests[0]["prompt_messages"][-1])
    assert ("not approve" in told) == (not sent)
    talk.ask("yes", says("Nothing to do."))
    assert talk.sent.to == sent


def test_a_workflow_refuses_what_needs_approval(host: Host) -> None:
    """There is no next turn; the builder reads of it in an output."""
    model, sent = ScriptedModel(sends(), says("I may not.")), Sent()
    parameters = strategy_parameters("Send it", tools=[TOOL], ask_before="*")
    run = host.run(parameters, model=model, tools=sent)
    assert sent.to == []
    assert run.text == "I may not."
    assert [call["name"] for call in run.variables["pending_calls"]] == ["send"]
    assert "approval" in str(model.requests[1]["prompt_messages"][-1])


def test_an_equal_request_is_answered_from_memory(host: Host) -> None:
    """No model is asked, nothing is paid, and the log says so."""
    first, second = Conversation(host, cache_minutes=5), Conversation(host, cache_minutes=5)
    question = f"What is {uuid.uuid4().hex}?"
    first.ask(question, says("A number."))
    run, _ = second.ask(question)
    assert run.text == "A number."
    assert run.usage["total_tokens"] == 0
    assert any("from memory" in log["label"] for log in run.logs)


def test_the_workbench_plays_turns_of_a_conversation(host: Host) -> None:
    """What `run --conversation` and the chat page do: an id, and the history of what was said."""
    model, sent = ScriptedModel(sends(), says("Done.")), Sent()
    bench = Bench(
        host=host,
        models={"one": AvailableModel(description="a script", model=model, features=("native",))},
        tools=sent,
        entities=[TOOL],
        files=(),
        context_size=8_000,
    )
    question = Question(
        text="Send it", conversation=uuid.uuid4().hex, settings={"ask_before": "send"}
    )
    first = bench.start(question)
    host.finish(first)
    history = [history_message("user", "Send it"), history_message("assistant", first.text)]
    host.finish(bench.start(replace(question, text="Yes", history=history)))
    assert sent.to == ["bob"]
