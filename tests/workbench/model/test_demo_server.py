"""The demo model over real HTTP, native and in every text protocol."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from workbench.base.ports import Json
from workbench.model.demo import ToolCall, plan, reply
from workbench.model.demo_server import DemoServer

QUESTION = "What time is it in Tokyo, and what is 23 × 19?"
TOOLS: list[Json] = [
    {"type": "function", "function": {"name": name, "parameters": {"properties": {key: {}}}}}
    for name, key in (("current_time", "timezone"), ("calculator", "expression"))
]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    """A server without pauses between its words."""
    with DemoServer(word_seconds=0) as running:
        yield running


def post(server: DemoServer, body: Any, path: str = "/chat/completions") -> httpx.Response:
    """Send a request and return the whole answer."""
    return httpx.post(f"{server.base_url}{path}", json=body, timeout=10)


def user(text: str) -> Json:
    """One message of the user."""
    return {"role": "user", "content": text}


def test_two_tools_are_called_in_one_streamed_reply(server: DemoServer) -> None:
    """The deltas put together are two calls with whole arguments."""
    answer = post(server, {"stream": True, "messages": [user(QUESTION)], "tools": TOOLS})
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    events: list[Json] = [json.loads(line) for line in lines[:-1]]
    calls: dict[int, list[str]] = {}
    for event in events:
        for choice in event["choices"]:
            for delta in choice["delta"].get("tool_calls", ()):
                calls.setdefault(delta["index"], []).append(delta["function"]["arguments"])

    assert lines[-1] == "[DONE]"
    assert [json.loads("".join(parts)) for parts in calls.values()] == [
        {"timezone": "Asia/Tokyo"},
        {"expression": "23 × 19"},
    ]
    assert events[-1]["usage"]["total_tokens"] > 0
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_results_become_an_answer_that_says_who_speaks(server: DemoServer) -> None:
    """The answer holds every result and names the demo model."""
    call = {"id": "1", "type": "function", "function": {"name": "calculator", "arguments": "{}"}}
    messages = [
        user(QUESTION),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "437", "tool_call_id": "1"},
    ]
    answer = post(server, {"messages": messages, "tools": TOOLS}).json()
    text = answer["choices"][0]["message"]["content"]

    assert "rule-based demo model" in text
    assert "calculator: 437" in text


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [([], "/chat/completions", 400), ({}, "/models", 404)],
)
def test_bad_requests_are_refused(server: DemoServer, body: Any, path: str, status: int) -> None:
    """As OpenAI does it: a status and a sentence."""
    answer = post(server, body, path)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("system", "call", "result"),
    [
        (
            '<tools>\n{"function": {"name": "calculator"}}\n</tools> <tool_call>',
            '<tool_call>\n{"name": "calculator", "arguments": {"expression": "23 × 19"}}',
            user("<tool_response>\n437\n</tool_response>"),
        ),
        (
            "# 工具\n### calculator\ncalculator: …\n✿FUNCTION✿: …",
            '✿FUNCTION✿: calculator\n✿ARGS✿: {"expression": "23 × 19"}',
            {"role": "assistant", "content": "✿RESULT✿: 437\n✿RETURN✿: "},
        ),
        (
            "<tools><function><name>calculator</name></function></tools> <function=…>",
            "<function=calculator>\n<parameter=expression>\n23 × 19\n</parameter>",
            user("<tool_response>\n437\n</tool_response>"),
        ),
        (
            'Action: … "Final Answer" … {"name": "calculator"}',
            'Action: calculator\nAction Input: {"expression": "23 × 19"}',
            {"role": "assistant", "content": "Observation: 437"},
        ),
    ],
)
def test_text_protocols_are_read_from_the_system_prompt(
    system: str, call: str, result: Json
) -> None:
    """Without native tools the call is written in the protocol, and results are understood."""
    opening = [{"role": "system", "content": system}, user("What is 23 × 19?")]

    assert call in reply({"messages": opening}).text
    assert "- 437" in reply({"messages": [*opening, result]}).text


def test_folded_results_are_understood() -> None:
    """The last round has no tools and tells the results as plain text."""
    told = "The tool calculator was called with {} and returned:\n437\n\nAnswer now."
    said = reply({"messages": [user("What is 23 × 19?"), user(told)]})

    assert "calculator: 437" in said.text


def test_an_empty_reply_is_made_good() -> None:
    """A nudge after it is no new question; results from before it still count."""
    empty: Json = {"role": "assistant", "content": ""}
    nudge = user("Your reply was empty.")
    result: Json = {"role": "tool", "content": "437", "tool_call_id": "1"}
    asked = reply({"messages": [user("What is 23 × 19?"), empty, nudge], "tools": TOOLS})
    answered = reply({"messages": [user("23 × 19?"), result, empty, nudge], "tools": TOOLS})

    assert [ask.tool for ask in asked.calls] == ["calculator"]
    assert "437" in answered.text


def test_a_question_without_a_fitting_tool_is_answered_honestly() -> None:
    """It says what it is and what it can do."""
    said = reply({"messages": [user("Who are you?")], "tools": TOOLS})

    assert not said.calls
    assert "none of them fits" in said.text


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Which time is it?", [ToolCall("current_time", {"timezone": "UTC"})]),
        ("东京现在几点?", [ToolCall("current_time", {"timezone": "Asia/Tokyo"})]),
        ("12 times 12?", [ToolCall("calculator", {"expression": "12 * 12"})]),
        ("What happened on 2026-11-21?", []),
    ],
)
def test_words_choose_tools(question: str, asked: list[ToolCall]) -> None:
    """The rules of the demo model."""
    schemas: dict[str, Json] = {"current_time": {}, "calculator": {}}

    assert plan(question, schemas) == asked
