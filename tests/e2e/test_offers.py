"""What Dify offers an agent: files, knowledge, outputs, reasoning, through the real process."""

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e.conftest import EVERY
from tests.e2e.test_wire import assert_clean
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    Step,
    ask,
    calls,
    chunk,
    link_output,
    says,
    text_output,
    tool,
    tool_call,
    usage,
)
from workbench.host.daemon import Host
from workbench.host.payload import model_value, parameter

PICTURE = bytes.fromhex("89504e470d0a1a0a") + bytes(200)
VISION = ("tool-call", "stream-tool-call", "vision")


@contextmanager
def served(host: Host, content: bytes) -> Generator[str]:
    """A file on loopback, where Dify keeps its files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host.files_at = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield f"{host.files_at}/files/1/file-preview?sign=x"
    finally:
        host.files_at = ""
        server.shutdown()
        server.server_close()


def uploaded(name: str, url: str, kind: str = "image", mime_type: str = "image/png") -> Any:
    """One uploaded file as Dify sends it."""
    return {
        "dify_model_identity": "__dify__file__",
        "mime_type": mime_type,
        "filename": name,
        "extension": "." + name.rsplit(".", 1)[-1],
        "size": len(PICTURE),
        "type": kind,
        "url": url,
    }


def test_a_picture_reaches_a_model_that_sees_in_every_round(host: Host) -> None:
    """As content, not as text."""
    model = ScriptedModel(calls(tool_call("look", {"q": "x"})), says("A cat."))
    with served(host, PICTURE) as url:
        run = host.run(
            ask(
                "What is it?",
                tool("look"),
                model=model_value(features=VISION),
                files=[None, uploaded("cat.png", url)],
            ),
            model=model,
            tools=ScriptedTools(look=[text_output("fur")]),
        )

    assert_clean(run)
    for request in model.requests:
        question = next(m for m in request["prompt_messages"] if m["role"] == "user")
        image = next(part for part in question["content"] if part["type"] == "image")
        assert base64.b64decode(image["base64_data"]) == PICTURE


def test_a_note_is_read_to_a_model_without_documents(host: Host) -> None:
    """Its text stands in the question, though the model takes no files."""
    model = ScriptedModel(says("Tulip."))
    with served(host, b"The code word is tulip.") as url:
        note = uploaded("note.md", url, "document", "text/markdown")
        run = host.run(ask("What is the code word?", files=[note]), model=model)

    assert_clean(run)
    assert "The code word is tulip." in model.requests[0]["prompt_messages"][-1]["content"]


def test_an_address_inside_the_network_is_not_read(host: Host) -> None:
    """A user's address that imitates Dify's is refused, and the log and the model are told."""
    model = ScriptedModel(says("I could not read it."))
    with served(host, PICTURE) as url:
        host.files_at = "http://127.0.0.1:9"
        run = host.run(
            ask("What is it?", model=model_value(features=VISION), files=[uploaded("a.png", url)]),
            model=model,
        )
    content = model.requests[0]["prompt_messages"][-1]["content"]
    [refused] = [log for log in run.logs if "FILES" in log["label"]]

    assert_clean(run)
    assert "private network" in json.dumps(content)
    assert "private network" in json.dumps(refused["data"])


def test_a_tool_with_a_chinese_name_is_called_and_shown_under_it(host: Host) -> None:
    """The model gets a name that providers take."""
    model = ScriptedModel(calls(tool_call("workbench_tool", {"q": "茶"})), says("绿茶。"))
    toolbox = ScriptedTools(搜索=[text_output("绿茶")])
    run = host.run(ask("喝什么？", tool("搜索")), model=model, tools=toolbox)

    assert_clean(run)
    offered = model.requests[0]["tools"][0]
    assert offered["name"] == "workbench_tool"
    assert "搜索" in offered["description"]
    assert toolbox.requests[0]["tool"] == "搜索"
    assert "CALL 搜索 → 绿茶" in [log["label"] for log in run.logs]


def test_a_picture_is_named_to_a_model_that_does_not_see(host: Host) -> None:
    """Name, type and size; nothing is fetched."""
    model = ScriptedModel(says("I cannot see it."))
    run = host.run(
        ask("What is it?", files=[uploaded("cat.png", "http://127.0.0.1:9/never")]), model=model
    )
    content = model.requests[0]["prompt_messages"][-1]["content"]

    assert_clean(run)
    assert "cat.png" in content
    assert "image/png" in content


def test_a_file_that_cannot_be_fetched_is_told_and_not_fatal(host: Host) -> None:
    """T5: FILES_URL is often not set."""
    model = ScriptedModel(says("I could not read it."))
    run = host.run(
        ask(
            "What is it?",
            model=model_value(features=VISION),
            files=[uploaded("cat.png", "/files/relative.png")],
        ),
        model=model,
    )

    assert_clean(run)
    assert "cat.png" in json.dumps(model.requests[0]["prompt_messages"][-1]["content"])
    assert any("FILES" in log["label"] for log in run.logs)


def test_a_tool_gets_the_file_that_the_model_names(host: Host) -> None:
    """The uploaded one, and one that an earlier tool made."""
    convert = tool("convert", parameter("document", kind="file", required=True))
    made = {"tool_file_id": "t1", "mime_type": "text/csv", "filename": "table.csv"}
    model = ScriptedModel(
        calls(tool_call("convert", {"document": "report.pdf"})),
        calls(tool_call("convert", {"document": "table.csv"})),
        says("Both converted."),
    )
    toolbox = ScriptedTools(convert=[link_output("binary_link", "/files/tools/t1.csv", **made)])
    file = uploaded("report.pdf", "http://127.0.0.1:9/x", "document", "application/pdf")
    run = host.run(ask("Convert.", convert, files=[file]), model=model, tools=toolbox)
    handed = [call.request["tool_parameters"]["document"] for call in run.tool_calls]
    offered = model.requests[0]["tools"][0]["parameters"]["properties"]["document"]

    assert_clean(run)
    assert offered["enum"] == ["report.pdf"]
    assert handed[0]["url"] == "http://127.0.0.1:9/x"
    assert handed[0]["dify_model_identity"] == "__dify__file__"
    assert handed[1]["filename"] == "table.csv"


@pytest.mark.runtimes(*EVERY)
def test_a_file_that_dify_will_not_take_is_told_at_once(host: Host) -> None:
    """A file's content is uploaded by the SDK when a tool asks for it; the workbench refuses."""
    convert = tool("convert", parameter("document", kind="file", required=True))
    blob = base64.b64encode(PICTURE).decode()
    meta = {"mime_type": "image/png", "filename": "new.png"}
    model = ScriptedModel(
        calls(tool_call("convert", {"document": "old.png"})),
        calls(tool_call("convert", {"document": "new.png"})),
        says("No."),
    )
    toolbox = ScriptedTools(convert=[{"type": "blob", "message": {"blob": blob}, "meta": meta}])
    file = uploaded("old.png", "http://127.0.0.1:9/x")
    asked = ask("Convert.", convert, files=[file], model=model_value(features=("tool-call",)))
    run = host.run(asked, model=model, tools=toolbox, timeout=30)

    assert run.error is None
    assert len(run.tool_calls) == 1
    assert "no file new.png" in model.requests[2]["prompt_messages"][-1]["content"]


