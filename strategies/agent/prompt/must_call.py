"""A call that the builder demands: how a model is told so, and how long."""

from collections.abc import Sequence
from dataclasses import dataclass

from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.wording import Wording


@dataclass(frozen=True, slots=True)
class MustCall:
    """The first reply of a run is to call a tool: this one, or any where the name is blank."""

    name: str = ""
    search_tool: str = ""
    """The tool whose calls do not count, because it only finds others."""

    def is_open(self, rounds: Sequence[RoundRecord]) -> bool:
        """Whether it is still to be asked for: the model has said nothing but what does not count.

        Whatever else it said, it is not asked again: it would never come to its answer.
        """
        return all(
            record.done and all(one.call.name == self.search_tool for one in record.done)
            for record in rounds
        )

    def told(self, instruction: str, wording: Wording) -> str:
        """Say so in the prompt: Dify carries no tool_choice (docs/dify.md, "Backwards calls")."""
        sentence = wording.must_call.format(name=self.name) if self.name else wording.must_call_any
        return "\n\n".join(part for part in (instruction.strip(), sentence) if part)
