"""Scripted models, tools and entities, to run the real plugin in its own process.

A test reads like this:

    def test_greeting(host: Host) -> None:
        model = ScriptedModel([chunk("Hel"), chunk("lo", usage=usage(10, 2), finish="stop")])
        run = host.run(ask("Hi"), model=model)
        assert run.text == "Hello"

The fixture `host` is in tests/e2e/conftest.py.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.base.ports import AnswerError, Json
from workbench.host.daemon import Host
from workbench.host.payload import model_value, parameter, strategy_parameters, tool_value
from workbench.host.record import Run

ROOT = Path(__file__).parents[2]
_LONGEST_LOAD = 120.0
"""Seconds until runs that were begun at once are over."""

type Step = Json | float | Exception
"""A chunk or message to send, seconds to wait, or a failure to raise."""

type Reply = Iterable[Step] | Callable[[Json], Iterable[Step]]
"""Steps, or a function that makes them from the request."""


def usage(prompt: int = 10, completion: int = 5, price: str = "0.0015") -> Json:
    """Totals of one model call, with prices as Dify sends them: decimals in text."""
    return {
        "prompt_tokens": prompt,
        "prompt_unit_price": "0.1",
        "prompt_price_unit": "0.001",
        "prompt_price": "0.001",
        "completion_tokens": completion,
        "completion_unit_price": "0.1",
        "completion_price_unit": "0.001",
        "completion_price": "0.0005",
        "total_tokens": prompt + completion,
        "total_price": price,
        "currency": "USD",
        "latency": 0.25,
    }


def tool_call(name: str = "", arguments: Mapping[str, Any] | str = "", call_id: str = "") -> Json:
    """One tool-call delta; arguments may be a fragment of text or a whole object."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def chunk(
    text: Any = "",
    *,
    tool_calls: Sequence[Json] = (),
    usage: Json | None = None,
    finish: str | None = None,
    model: str = "demo",
) -> Json:
    """One LLMResultChunk as the daemon writes it."""
    return {
        "model": model,
        "system_fingerprint": "",
        "delta": {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": text,
                "name": "",
                "tool_calls": list(tool_calls),
                "tool_call_id": "",
            },
            "usage": usage,
            "finish_reason": finish,
        },
        "prompt_messages": [],
    }


def says(text: str, *, pieces: int = 1, totals: Json | None = None) -> list[Step]:
    """A whole reply of text, cut into about that many pieces."""
    size = max(1, -(-len(text) // pieces))
    cuts = [text[start : start + size] for start in range(0, len(text), size)]
    return [*(chunk(cut) for cut in cuts), chunk(usage=totals or usage(), finish="stop")]


def calls(*tool_calls: Json, text: str = "", totals: Json | None = None) -> list[Step]:
    """A whole reply of native tool calls, with blank ids filled in as call_1, call_2 and so on."""
    numbered = [
        {**call, "id": call["id"] or f"call_{number}"}
        for number, call in enumerate(tool_calls, start=1)
    ]
    opening: list[Step] = [chunk(text)] if text else []
    ending = chunk(usage=totals or usage(), finish="tool_calls")
    return [*opening, chunk(tool_calls=numbered), ending]


class ScriptedModel:
    """A model that gives its replies in order and keeps the requests it got.

    A call beyond the last reply fails the run with a plain sentence.
    """

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self._lock = threading.Lock()
        self.requests: list[Json] = []

    def answer(self, request: Json) -> Iterator[Json]:
        """Play the next reply."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        if number >= len(self._replies):
            raise AnswerError(f"the script has no reply number {number + 1}")
        yield from play(self._replies[number], request)


@dataclass(frozen=True, slots=True)
class FunctionModel:
    """A model that answers every request by a function of it: for many runs at once."""

    reply: Callable[[Json], Iterable[Step]]

    def answer(self, request: Json) -> Iterator[Json]:
        """Play the reply to that request."""
        yield from play(self.reply, request)


class ScriptedTools:
    """Tools by name; keeps the requests it got."""

    def __init__(self, **tools: Reply) -> None:
        self._tools = tools
        self.requests: list[Json] = []

    def call(self, request: Json) -> Iterator[Json]:
        """Play the named tool's output."""
        self.requests.append(request)
        name = str(request["tool"])
        if name not in self._tools:
            raise AnswerError(f'{{"error":"tool {name} not found"}}', stage="invoke")
        yield from play(self._tools[name], request)


def play(reply: Reply, request: Json) -> Iterator[Json]:
    """Walk through steps: send dicts, wait numbers, raise failures."""
    for step in reply(request) if callable(reply) else reply:
        match step:
            case Exception():
                raise step
            case int() | float():
                time.sleep(step)
            case _:
                yield step


def text_output(text: str) -> Json:
    """A tool's text message."""
    return {"type": "text", "message": {"text": text}, "meta": {}}


def json_output(value: Any) -> Json:
    """A tool's JSON message."""
    return {"type": "json", "message": {"json_object": value}, "meta": {}}


def link_output(kind: str, address: str, **meta: Any) -> Json:
    """A tool's message of type link, image, image_link or binary_link."""
    return {"type": kind, "message": {"text": address}, "meta": meta}


def tool(name: str, *parameters: Json, **others: Any) -> Json:
    """One item of the tools value; without parameters it has one string `q`."""
    description = others.pop("description", f"The tool {name}.")
    return tool_value(
        name, description=description, parameters=parameters or (parameter("q"),), **others
    )


def ask(query: str, *tools: Json, model: Json | None = None, **others: Any) -> Json:
    """Parameters of a run of function_calling."""
    return strategy_parameters(query, model=model, tools=tools, **others)


def plain_model(**others: Any) -> Json:
    """A model value without any tool-call feature."""
    return model_value(features=(), **others)


def many_echoes(host: Host, count: int) -> dict[str, Run]:
    """Play so many runs at once, each of which asks a tool for its own question, by question.

    The answer of each is its question behind `answer `.
    """

    def reply(request: Json) -> Iterable[Step]:
        messages = request["prompt_messages"]
        question = next(one["content"] for one in messages if one["role"] == "user")
        if request["prompt_messages"][-1]["role"] == "tool":
            return says(f"answer {question}", pieces=5)
        return calls(tool_call("echo", {"q": question}))

    model = FunctionModel(reply)
    toolbox = ScriptedTools(echo=lambda request: [text_output(request["tool_parameters"]["q"])])
    runs: dict[str, Run] = {}

    def play_one(question: str) -> None:
        runs[question] = host.run(ask(question, tool("echo")), model=model, tools=toolbox)

    names = [f"question {number}" for number in range(count)]
    threads = [threading.Thread(target=play_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONGEST_LOAD)
    return runs