def test_a_picture_that_the_model_draws_becomes_a_file(host: Host) -> None:
    """T5: never base64 in the text."""
    drawn = {
        "type": "image",
        "format": "png",
        "mime_type": "image/png",
        "base64_data": base64.b64encode(PICTURE).decode(),
    }
    model = ScriptedModel(
        [chunk([{"type": "text", "data": "Here: "}, drawn]), chunk(usage=usage())]
    )
    run = host.run(ask("Draw."), model=model)

    assert_clean(run)
    assert run.text == "Here: "
    assert [file.blob for file in run.files] == [PICTURE]


PASSAGES = [
    {"title": "Rules", "content": "Rest on Sunday.", "metadata": {"document_name": "rules.pdf"}},
    "odd",
    {"content": "Work on Monday.", "title": "Week", "url": "https://example.org/week"},
]


def test_knowledge_is_put_before_the_model_and_cited(host: Host) -> None:
    """Numbered passages in the prompt, retriever resources, and the cited ones as an output."""
    model = ScriptedModel(says("You rest on Sunday [1]."))
    run = host.run(ask("When do I rest?", context=PASSAGES), model=model)
    system = model.requests[0]["prompt_messages"][0]

    assert_clean(run)
    assert system["role"] == "system"
    assert "[1]" in system["content"]
    assert "Rest on Sunday." in system["content"]
    assert [source["n"] for source in run.variables["sources"]] == [1]
    assert run.variables["sources"][0]["document"] == "rules.pdf"
    assert [m["type"] for m in run.messages].count("retriever_resources") == 1


