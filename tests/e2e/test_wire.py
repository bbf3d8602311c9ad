"""The real plugin in its own process: what it sends, what arrives, how fast, and what is lost."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.e2e.conftest import EVERY
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    Step,
    ask,
    calls,
    chunk,
    json_output,
    link_output,
    many_echoes,
    plain_model,
    says,
    text_output,
    tool,
    tool_call,
    usage,
)
from workbench.host.daemon import Host
from workbench.host.payload import history_message, model_value
from workbench.host.record import Run

pytestmark = pytest.mark.runtimes(*EVERY)


def assert_clean(run: Run) -> None:
    """Nothing lost, nothing against Dify's rules, every log finished, no error."""
    assert run.error is None
    assert run.lost == []
    assert run.problems == []
    assert run.open_logs == []
    assert [call.lost_chunks for call in run.model_calls] == [0] * len(run.model_calls)


def labels(run: Run) -> list[str]:
    """The log tree as it stands at the end."""
    return [log["label"] for log in run.logs]


def test_text_arrives_as_the_model_gives_it(host: Host) -> None:
    """One message per chunk when the chunks come slowly."""
    model = ScriptedModel([chunk("Hel"), 0.2, chunk("lo"), 0.2, chunk(" you", usage=usage())])
    run = host.run(ask("Hi"), model=model)
    texts = [m["message"]["text"] for m in run.messages if m["type"] == "text"]

    assert_clean(run)
    assert texts == ["Hel", "lo", " you"]
    assert run.usage["total_tokens"] == 15


@pytest.mark.parametrize("features", [("tool-call",), ("stream-tool-call",), ()])
def test_every_model_streams(host: Host, features: tuple[str, ...]) -> None:
    """The first text is with the reader long before the reply has ended."""
    model = ScriptedModel([chunk("First"), 0.5, chunk(" last", usage=usage())])
    run = host.run(ask("Hi", model=model_value(features=features)), model=model)
    first = next(at for at, m in zip(run.times, run.messages, strict=True) if m["type"] == "text")

    assert_clean(run)
    assert run.model_calls[0].request["stream"] is True
    assert first - (run.model_calls[0].first_answer_at or 0) < 0.25


def test_a_round_of_tools(host: Host) -> None:
    """Calls run, results go back in order, and the folded log tree tells what happened."""
    model = ScriptedModel(
        calls(
            tool_call("weather", {"q": "Rome"}),
            tool_call("search", {"q": "news"}),
            text="Let me look.",
        ),
        says("It is sunny.", pieces=3),
    )
    toolbox = ScriptedTools(weather=[0.1, text_output("sunny")], search=[text_output("calm")])
    run = host.run(ask("News?", tool("weather"), tool("search")), model=model, tools=toolbox)
    messages = model.requests[1]["prompt_messages"]

    assert_clean(run)
    assert run.text == "Let me look.\n\nIt is sunny."
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "tool"]
    assert [m["content"] for m in messages[2:]] == ["sunny", "calm"]
    assert labels(run) == [
        "ROUND 1 → weather, search",
        "demo Thought → 15 tokens",
        "CALL weather → sunny",
        "CALL search → calm",
        "ROUND 2 → answer",
        "demo Thought → 15 tokens",
    ]
    assert run.usage["total_tokens"] == 30
    assert run.usage["total_price"] == "0.0030"


def test_six_tools_at_once(host: Host) -> None:
    """6 x 0.4 s take no 2.4 s."""
    model = ScriptedModel(
        calls(*(tool_call("nap", {"q": str(n)}) for n in range(6))), says("Rested.")
    )
    toolbox = ScriptedTools(nap=[0.4, text_output("ok")])
    run = host.run(ask("Nap", tool("nap"), parallel_tools=6), model=model, tools=toolbox)
    asked = [call.asked_at for call in run.tool_calls]
    ended = [call.ended_at or 0.0 for call in run.tool_calls]

    assert_clean(run)
    assert max(ended) - min(asked) < 1.2


@pytest.mark.runtimes("stdio")
def test_a_tool_starts_while_the_model_still_streams(host: Host) -> None:
    """Its call was complete at the start of the reply."""
    early = [chunk(tool_calls=[tool_call("nap", {"q": "a"}, "c1")])]
    model = ScriptedModel([*early, 1.0, chunk(usage=usage(), finish="tool_calls")], says("Rested."))
    run = host.run(
        ask("Nap", tool("nap")), model=model, tools=ScriptedTools(nap=[0.8, text_output("ok")])
    )

    assert_clean(run)
    assert run.tool_calls[0].asked_at < 0.8
    assert model.requests[1]["prompt_messages"][-1]["content"] == "ok"


