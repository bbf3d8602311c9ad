"""A scripted model, a toolbox that records, and a short way to play a run."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from strategies.agent.config import Limits, ModelBinding, Policy, RunRequest
from strategies.agent.interface.events import Event, TextShown, ToolCall
from strategies.agent.interface.ports import (
    Message,
    ModelDelta,
    ModelError,
    ModelRequest,
    Toolbox,
    ToolOutcome,
)
from strategies.agent.interface.usage import Usage
from strategies.agent.loop import Run
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.prompt.formats import NativeFormat, TextFormat
from strategies.agent.prompt.wording import ENGLISH
from strategies.agent.tools.approval import Approvals
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.fit import WindowBudget
from strategies.protocols.base import CallDelta, ToolSpec
from strategies.protocols.registry import TEXT_PROTOCOLS

type Step = ModelDelta | float | Exception
"""A piece of a reply, seconds to wait, or a failure."""

USAGE = Usage(
    prompt_tokens=10,
    completion_tokens=5,
    total_tokens=15,
    total_price=Decimal("0.1"),
    latency=0.5,
)


class ScriptedModel:
    """Gives its replies in order and keeps the requests it got."""

    def __init__(self, *replies: Iterable[Step], name: str = "gpt-test") -> None:
        self._replies = list(replies)
        self.requests: list[ModelRequest] = []
        self.name = name
        self.provider = "test/test/test"

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Play the next reply; a request too many fails like any model call."""
        self.requests.append(request)
        if len(self.requests) > len(self._replies):
            raise ModelError(f"the script has no reply number {len(self.requests)}")
        for step in self._replies[len(self.requests) - 1]:
            match step:
                case Exception():
                    raise step
                case float() | int():
                    time.sleep(step)
                case _:
                    yield step

    def assert_complete(self) -> None:
        """Every reply has been asked for, and none twice."""
        assert len(self.requests) == len(self._replies)


type Work = Callable[[Mapping[str, object]], ToolOutcome]