def test_outputs(host: Host) -> None:
    """The final answer alone, the reasoning, the calls and how the run stopped."""
    model = ScriptedModel(
        calls(tool_call("look", {"q": "x"}), text="Let me look."),
        says("<think>\nhm\n</think>\n\nA tree."),
    )
    run = host.run(
        ask("What?", tool("look")), model=model, tools=ScriptedTools(look=[text_output("bark")])
    )
    call = run.variables["tool_calls"][0]

    assert_clean(run)
    assert run.variables["answer"].strip() == "A tree."
    assert run.variables["reasoning_content"] == "hm"
    assert (call["name"], call["arguments"], call["result"]) == ("look", {"q": "x"}, "bark")
    assert call["ok"] is True
    assert call["seconds"] >= 0
    assert run.variables["stop_reason"] == "answered"
    assert run.variables["error"] == ""
    assert "<think>" in run.text


def test_the_answer_streams_where_it_is_certain(host: Host) -> None:
    """Without tools every word is the answer, so an answer node can show it word by word."""
    model = ScriptedModel([chunk("One "), 0.1, chunk("two "), 0.1, chunk("three.", usage=usage())])
    run = host.run(ask("Count."), model=model)
    pieces = [
        m["message"]["variable_value"]
        for m in run.messages
        if m["type"] == "variable" and m["message"]["variable_name"] == "answer"
    ]

    assert_clean(run)
    assert pieces == ["One ", "two ", "three."]


@pytest.mark.parametrize("separate", [True, False])
def test_reasoning_in_the_text_or_apart(host: Host, separate: bool) -> None:  # noqa: FBT001
    """An unclosed think block is closed, or kept out of the text altogether."""
    reply = [chunk("<think>\nhmm\n"), chunk(tool_calls=[tool_call("look", {"q": "x"}, "c1")])]
    model = ScriptedModel([*reply, chunk(usage=usage(), finish="tool_calls")], says("A tree."))
    run = host.run(
        ask("What?", tool("look"), separate_reasoning=separate),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )

    assert_clean(run)
    assert run.text.count("<think>") == run.text.count("</think>") == (0 if separate else 1)
    assert run.text.endswith("A tree.")
    assert run.variables["reasoning_content"] == "hmm"


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
}


def test_a_shaped_answer(host: Host) -> None:
    """Sent back once with what is wrong; then the text is the JSON."""
    model = ScriptedModel(
        says('Sure! {"city": "Rome"}'), says('```json\n{"city": "Rome", "people": 2800000}\n```')
    )
    run = host.run(ask("Rome?", answer_schema=json.dumps(SCHEMA)), model=model)
    remark = model.requests[1]["prompt_messages"][-1]["content"]

    assert_clean(run)
    assert "people" in remark
    assert json.loads(run.text) == {"city": "Rome", "people": 2800000}
    assert run.variables["structured_output"] == {"city": "Rome", "people": 2800000}


@pytest.mark.parametrize("schema", ["{not json", "[1]", '{"type": 5}'])
def test_a_schema_that_is_none_is_refused(host: Host, schema: str) -> None:
    """Before any model call, in one sentence."""
    run = host.run(ask("Rome?", answer_schema=schema), model=ScriptedModel())

    assert run.error_type == "InvokeBadRequestError"
    assert "`answer_schema`" in (run.error or "")
    assert run.model_calls == []


def test_a_direct_result_is_the_answer(host: Host) -> None:
    """No further model call."""
    model = ScriptedModel(calls(tool_call("look", {"q": "x"})))
    run = host.run(
        ask("What?", tool("look"), return_direct="look"),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )

    assert_clean(run)
    assert run.text == "bark"
    assert run.variables["stop_reason"] == "direct_result"


