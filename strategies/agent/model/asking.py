"""Asking the model of a run: once, and again where a failure can be cured.

A failed call may be made again as long as nothing that counts has reached the reader: text, a call
or a file. Blank lines and reasoning do not count. What is to be done about a failure is said by
`failures/recovery.py`; here it is done. Tool calls begin here, too, as soon as each is written.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from strategies.agent.config import ModelBinding, RunRequest
from strategies.agent.failures.classify import ModelFailure, classify
from strategies.agent.failures.recovery import Recovery, Remedy, Wait
from strategies.agent.interface.events import (
    AnswerText,
    AnswerWithdrawn,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    ReasoningShown,
    TextShown,
)
from strategies.agent.interface.ports import ModelRequest, Toolbox
from strategies.agent.model.continuation import SEAM, SeamParser
from strategies.agent.model.echo import EchoParser
from strategies.agent.model.open_round import Round
from strategies.agent.model.reply import Reply
from strategies.agent.prompt.conversation import Conversation, message
from strategies.agent.prompt.formats import PromptFormat
from strategies.agent.prompt.wording import Wording
from strategies.agent.streaming.round_queue import (
    Ended,
    Failed,
    Item,
    Received,
    ToolDone,
)
from strategies.agent.streaming.text_pace import TextPace
from strategies.agent.streaming.yielding import give_way
from strategies.protocols.base import (
    BrokenCall,
    Call,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)

type TextFormats = Callable[[str], PromptFormat]
"""Makes the format for a model that calls tools in its text, chosen by a reply in which it did so.