def test_a_burst_of_chunks_loses_nothing(host: Host) -> None:
    """The daemon drops what its queue of 128 cannot take; text is merged before it leaves."""
    burst(host, 3_000)


@pytest.mark.timed
@pytest.mark.runtimes("stdio")
def test_a_long_burst_of_chunks_loses_nothing(host: Host) -> None:
    """Nor does it when the burst takes seconds."""
    burst(host, 20_000)


def burst(host: Host, count: int) -> None:
    """Play so many chunks at once."""
    model = ScriptedModel([*(chunk(f"{n} ") for n in range(count)), chunk(usage=usage())])
    run = host.run(ask("Count"), model=model)

    assert_clean(run)
    assert run.text == "".join(f"{n} " for n in range(count))
    assert len(run.messages) < count / 20


@pytest.mark.timed
def test_sixty_tools_in_one_round_lose_nothing(host: Host) -> None:
    """120 log messages do not leave at once."""
    wanted = [tool_call("note", {"q": str(n)}) for n in range(60)]
    model = ScriptedModel(calls(*wanted), says("Noted."))
    run = host.run(
        ask("Note", tool("note"), parallel_tools=16),
        model=model,
        tools=ScriptedTools(note=[text_output("ok")]),
    )

    assert_clean(run)
    assert len([label for label in labels(run) if label.startswith("CALL")]) == 60
    for first, later in zip(run.times, run.times[100:], strict=False):
        assert later - first > 0.03


@pytest.mark.runtimes("stdio", "tcp", "stdio-sdk")
def test_two_hundred_runs_at_once_stay_apart(host: Host) -> None:
    """One process, no lost, mixed or broken message."""
    runs = many_echoes(host, 200)

    assert len(runs) == 200
    for question, run in runs.items():
        assert_clean(run)
        assert run.text == f"answer {question}"


def test_output_of_every_type_arrives(host: Host) -> None:
    """The model reads all of it once; files reach the reader once, byte for byte."""
    blob = bytes(range(256)) * 4_000
    encoded = base64.b64encode(blob).decode()
    image = {"tool_file_id": "f1", "mime_type": "image/png"}
    sheet = {"tool_file_id": "f2", "mime_type": "text/csv", "filename": "sheet.csv"}
    toolbox = ScriptedTools(
        maker=[
            text_output('{"a": 1}'),
            json_output({"a": 1}),
            json_output({"b": 2}),
            link_output("link", "https://example.org/page"),
            link_output("image_link", "/files/tools/f1.png", **image),
            link_output("binary_link", "/files/tools/f2.csv", **sheet),
            {
                "type": "blob",
                "message": {"blob": encoded},
                "meta": {"mime_type": "application/zip", "filename": "all.zip"},
            },
            {
                "type": "variable",
                "message": {"variable_name": "v", "variable_value": 3, "stream": False},
                "meta": {},
            },
        ]
    )
    model = ScriptedModel(calls(tool_call("maker", {"q": "x"})), says("Made."))
    run = host.run(ask("Make", tool("maker")), model=model, tools=toolbox)
    result = model.requests[1]["prompt_messages"][-1]["content"]

    assert_clean(run)
    assert [file.blob for file in run.files] == [blob]
    assert [m["type"] for m in run.links] == ["image_link", "binary_link"]
    assert result.count('{"a"') == 1
    assert '{"b":2}' in result
    assert "https://example.org/page" in result
    assert "sheet.csv" in result
    assert "all.zip" in result
    assert "v: 3" in result
    assert encoded[:100] not in result


def test_a_failing_tool_keeps_its_partial_output(host: Host) -> None:
    """The model reads what there was and what went wrong; the log is marked."""
    toolbox = ScriptedTools(half=[text_output("first half"), RuntimeError("the disk is full")])
    model = ScriptedModel(calls(tool_call("half", {"q": "x"})), says("Half."))
    run = host.run(ask("Go", tool("half")), model=model, tools=toolbox)
    result = model.requests[1]["prompt_messages"][-1]["content"]
    log = next(log for log in run.logs if "CALL" in log["label"])

    assert_clean(run)
    assert "first half" in result
    assert "the disk is full" in result
    assert log["status"] == "error"
    assert "the disk is full" in log["error"]
    assert "the disk is full" in json.dumps(log["data"])
    assert "✗" in log["label"]


