"""A task of several turns, played through the real plugin with a scripted model."""

from pathlib import Path

from workbench.bench.scripted import ROOT, ScriptedModel, calls, says, tool_call
from workbench.commands.options import chosen_strategies
from workbench.evaluate.play import Player, named, play, ways
from workbench.evaluate.tasks import read_tasks

TASK = """
tools:
  draw:
    description: Draws a number.
    parameters: {}
    in_turn: ["The number is 4711.", "The number is 12."]
tasks:
  - {name: drawn, turns: [Draw a number., Thank you.], question: "Which one was it?", answer: 4711}
"""


def test_turns_are_one_conversation_and_count_together(tmp_path: Path) -> None:
    """The last answer is judged; the plugin knows what its tool returned two turns before."""
    path = tmp_path / "tasks.yml"
    path.write_text(TASK, encoding="utf-8")
    model = ScriptedModel(
        calls(tool_call("draw", {})), says("Done."), says("You are welcome."), says("It was 4711.")
    )
    known = [one for one in chosen_strategies(ROOT, []) if one.name == "function_calling"]
    (way,) = named(ways(ROOT, known, ("auto",)))
    player = Player(model=model, name="demo", told="a script")
    (game,) = play(read_tasks([path]), [way], player, repeat=1, at_once=1)
    asked = model.requests[-1]["prompt_messages"]

    assert game.right, game.mistakes
    assert (game.rounds, game.tools) == (4, ["draw"])
    assert [one["role"] for one in asked if one["role"] != "system"] == [
        *("user", "assistant", "tool", "assistant"),
        *("user", "assistant", "user"),
    ]
    assert "4711" in str(asked)