For a blank reply, where nothing is known of the model, it makes the usual one.
"""

# After so many pieces of a reply other runs get their turn: some 5 ms of work.
_PIECES_AT_A_TIME = 256


class Asker:
    """Asks the models of one run: the one that was chosen, and the fallback."""

    def __init__(
        self,
        request: RunRequest,
        binding: ModelBinding,
        fallback: ModelBinding | None,
        text_formats: TextFormats,
        *,
        wording: Wording,
        deadline: float,
        pace: TextPace,
        sleep: Callable[[float], None],
    ) -> None:
        self._binding = binding
        self._fallback = fallback
        self._text_formats = text_formats
        self._wording = wording
        self._policy = request.policy
        self._limits = request.limits
        self._deadline = deadline
        self._pace = pace
        self._sleep = sleep
        self._recovery = Recovery(has_fallback=fallback is not None)
        self._sends_media = True
        self._gives_reasons = False
        """Whether this model has said before how a reply ended."""

    def ask(
        self, round_: Round, conversation: Conversation, toolbox: Toolbox
    ) -> Generator[Event, None, Reply]:
        """Ask for one reply and show it as it comes; calls are begun while it is still coming."""
        self._recovery.asked()
        earlier: ModelFailure | None = None
        # A model also calls tools that it remembers from before or only guesses.
        shown, known = toolbox.specs, tuple(toolbox.known.values())
        while True:
            request = self._request(round_, conversation, shown)
            parser = self._binding.format.parser(known, conversation)
            parser = EchoParser(
                parser, conversation, *(self._asked_to_close if round_.closing else ())
            )
            reply = yield from self._ask_once(round_, request, parser)
            self._binding.window.learn(reply.usage)
            yield from self._go_on(round_, conversation, request, reply)
            if reply.failure is None or self._counts(reply):
                return reply
            remedy = self._remedy(round_, reply.failure, request)
            if remedy == "give_up":
                reply.failure = self._with_both(earlier, reply.failure)
                return reply
            if remedy == "switch_model":
                earlier = reply.failure
            self._apply(remedy, reply.failure)

    @property
    def _asked_to_close(self) -> tuple[str, ...]:
        told = self._wording
        return (told.answer_now, told.answer_alone, told.results_heading)

    def adopt_format(self, reply: Reply) -> None:
        """Go on in the format in which the model wrote its calls: it knows its own turns again."""
        if reply.wrote_calls and not self._binding.format.recognises(reply.content):
            self._change_format(self._text_formats(reply.content))

    def _counts(self, reply: Reply) -> bool:
        """Whether anything of a reply has left that no other reply can take the place of."""
        shown = bool(reply.visible.strip()) and not self._policy.shape
        return shown or bool(reply.calls or reply.files)

    def _remedy(self, round_: Round, failure: ModelFailure, request: ModelRequest) -> Remedy:
        time_left = round_.reply_until - time.monotonic()
        if time_left <= 0:
            return "give_up"
        return self._recovery.remedy(failure, time_left, offers_tools=bool(request.tools))

    def _with_both(self, first: ModelFailure | None, second: ModelFailure) -> ModelFailure:
        if first is None:
            return second
        told = self._wording.both_failed.format(first=first.message, second=second.message)
        return replace(second, message=told)

    def _apply(self, remedy: Remedy, failure: ModelFailure) -> None:
        match remedy:
            case Wait(seconds):
                self._sleep(seconds)
            case "switch_model":
                self._switch()
            case "drop_native_tools":
                self._change_format(self._text_formats(""))
            case "drop_media":
                self._sends_media = False
            case "shrink_window":
                self._binding.window.narrow(failure.context_size)
            case _:
                pass

    def _switch(self) -> None:
        if self._fallback:
            self._binding, self._gives_reasons = self._fallback, False

    def _change_format(self, text_format: PromptFormat) -> None:
        self._binding = replace(self._binding, format=text_format)
        self._binding.window.forget()

    def _request(
        self, round_: Round, conversation: Conversation, tools: Sequence[ToolSpec]
    ) -> ModelRequest:
        if not self._sends_media:
            conversation = conversation.without_media()
        prompt, window = self._binding.format, self._binding.window
        if round_.closing:
            return window.fitted(conversation, "closing", prompt.closing_request)
        return window.fitted(conversation, "open", partial(prompt.request, tools=tools))

    # -- one model call -------------------------------------------------------------------------

    def _ask_once(
        self, round_: Round, request: ModelRequest, parser: ReplyParser
    ) -> Generator[Event, None, Reply]:
        binding = self._binding
        yield ModelCallStarted(binding.model.name, binding.model.provider)
        reply = Reply(parser, expects_reason=self._gives_reasons)
        round_.queue.read_model(binding.model.stream(request))
        heard = time.monotonic()
        while not reply.over:
            due = self._due(round_, reply, heard)
            items = round_.queue.wait(min(due, round_.calls.next_due) - time.monotonic())
            if not all(isinstance(item, ToolDone) for item in items):
                heard = time.monotonic()
            # Taken whole before anything is shown, so that showing never delays a tool.
            yield from self._paced(list(self._take_all(items, round_, reply)), round_)
            yield from round_.calls.give_up_overdue()
            if not reply.over and time.monotonic() >= due:
                round_.queue.leave_model()
                yield from self._paced(
                    self._events_of(reply.break_off(self._late(reply)), round_), round_
                )
        round_.usage += reply.usage
        self._gives_reasons = self._gives_reasons or bool(reply.finish_reason)
        yield _finished(reply, round_, request)
        return reply

    def _go_on(
        self, round_: Round, conversation: Conversation, request: ModelRequest, reply: Reply
    ) -> Generator[Event, None, None]:
        """Ask once for the rest of a text that the token limit or a silent model has cut off."""
        cut_off = reply.fell_silent or (reply.failure is None and reply.ending == "length")
        if not (cut_off and reply.visible.strip()) or reply.calls or reply.format_errors:
            return
        if time.monotonic() >= round_.reply_until:
            return
        if reply.fell_silent and self._recovery.take_fallback():
            self._switch()
        told = self._wording.go_on.format(end=reply.visible[-SEAM:])
        asked = [message("assistant", reply.content), message("user", told)]
        # The tools stay: providers refuse results where no tool is declared.
        request = replace(request, messages=[*request.messages, *asked])
        parser = SeamParser(self._binding.format.parser((), conversation), reply.visible)
        rest = yield from self._ask_once(round_, request, parser)
        reply.extend(rest)

    def _due(self, round_: Round, reply: Reply, heard: float) -> float:
        """Say when a silent model is given up: in time for the fallback and for the answer."""
        if reply.began:
            return min(heard + self._limits.stall_seconds, self._deadline)
        patience = min(self._limits.first_token_seconds, round_.reply_until - heard)
        if self._recovery.may_switch:
            patience = min(patience, (round_.reply_until - heard) / 2)
        return min(heard + patience, self._deadline)

    def _late(self, reply: Reply) -> ModelFailure:
        """Say why a reply is waited for no longer."""
        if time.monotonic() >= self._deadline:
            seconds, told = self._limits.seconds, self._wording.time_limit
            return ModelFailure(kind="unknown", message=told.format(seconds=f"{seconds:g}"))
        told = self._wording.model_stalled if reply.began else self._wording.model_silent
        return ModelFailure(kind="silent", message=told.format(model=self._binding.model.name))

    def _take_all(self, items: list[Item], round_: Round, reply: Reply) -> Iterator[Event]:
        for count, item in enumerate(items, start=1):
            yield from self._take(item, round_, reply)
            if count % _PIECES_AT_A_TIME == 0:
                give_way()

    def _take(self, item: Item, round_: Round, reply: Reply) -> list[Event]:
        match item:
            case Received(delta):
                return self._events_of(reply.take(delta), round_)
            case Ended():
                return self._events_of(reply.close(), round_)
            case Failed(error):
                return self._events_of(reply.break_off(classify(error)), round_)
            case _:
                return round_.calls.take(item)

    def _events_of(self, parsed: Iterable[ReplyEvent], round_: Round) -> list[Event]:
        return [event for one in parsed for event in self._events_of_one(one, round_)]

    def _events_of_one(self, parsed: ReplyEvent, round_: Round) -> list[Event]:
        match parsed:
            case Text(text):
                # A reply that is to be JSON of some shape is checked before it is shown.
                return [] if self._policy.shape else [TextShown(text)]
            case Reasoning(text):
                return [ReasoningShown(text)]
            case ReasoningSoFar():
                return [AnswerWithdrawn()]
            case Call() | BrokenCall():
                # In the closing round no tool was offered: a call written all the same is void.
                if round_.closing or self._is_answer(parsed, round_):
                    return []
                return round_.calls.begin(parsed)
            case _:
                return []

    def _is_answer(self, call: Call | BrokenCall, round_: Round) -> bool:
        """Whether what reads like a call is the object that was asked for as the answer."""
        shape = self._policy.shape
        looks = shape is not None and shape.looks_like_call
        return looks and call.in_text and not round_.calls.knows(call.name)

    def _paced(self, events: list[Event], round_: Round) -> Iterator[Event]:
        """Join text that waits; say of text that it is the answer where it can be nothing else."""
        for event in _joined(events):
            yield event
            if isinstance(event, TextShown | ReasoningShown):
                self._pace.left()
            if isinstance(event, TextShown) and round_.only_answer:
                yield AnswerText(event.text)


def _finished(reply: Reply, round_: Round, request: ModelRequest) -> ModelCallFinished:
    return ModelCallFinished(
        text=reply.visible or reply.echo,
        reasoning=reply.reasoning,
        calls=round_.calls.made,
        usage=reply.usage,
        error=reply.error,
        files=tuple(reply.files),
        left_out=request.left_out,
        ending=reply.ending,
        from_cache=reply.from_cache,
    )


def _joined(events: Iterable[Event]) -> Iterator[Event]:
    """Join what stands side by side, so that waiting text leaves in one piece."""
    held: TextShown | ReasoningShown | None = None
    parts: list[str] = []
    for event in events:
        if isinstance(event, TextShown | ReasoningShown) and type(event) is type(held):
            parts.append(event.text)
            continue
        if held is not None:
            yield type(held)("".join(parts))
        held = None
        if isinstance(event, TextShown | ReasoningShown):
            held, parts = event, [event.text]
        else:
            yield event
    if held is not None:
        yield type(held)("".join(parts))
