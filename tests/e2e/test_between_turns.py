"""Turns of one conversation through the plugin's real process: results, approvals, replies."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.base.ports import Json
from workbench.bench.bench import AvailableModel, Bench, Question
from workbench.bench.scripted import ScriptedModel, calls, says, tool_call
from workbench.host.daemon import Host
from workbench.host.file_server import FileServer
from workbench.host.payload import (
    history_message,
    model_value,
    parameter,
    strategy_parameters,
    tool_value,
)
from workbench.host.record import Run

TOOL = tool_value("send", parameters=[parameter("to")])
LOOK = tool_value("look", parameters=[parameter("q")])
CONVERT = tool_value("convert", parameters=[parameter("file", kind="file", required=True)])


class Sent:
    """A toolbox whose tools note what they are given."""

    def __init__(self) -> None:
        self.to: list[str] = []
        self.files: list[Json] = []

    def call(self, request: Json) -> Any:
        """Run a tool."""
        given, text = request["tool_parameters"], "sent as number 4711"
        match request["tool"]:
            case "send":
                self.to.append(given["to"])
            case "convert":
                self.files.append(given["file"])
            case _:
                text = f"{given['q']} is at the lake"
        yield {"type": "text", "message": {"text": text}, "meta": None}


class Conversation:
    """Turns one after another, with the history that Dify's memory would hand over."""

    def __init__(
        self,
        host: Host,
        *tools: Json,
        strategy: str = "function_calling",
        memory: bool = True,
        **settings: Any,
    ) -> None:
        self._host = host
        self._tools = tools or (TOOL,)
        self._strategy = strategy
        self._memory = memory
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
            tools=list(self._tools),
            **{**self._settings, **settings},
        )
        run = self._host.run(
            parameters,
            model=model,
            tools=self.sent,
            conversation=self.id,
            strategy=self._strategy,
        )
        assert run.ok, run.failure
        if self._memory:
            self.history += [
                history_message("user", query),
                history_message("assistant", run.text),
            ]
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


def test_a_question_that_words_of_the_model_could_hide_is_not_asked(host: Host) -> None:
    """Dify renders them with raw HTML; the model reads that nobody could be asked."""
    talk = Conversation(host, ask_before="send")
    hiding = calls(tool_call("send", {"to": "bob"}), text="Shall I tell you a joke?\n\n<!--")
    run, model = talk.ask("Tell me a joke", hiding, says("I could not send it."))
    assert run.variables["stop_reason"] == "answered"
    assert run.variables["pending_calls"] == []
    assert "could not be asked" in str(model.requests[1]["prompt_messages"])
    talk.ask("yes", says("A joke."))
    assert talk.sent.to == []


def test_a_question_behind_thoughts_that_could_hide_it_is_not_asked(host: Host) -> None:
    """Where the reader sees the thoughts; elsewhere they hide nothing."""
    for separate in (False, True):
        talk = Conversation(host, ask_before="send", separate_reasoning=separate)
        hiding = calls(tool_call("send", {"to": "bob"}), text="<think>It is <!-- odd.</think>")
        run, _ = talk.ask("Send it to bob", hiding, says("I could not send it."))
        assert (run.variables["stop_reason"] == "approval_needed") == separate


def test_a_yes_in_another_branch_runs_nothing(host: Host) -> None:
    """A turn was asked anew, and the reader went back to the first one."""
    talk = Conversation(host, ask_before="send")
    talk.ask("Write to bob", sends("bob"))
    first, talk.history = talk.history, []
    talk.ask("Write to eve", sends("eve"))
    second, talk.history = talk.history, first
    talk.ask("yes", says("What for?"))
    assert talk.sent.to == []
    talk.history = second
    talk.ask("yes", says("Done."))
    assert talk.sent.to == ["eve"]


def looks(q: str = "oak") -> Json:
    """A call of the tool that needs no approval."""
    return tool_call("look", {"q": q})


def test_a_run_goes_on_with_all_it_knew_where_the_app_keeps_no_memory(host: Host) -> None:
    """The question, what was asked, and what other tools had returned, each once."""
    talk = Conversation(host, TOOL, LOOK, memory=False, remember_results=False, ask_before="send")
    talk.ask("Find the oak and tell bob", calls(looks()), sends())
    _, model = talk.ask("yes", says("Bob knows that it is at the lake."))
    told = json.dumps(model.requests[0]["prompt_messages"])
    assert talk.sent.to == ["bob"]
    assert told.count("Find the oak and tell bob") == 1
    assert told.count("oak is at the lake") == 1
    assert roles(model)[-3:] == ["user", "assistant", "tool"]
    assert "4711" in str(model.requests[0]["prompt_messages"][-1])


def test_a_second_question_goes_on_with_what_the_first_one_did(host: Host) -> None:
    """Approval after approval, without a memory of the app's."""
    talk = Conversation(host, TOOL, LOOK, memory=False, ask_before="send")
    talk.ask("Tell bob and eve of the oak", calls(looks()), sends("bob"))
    talk.ask("yes", sends("eve"))
    _, model = talk.ask("yes", says("Both know."))
    told = json.dumps(model.requests[0]["prompt_messages"])
    assert talk.sent.to == ["bob", "eve"]
    assert told.count("Tell bob and eve of the oak") == 1
    assert told.count("oak is at the lake") == 1