def test_tools_of_one_name_from_two_providers(host: Host) -> None:
    """Both are offered under unique names, and each call reaches its own provider."""
    first = tool("search", provider="acme/web/web", credential_id="cred-1")
    second = tool("search", provider="acme/docs/docs", provider_type="mcp")

    def reply(request: dict[str, Any]) -> Iterable[Step]:
        names = [declared["name"] for declared in request["tools"]]
        return calls(*(tool_call(name, {"q": name}) for name in names))

    model = ScriptedModel(reply, says("Both."))
    run = host.run(
        ask("Go", first, second), model=model, tools=ScriptedTools(search=[text_output("ok")])
    )
    sent = {call.request["provider"]: call.request for call in run.tool_calls}

    assert_clean(run)
    assert set(sent) == {"acme/web/web", "acme/docs/docs"}
    assert sent["acme/web/web"]["credential_id"] == "cred-1"
    assert sent["acme/docs/docs"]["tool_type"] == "mcp"


@pytest.mark.runtimes("stdio", "http-sdk")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": None}, "model"),
        ({"query": ""}, "query"),
        ({"query": None}, "query"),
        ({"tools": "search"}, "tools"),
        ({"maximum_iterations": 0}, "maximum_iterations"),
        ({"maximum_iterations": "many"}, "maximum_iterations"),
        ({"maximum_iterations": 2.5}, "maximum_iterations"),
    ],
)
def test_unusable_parameters_are_refused(host: Host, changes: dict[str, Any], named: str) -> None:
    """One plain sentence before any model call."""
    run = host.run({**ask("Hi"), **changes}, model=ScriptedModel())

    assert run.model_calls == []
    assert run.error_type == "InvokeBadRequestError"
    assert f"`{named}`" in (run.error or "")
    assert "\n" not in (run.error or "")


def test_lenient_parameters(host: Host) -> None:
    """Numbers as text, nulls, absent keys, no entity, an unreadable tool among good ones."""
    parameters = {
        "model": {**model_value(), "entity": None},
        "tools": [None, tool("good")],
        "query": "Hi",
        "maximum_iterations": "3",
        "instruction": None,
        "parallel_tools": "",
    }
    model = ScriptedModel(says("Hello."))
    run = host.run(parameters, model=model)

    assert_clean(run)
    assert '"good"' in model.requests[0]["prompt_messages"][0]["content"]
    assert any("skipped" in label for label in labels(run))


def test_a_failed_run_closes_its_logs_and_sends_its_totals(host: Host) -> None:
    """Then one short error is raised, without a traceback in its text."""
    model = ScriptedModel(
        calls(tool_call("look", {"q": "x"})), [RuntimeError("Incorrect API key, code: 401")]
    )
    run = host.run(
        ask("Go", tool("look")), model=model, tools=ScriptedTools(look=[text_output("ok")])
    )

    assert run.error_type == "InvokeBadRequestError"
    assert "Traceback" not in (run.error or "")
    assert run.open_logs == []
    assert run.usage["total_tokens"] == 15
    assert run.lost == []


def test_history_and_instruction_reach_the_model(host: Host) -> None:
    """System, history, question; reasoning of older turns is left out."""
    history = [
        history_message("user", "Who are you?"),
        history_message("assistant", "<think>\nhm\n</think>A bot."),
    ]
    model = ScriptedModel(says("Yes."))
    run = host.run(
        ask("Really?", model=model_value(history=history), instruction="Be kind."), model=model
    )

    assert_clean(run)
    assert [(m["role"], m["content"]) for m in model.requests[0]["prompt_messages"]] == [
        ("system", "Be kind."),
        ("user", "Who are you?"),
        ("assistant", "A bot."),
        ("user", "Really?"),
    ]


def test_opaque_body_never_goes_back(host: Host) -> None:
    """The real daemon refuses the whole request."""
    opaque = calls(tool_call("look", {"q": "x"}))
    opaque[0]["delta"]["message"]["opaque_body"] = {"signature": "s"}  # type: ignore[index]
    model = ScriptedModel(opaque, says("Done."))
    run = host.run(
        ask("Go", tool("look")), model=model, tools=ScriptedTools(look=[text_output("ok")])
    )

    assert_clean(run)
    assert all(not message.get("opaque_body") for message in model.requests[1]["prompt_messages"])


def test_a_plain_model_is_asked_in_a_text_protocol(host: Host) -> None:
    """No native tools are declared to a model without the feature."""
    reply = '<tool_call>\n{"name": "look", "arguments": {"q": "x"}}\n</tool_call>'
    model = ScriptedModel(says(reply, pieces=20), says("Seen."))
    toolbox = ScriptedTools(look=[text_output("a tree")])
    run = host.run(ask("Go", tool("look"), model=plain_model()), model=model, tools=toolbox)

    assert_clean(run)
    assert run.text == "Seen."
    assert not model.requests[0]["tools"]
    assert "a tree" in str(model.requests[1]["prompt_messages"][-1]["content"])
