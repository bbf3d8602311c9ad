"""How far a plan has come: which steps are done, which run, which may begin."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from strategies.agent.interface.events import PlannedStep
from strategies.agent.planning.sentences import Sentences, filled
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.shortening import cut, shortened_line
from strategies.protocols.writing.escaping import escaped_markers

_RESULT_LENGTH = 20_000
"""Characters of a step's result that other steps and the answer are given."""
_LINE = 300
"""Characters of a task that the reader sees."""
_OPEN, _DONE, _FAILED = "☐", "☑", "☒"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of a step."""

    text: str
    error: str = ""
    """Why it failed, or what is surprising about it; blank where all went as planned."""


class Board:
    """The steps of a run, those of revised plans included."""

    def __init__(self, sentences: Sentences) -> None:
        self._sentences = sentences
        self.steps: list[PlannedStep] = []
        self.results: dict[int, StepResult] = {}
        self.running: set[int] = set()
        self.rounds_with_calls: list[RoundRecord] = []
        """The rounds so far in which tools were called, those of an ordinary run included."""

    @property
    def next_id(self) -> int:
        """The id of the next step that is planned."""
        return max((step.id for step in self.steps), default=0) + 1

    @property
    def waiting(self) -> list[PlannedStep]:
        """The steps that have not begun."""
        return [
            step
            for step in self.steps
            if step.id not in self.results and step.id not in self.running
        ]

    @property
    def ready(self) -> list[PlannedStep]:
        """Those of them that wait for no other step."""
        return [step for step in self.waiting if all(one in self.results for one in step.after)]

    def revise(self, steps: Iterable[PlannedStep]) -> None:
        """Put other steps in the place of those that have not begun."""
        self.steps = [step for step in self.steps if step.id in self.results]
        self.steps += steps

    def told(self, ids: Sequence[int] | None = None) -> str:
        """Write the results of some steps, or of all, for a model."""
        wanted = self.results if ids is None else ids
        return "\n\n".join(self._results(frozenset(wanted)))

    @property
    def findings(self) -> list[str]:
        """The results for a reader, where no model could make an answer of them."""
        found = (self.results[step.id] for step in self.steps if step.id in self.results)
        return [one.text for one in found if one.text.strip() and not one.error]

    def _results(self, ids: frozenset[int]) -> Iterator[str]:
        told = self._sentences
        for step in self.steps:
            if step.id in ids and step.id in self.results:
                one = self.results[step.id]
                said = one.text or filled(told.failed, error=one.error)
                result = escaped_markers(cut(said, _RESULT_LENGTH))
                yield filled(told.results, id=str(step.id), task=step.task, result=result)


def checklist(steps: Sequence[PlannedStep]) -> str:
    """Write a plan for the reader."""
    return "".join(_line(_OPEN, step) for step in steps)


def ticked(step: PlannedStep, result: StepResult) -> str:
    """Write for the reader that a step is over."""
    return _line(_FAILED if result.error else _DONE, step)


def _line(mark: str, step: PlannedStep) -> str:
    task = shortened_line(step.task, _LINE).replace("<", "&lt;")  # no markup of a planner's
    return f"- {mark} {step.id}. {task}\n"