def test_several_direct_results_are_the_answer_together(host: Host) -> None:
    """In the order of the calls; one that brought nothing says nothing beside the others."""
    model = ScriptedModel(
        calls(*(tool_call(name, {"q": "x"}, name) for name in ("none", "look", "find")))
    )
    run = host.run(
        ask("What?", *map(tool, ("none", "look", "find")), return_direct="none, look, find"),
        model=model,
        tools=ScriptedTools(none=[], look=[0.05, text_output("bark")], find=[text_output("woof")]),
    )

    assert_clean(run)
    assert run.text == "bark\n\nwoof"


def test_a_direct_result_of_nothing_says_so(host: Host) -> None:
    """A blank answer would look like a fault."""
    run = host.run(
        ask("What?", tool("none"), return_direct="none"),
        model=ScriptedModel(calls(tool_call("none", {"q": "x"}))),
        tools=ScriptedTools(none=[]),
    )

    assert_clean(run)
    assert run.text == "(the tool returned nothing)"


def test_a_direct_result_of_a_file_alone_is_the_file(host: Host) -> None:
    """What a model is told of a file is not for the reader."""
    meta = {"tool_file_id": "7", "mime_type": "image/png", "filename": "cat.png"}
    drawn = link_output("image_link", "/files/tools/7.png", **meta)
    run = host.run(
        ask("Draw!", tool("draw"), return_direct="draw"),
        model=ScriptedModel(calls(tool_call("draw", {"q": "x"}))),
        tools=ScriptedTools(draw=[drawn]),
    )

    assert_clean(run)
    assert run.text == ""
    assert run.variables["answer"] == ""
    assert run.variables["stop_reason"] == "direct_result"
    assert "cat.png (image/png)" in run.variables["tool_calls"][0]["result"]
    assert [one["type"] for one in run.messages if one["meta"]] == ["image_link"]


@pytest.mark.runtimes("stdio", "stdio-sdk")
def test_a_file_that_comes_too_late_is_not_offered(host: Host) -> None:
    """Its call was told that it timed out; the file that came in time is there."""
    link = link_output("binary_link", "/files/tools/7.pdf", filename="late.pdf")
    early = link_output("binary_link", "/files/tools/8.pdf", filename="early.pdf")
    model = ScriptedModel(
        calls(tool_call("slow", {"q": "x"}), tool_call("quick", {"q": "x"})),
        calls(tool_call("wait", {"q": "x"})),
        says("Done."),
    )
    reader = tool("read", parameter("doc", "file", required=True))
    tools = [reader, tool("slow"), tool("quick"), tool("wait")]
    run = host.run(
        ask("Make!", *tools, tool_timeout=1),
        model=model,
        tools=ScriptedTools(slow=[1.3, link], quick=[early], wait=[0.8, text_output("waited")]),
    )

    assert_clean(run)
    offered = [request["tools"][0]["parameters"]["properties"] for request in model.requests]
    assert "enum" not in offered[0]["doc"]
    assert offered[1]["doc"]["enum"] == offered[2]["doc"]["enum"] == ["early.pdf"]
    assert [one["message"]["text"] for one in run.messages if one["type"] == "binary_link"] == [
        "/files/tools/8.pdf"
    ]


@pytest.mark.parametrize(
    ("sent", "rounds", "expected"),
    [
        ([], 1, ""),
        ([text_output("Your cat:")], 1, "Your cat:"),
        ([], 4, "The model gave no answer."),
        (
            [text_output("Your cat:")],
            4,
            "The model gave no answer. This is what the tools returned:\n\nYour cat:",
        ),
    ],
)
def test_results_that_stand_for_an_answer_tell_a_reader_nothing_of_files(
    host: Host, sent: list[Step], rounds: int, expected: str
) -> None:
    """With one round the results are the answer, and so they are when a model says nothing."""
    meta = {"tool_file_id": "7", "mime_type": "image/png", "filename": "cat.png"}
    run = host.run(
        ask("Draw!", tool("draw"), maximum_iterations=rounds),
        model=ScriptedModel(calls(tool_call("draw", {"q": "x"})), [chunk("")], [chunk("")]),
        tools=ScriptedTools(draw=[*sent, link_output("image_link", "/files/tools/7.png", **meta)]),
    )

    assert_clean(run)
    assert run.text.strip() == expected
    assert [one["type"] for one in run.messages if one["meta"]] == ["image_link"]


