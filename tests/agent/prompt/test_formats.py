"""What a native model is told besides the builder's instruction."""

from tests.agent.fakes import NATIVE, RecordingToolbox, ScriptedModel, play, says, tool


def system(model: ScriptedModel) -> str:
    """The system prompt of the first request."""
    return str(model.requests[0].messages[0]["content"])


def test_a_native_model_may_answer_without_a_tool() -> None:
    """Told to say hello, a small model asked for the weather; the builder has the last word."""
    model = ScriptedModel(says("Hello."))
    play(model, RecordingToolbox(tool("look")), tongue=NATIVE, instruction="Be brief.")

    assert system(model) == "Answer directly where no tool is needed.\n\nBe brief."


def test_without_tools_the_instruction_stands_alone() -> None:
    """There is nothing to be told about tools."""
    model = ScriptedModel(says("Hello."))
    play(model, RecordingToolbox(), tongue=NATIVE, instruction="Be brief.")

    assert system(model) == "Be brief."