def test_what_the_history_knows_is_not_told_twice(host: Host) -> None:
    """With the app's memory and remembered results, the turn stands there already."""
    talk = Conversation(host, TOOL, LOOK, ask_before="send")
    talk.ask("Find the oak and tell bob", calls(looks()), sends())
    _, model = talk.ask("yes", says("Done."))
    told = json.dumps(model.requests[0]["prompt_messages"])
    assert told.count("Find the oak and tell bob") == 1
    assert told.count("oak is at the lake") == 1


def plan(*steps: tuple[str, Sequence[int]]) -> Sequence[Any]:
    """A plan of tasks and the steps that they wait for."""
    rows = [
        {"id": number, "task": task, "tools": [], "after": list(after)}
        for number, (task, after) in enumerate(steps, start=1)
    ]
    return says(json.dumps({"steps": rows}))


@pytest.mark.parametrize("memory", [True, False])
def test_a_plan_asks_and_goes_on_with_what_its_steps_found(host: Host, *, memory: bool) -> None:
    """No result of a step is lost, and the rest of the question is answered."""
    talk = Conversation(
        host, TOOL, LOOK, strategy="plan_and_execute", memory=memory, ask_before="send"
    )
    steps = plan(("Find the oak.", []), ("Tell bob of it.", [1]), ("Find the elm.", [2]))
    run, _ = talk.ask(
        "Find the oak, tell bob, then find the elm",
        steps,
        calls(looks()),
        says("The oak stands by the water."),
        sends(),
    )
    assert talk.sent.to == []
    assert run.variables["stop_reason"] == "approval_needed"
    assert [call["name"] for call in run.variables["pending_calls"]] == ["send"]
    assert [row["status"] for row in run.variables["plan"]] == [
        "done",
        "approval_needed",
        "waiting",
    ]
    run, model = talk.ask("yes", calls(looks("elm")), says("Bob knows; the elm is there, too."))
    told = json.dumps(model.requests[0]["prompt_messages"])
    assert talk.sent.to == ["bob"]
    assert "The oak stands by the water." in told
    assert told.count("Find the oak, tell bob, then find the elm") == 1
    assert "elm is at the lake" in json.dumps(model.requests[1]["prompt_messages"])
    assert run.variables["answer"] == "Bob knows; the elm is there, too."


def test_steps_side_by_side_are_asked_for_together(host: Host) -> None:
    """Both calls are shown, and one yes runs both."""
    talk = Conversation(host, strategy="plan_and_execute", ask_before="*")
    run, _ = talk.ask(
        "Tell bob and eve", plan(("Tell bob.", []), ("Tell eve.", [])), sends("bob"), sends("eve")
    )
    assert sorted(call["arguments"]["to"] for call in run.variables["pending_calls"]) == [
        "bob",
        "eve",
    ]
    assert "`bob`" in run.text
    assert "`eve`" in run.text
    talk.ask("yes", says("Both know."))
    assert sorted(talk.sent.to) == ["bob", "eve"]


def test_a_task_of_a_plan_hides_nothing(host: Host) -> None:
    """The checklist shows what it says, and the question stands behind it."""
    talk = Conversation(host, strategy="plan_and_execute", ask_before="send")
    run, _ = talk.ask("Go", plan(("Tell <!--", []), ("Tell eve.", [])), sends("bob"), sends("eve"))
    assert "1. Tell &lt;!--" in run.text
    assert "<" not in run.text
    assert "`bob`" in run.text


def test_a_plan_in_a_workflow_tells_the_builder_what_went_without(host: Host) -> None:
    """Nobody can be asked; the steps go on."""
    model, sent = (
        ScriptedModel(
            plan(("Tell bob.", []), ("Say more.", [1])),
            sends(),
            says("I may not."),
            says("Nothing."),
            says("It could not be sent."),
        ),
        Sent(),
    )
    parameters = strategy_parameters("Tell bob", tools=[TOOL], ask_before="*")
    run = host.run(parameters, model=model, tools=sent, strategy="plan_and_execute")
    assert sent.to == []
    assert [call["name"] for call in run.variables["pending_calls"]] == ["send"]
    assert run.variables["answer"] == "It could not be sent."


@pytest.mark.parametrize("there", [True, False])
def test_an_approved_call_has_its_file(host: Host, tmp_path: Path, *, there: bool) -> None:
    """The one that was uploaded with the question; where its address is good no longer, so told.

    A file of the same name that comes with the yes is another one.
    """
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.pdf").write_bytes(b"content")
    with FileServer() as old, FileServer() as new:
        host.files_at = old.origin
        talk = Conversation(host, CONVERT, ask_before="convert")
        file = old.add(tmp_path / "old" / "a.pdf")
        talk.ask("Convert it", calls(tool_call("convert", {"file": "a.pdf"})), files=[file])
        if not there:
            old.forget()
        other = new.add(tmp_path / "new" / "a.pdf")
        _, model = talk.ask("yes", says("Done."), files=[other])
    told = str(model.requests[0]["prompt_messages"][-1]["content"])
    assert [one["url"] for one in talk.sent.files] == ([file["url"]] if there else [])
    assert ("Ask the user to upload it again" in told) is not there


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