@pytest.mark.parametrize(("choice", "said"), [("required", "at least one"), ("look", "look")])
def test_tool_choice_is_said_to_a_native_model(host: Host, choice: str, said: str) -> None:
    """Dify carries no tool_choice."""
    model = ScriptedModel(calls(tool_call("look", {"q": "x"})), says("A tree."))
    run = host.run(
        ask("What?", tool("look"), tool_choice=choice),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )

    assert_clean(run)
    assert said in model.requests[0]["prompt_messages"][0]["content"]


def test_tool_choice_none_offers_no_tools(host: Host) -> None:
    """The model can only answer."""
    model = ScriptedModel(says("No idea."))
    run = host.run(ask("What?", tool("look"), tool_choice="none"), model=model)

    assert_clean(run)
    assert not model.requests[0]["tools"]


@pytest.mark.parametrize("protocol", ["hermes", "qwen", "qwen3_coder", "react"])
def test_tool_choice_is_said_in_a_text_protocol(host: Host, protocol: str) -> None:
    """In the prompt; the request ends with the user's turn, which every provider takes."""
    model = ScriptedModel(says("A tree."))
    run = host.run(
        ask("What?", tool("look"), tool_choice="look", tool_protocol=protocol), model=model
    )
    first, *_, last = model.requests[0]["prompt_messages"]

    assert run.text == "A tree."
    assert "Call the tool look before you answer." in first["content"]
    assert last["role"] == "user"


def test_an_answer_on_error(host: Host) -> None:
    """Instead of a failed node, what is known and what failed."""
    model = ScriptedModel(
        calls(tool_call("look", {"q": "x"})), [RuntimeError("Incorrect API key, code: 401")]
    )
    run = host.run(
        ask("What?", tool("look"), answer_on_error=True),
        model=model,
        tools=ScriptedTools(look=[text_output("bark")]),
    )

    assert_clean(run)
    assert "bark" in run.text
    assert run.variables["stop_reason"] == "error"


@pytest.mark.parametrize("tools", [(), (tool("look"),)], ids=["certain", "uncertain"])
def test_a_picture_without_a_word_is_an_answer(host: Host, tools: tuple[Any, ...]) -> None:
    """It is not asked for again, and the output `answer` is there."""
    drawn = {
        "type": "image",
        "format": "png",
        "mime_type": "image/png",
        "base64_data": base64.b64encode(PICTURE).decode(),
    }
    run = host.run(
        ask("Draw.", *tools), model=ScriptedModel([chunk([drawn]), chunk(usage=usage())])
    )

    assert_clean(run)
    assert [file.blob for file in run.files] == [PICTURE]
    assert run.variables["answer"] == ""
    assert run.variables["stop_reason"] == "answered"


@pytest.mark.parametrize(("count", "shown"), [(40, 40), (41, 9)])
def test_from_41_tools_on_the_model_searches(host: Host, count: int, shown: int) -> None:
    """It is shown eight that fit and one that finds the others; of 40 it is shown all."""
    tools = [tool(f"look_up_{number}") for number in range(count)]
    model = ScriptedModel(says("Nothing."))
    run = host.run(ask("Look it up, please.", *tools), model=model)

    assert run.text == "Nothing."
    assert len(model.requests[0]["tools"]) == shown


def test_tool_search_can_be_switched(host: Host) -> None:
    """On with few tools, off with many, and not with a single round, after which none can run."""
    many = [tool(f"look_up_{number}") for number in range(50)]
    cases: list[tuple[list[Any], dict[str, Any], bool]] = [
        (many[:2], {"tool_search": "on"}, True),
        (many, {"tool_search": "off"}, False),
        (many, {"maximum_iterations": 1}, False),
    ]
    for tools, settings, searches in cases:
        model = ScriptedModel(says("Nothing."))
        host.run(ask("Look it up, please.", *tools, **settings), model=model)
        names = [one["name"] for one in model.requests[0]["tools"]]

        assert ("find_tools" in names) is searches
