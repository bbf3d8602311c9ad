"""Some tools of a toolbox, as a step of a plan is shown them."""

from strategies.agent.tools.shown import ChosenTools
from tests.agent.fakes import RecordingToolbox


def test_the_chosen_tools_are_shown_and_all_can_be_called() -> None:
    """A model that remembers another tool is not refused."""
    tools = RecordingToolbox(search="found", send="sent")
    chosen = ChosenTools(tools, ["send"])
    assert [spec.name for spec in chosen.specs] == ["send"]
    assert set(chosen.known) == {"search", "send"}
    assert chosen.call("search", {}).text == "found"
