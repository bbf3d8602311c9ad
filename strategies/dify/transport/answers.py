"""Calls back to Dify that are under way, and what our links offer them; free of the SDK."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from queue import SimpleQueue

from strategies.dify.transport.frames import Written
from strategies.dify.wire_values import Json


class CallbackAnswers:
    """The answers to the calls back that are under way."""

    def __init__(self) -> None:
        self._waiting: dict[str, SimpleQueue[Json]] = {}

    @contextmanager
    def expected(self, call_id: str) -> Generator[SimpleQueue[Json]]:
        """Gather the answers to one call as long as somebody wants them."""
        answers = self._waiting[call_id] = SimpleQueue[Json]()
        try:
            yield answers
        finally:
            del self._waiting[call_id]

    def take(self, answer: Json) -> bool:
        """Hand an answer to its call, if there is one here that waits for it."""
        waiting = self._waiting.get(answer.get("backwards_request_id", ""))
        if waiting is None:
            return False
        waiting.put(answer)
        return True


class AnswerReader:
    """A reader that knows which call an answer belongs to."""

    answers: CallbackAnswers


class FrameWriter(ABC):
    """A writer that takes what is JSON already."""

    @abstractmethod
    def send(self, whole: Written) -> None:
        """Let a frame leave, unless it would end the process and every run in it."""
