"""A task of several turns, played through the real plugin with a scripted model."""

from pathlib import Path

import pytest

from workbench.bench.scripted import ROOT, ScriptedModel, calls, says, tool_call
from workbench.commands.options import chosen_strategies
from workbench.evaluate.play import Played, Player, named, play, ways
from workbench.evaluate.tasks import read_tasks
from workbench.show.transcript import reply

TASK = """
tools:
  draw:
    description: Draws a number.
    parameters: {}
    in_turn: ["The number is 4711.", "The number is 12."]
tasks:
  - {name: drawn, turns: [Draw a number., Thank you.], question: "Which one was it?", answer: 4711}
"""


FIRST = """
tools:
  clock: {description: Tells the time, parameters: {city: A city}, returns: noon}
tasks:
  - {name: noon, question: "What time is it in Oslo?", answer: noon, first_reply: %s}
"""


@pytest.mark.parametrize(
    ("protocol", "written"),
    [
        ("native", ""),
        ("hermes", '<tool_call>\n{"name": "watch", "arguments": {"city": "Oslo"}}\n</tool_call>'),
        ("qwen", '✿FUNCTION✿: watch\n✿ARGS✿: {"city": "Oslo"}'),
        ("qwen3_coder", "<function=watch>\n<parameter=city>\nOslo\n</parameter>\n</function>"),
        ("react", 'Action: watch\nAction Input: {"city": "Oslo"}'),
    ],
)
def test_a_first_call_is_written_as_the_request_asks_for(
    tmp_path: Path, protocol: str, written: str
) -> None:
    """It counts as a model call; the model itself is asked from the second on."""
    answer = "Final Answer: It is noon." if protocol == "react" else "It is noon."
    model = ScriptedModel(says(answer))
    game = first_played(tmp_path, "{watch: {city: Oslo}}", protocol, model)
    (asked,) = model.requests

    assert game.right, game.mistakes
    assert (game.rounds, game.tools) == (2, [])
    assert "There is no tool named watch." in str(asked)
    pieces = game.run.model_calls[0].pieces
    if written:
        assert written in reply(pieces)["text"]
    else:
        assert reply(pieces)["tool_calls"][0]["name"] == "watch"


@pytest.mark.parametrize(("first", "said"), [("''", ""), ("Hm.", "Hm.")])
def test_a_first_reply_of_text_is_said_as_it_stands(tmp_path: Path, first: str, said: str) -> None:
    """Also none at all, behind which the model is asked again."""
    game = first_played(tmp_path, first, "hermes", ScriptedModel(says("It is noon.")))

    assert reply(game.run.model_calls[0].pieces)["text"] == said
    assert game.rounds == (1 if said else 2)


def first_played(folder: Path, first: str, protocol: str, model: ScriptedModel) -> Played:
    """Play one task with that first reply."""
    path = folder / "tasks.yml"
    path.write_text(FIRST % first, encoding="utf-8")
    strategy = "react" if protocol == "react" else "function_calling"
    known = [one for one in chosen_strategies(ROOT, []) if one.name == strategy]
    (way,) = named(ways(ROOT, known, (protocol,)))
    player = Player(model=model, name="demo", told="a script")
    (game,) = play(read_tasks([path]), [way], player, repeat=1, at_once=1)
    return game


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