class RecordingToolbox:
    """Tools made of functions; keeps the calls it got and how many ran at once."""

    def __init__(self, *specs: ToolSpec, **work: Work | str) -> None:
        named = {spec.name for spec in specs}
        self.specs: Sequence[ToolSpec] = [
            *specs,
            *(tool(name) for name in work if name not in named),
        ]
        self._work = work
        self._lock = threading.Lock()
        self._running = 0
        self.calls: list[tuple[str, Mapping[str, object]]] = []
        self.most_at_once = 0

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """The same tools by their names."""
        return {spec.name: spec for spec in self.specs}

    def provider(self, name: str) -> str:
        """Every known tool belongs to one provider."""
        return "test/tools" if name in self._work else ""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run the function of that name."""
        with self._lock:
            self.calls.append((name, arguments))
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            work = self._work[name]
            return ToolOutcome(text=work) if isinstance(work, str) else work(arguments)
        finally:
            with self._lock:
                self._running -= 1


def tool(name: str, **properties: str) -> ToolSpec:
    """A tool whose parameters are given as name=type; `q` of type string when none are."""
    shown = properties or {"q": "string"}
    schema: dict[str, object] = {
        "type": "object",
        "properties": {one: {"type": kind} for one, kind in shown.items()},
        "required": list[str](),
    }
    return ToolSpec(name=name, description=f"The tool {name}.", parameters=schema)


def slow(seconds: float, text: str = "done") -> Work:
    """A tool that takes its time."""

    def work(_: Mapping[str, object]) -> ToolOutcome:
        time.sleep(seconds)
        return ToolOutcome(text=text)

    return work


def says(text: str, *, usage: Usage = USAGE) -> list[Step]:
    """A reply of text, in pieces of four characters."""
    pieces = [ModelDelta(text=text[start : start + 4]) for start in range(0, len(text), 4)]
    return [*pieces, ModelDelta(usage=usage, finish_reason="stop")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a scripted model is to make."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict[str, object])
    id: str = ""


def native_reply(text: str, calls: Sequence[Wanted]) -> list[Step]:
    """A reply with native calls, each in two fragments."""
    steps: list[Step] = [ModelDelta(text=text)] if text else []
    for number, call in enumerate(calls):
        raw = json.dumps(call.arguments, ensure_ascii=False)
        call_id = call.id or f"call_{time.monotonic_ns()}_{number}"
        steps += [
            ModelDelta(calls=(CallDelta(id=call_id, name=call.name, arguments=raw[:3]),)),
            ModelDelta(calls=(CallDelta(id=call_id, arguments=raw[3:]),)),
        ]
    return [*steps, ModelDelta(usage=USAGE, finish_reason="tool_calls")]


def hermes_reply(text: str, calls: Sequence[Wanted]) -> list[Step]:
    """A reply with calls as hermes models write them."""
    blocks = [
        "<tool_call>\n"
        + json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
        + "\n</tool_call>"
        for call in calls
    ]
    return says("\n".join([text, *blocks]) if text else "\n".join(blocks))


def qwen_reply(text: str, calls: Sequence[Wanted]) -> list[Step]:
    """A reply with calls as older Qwen models write them."""
    blocks = [
        f"✿FUNCTION✿: {call.name}\n✿ARGS✿: {json.dumps(call.arguments, ensure_ascii=False)}"
        for call in calls
    ]
    return says("\n".join([text, *blocks]) if text else "\n".join(blocks))


def qwen3_coder_reply(text: str, calls: Sequence[Wanted]) -> list[Step]:
    """A reply with calls as Qwen3-Coder writes them."""
    blocks = [
        f"<tool_call>\n<function={call.name}>\n"
        + "".join(
            f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in call.arguments.items()
        )
        + "</function>\n</tool_call>"
        for call in calls
    ]
    return says("\n".join([text, *blocks]) if text else "\n".join(blocks))


def react_reply(text: str, calls: Sequence[Wanted]) -> list[Step]:
    """A reply with calls as ReAct models write them."""
    blocks = [
        "Action: "
        + json.dumps({"action": call.name, "action_input": call.arguments}, ensure_ascii=False)
        for call in calls
    ]
    return says("\n".join([text, *blocks]) if text else "\n".join(blocks))


@dataclass(frozen=True, slots=True)
class Tongue:
    """A protocol under test: how the engine speaks it, and how a model writes calls in it."""

    name: str
    format: NativeFormat | TextFormat
    reply: Callable[[str, Sequence[Wanted]], list[Step]]

    def __str__(self) -> str:
        return self.name


NATIVE = Tongue("native", NativeFormat(), native_reply)
TONGUES = [
    NATIVE,
    Tongue("hermes", TextFormat(protocol=TEXT_PROTOCOLS["hermes"]), hermes_reply),
    Tongue("qwen", TextFormat(protocol=TEXT_PROTOCOLS["qwen"]), qwen_reply),
    Tongue("qwen3_coder", TextFormat(protocol=TEXT_PROTOCOLS["qwen3_coder"]), qwen3_coder_reply),
    Tongue("react", TextFormat(protocol=TEXT_PROTOCOLS["react"]), react_reply),
]


def play(
    model: ScriptedModel,
    toolbox: RecordingToolbox | None = None,
    *,
    tongue: Tongue = NATIVE,
    instruction: str = "Be brief.",
    question: str = "What is new?",
    material: tuple[str, ...] = (),
    limits: Limits | None = None,
    fallback: ScriptedModel | None = None,
    budget: WindowBudget | None = None,
    fallback_budget: WindowBudget | None = None,
    policy: Policy | None = None,
) -> list[Event]:
    """Play a run to its end."""
    conversation = Conversation(
        instruction=instruction, history=[], question=question, material=material
    )
    run = Run(
        about(conversation, toolbox or RecordingToolbox(), limits=limits, policy=policy),
        binding(model, tongue, budget),
        ENGLISH,
        fallback=binding(fallback, tongue, fallback_budget) if fallback else None,
        text_formats=lambda _: TONGUES[1].format,
        sleep=lambda _: None,
    )
    return list(run.events())


def about(
    conversation: Conversation,
    toolbox: Toolbox,
    *,
    limits: Limits | None = None,
    policy: Policy | None = None,
    approvals: Approvals | None = None,
    approved: Sequence[ToolCall] = (),
) -> RunRequest:
    """What a run is about, where most is as usual."""
    return RunRequest(
        conversation=conversation,
        toolbox=toolbox,
        limits=limits or Limits(),
        policy=policy or Policy(),
        approvals=approvals or NoApprovals(),
        approved=approved,
    )


class NoApprovals:
    """For a run whose tools all run at once; an `Approvals`."""

    can_ask = False

    def asks(self, name: str) -> bool:
        """Ask for none."""
        del name
        return False

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Have nobody to ask."""
        del calls, rounds, known
        return ""


def binding(
    model: ScriptedModel, tongue: Tongue, budget: WindowBudget | None = None
) -> ModelBinding:
    """Speak with a scripted model."""
    fitting = ContextWindow(model.name, budget or WindowBudget())
    fresh = replace(tongue.format)  # a run knows nothing of what another has learnt
    return ModelBinding(model=model, format=fresh, window=fitting)


def native_calls(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """All native calls in a request, in order."""
    return [
        call
        for message in messages
        for call in cast("Sequence[dict[str, Any]]", message.get("tool_calls") or ())
    ]


def shown(events: Sequence[Event]) -> str:
    """All text that the reader saw."""
    return "".join(event.text for event in events if isinstance(event, TextShown))


def of_type[E](events: Sequence[Event], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]
