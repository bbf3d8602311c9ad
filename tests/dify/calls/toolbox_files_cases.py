"""Files on their way to tools and from them: offered by name, handed over for real."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from strategies.agent.interface.ports import ToolOutcome
from strategies.dify.calls.toolbox import DifyToolbox
from strategies.dify.inputs.files.run_file import read_files
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.tools import FileParameter, read_tools, spec_with_files
from tests.dify.door import Door
from tests.dify.entities import parameter, tool

READ = tool(
    "read",
    parameter("doc", type="file", required=True),
    parameter("more", type="files"),
    parameter("q"),
    runtime_parameters={"fixed": {"x": 1}},
)
MAKE = tool("make", parameter("q"))


def made(number: int, name: str) -> dict[str, Any]:
    """A message of a tool that made a file."""
    meta = {"filename": name, "tool_file_id": str(number), "mime_type": "application/pdf"}
    return {"type": "binary_link", "message": {"text": f"/files/tools/{number}.pdf"}, "meta": meta}


def box(
    *names: str,
    tools: Sequence[Any] = (READ, MAKE),
    messages: Sequence[dict[str, Any]] = (),
    files: RunFiles | None = None,
) -> tuple[DifyToolbox, Door]:
    """A toolbox with files of these names, or with these files."""
    door = Door(tool=messages)
    readable, _ = read_tools(tools)
    return DifyToolbox(door.session(), readable, files or of_names(*names)), door


def of_names(*names: str) -> RunFiles:
    """Files of the user."""
    files = [{"filename": name, "url": f"https://x.test/{name}"} for name in names]
    return RunFiles(read_files(files)[0])


def properties(toolbox: DifyToolbox, place: int = 0) -> Mapping[str, Any]:
    """The parameters of a tool as the model sees them now."""
    return cast("Mapping[str, Any]", toolbox.specs[place].parameters["properties"])


def test_file_parameters_are_set_apart_from_the_others() -> None:
    """Those that the model fills in are known by name, number and need."""
    [read], _ = read_tools([READ])

    assert read.file_parameters == (
        FileParameter(name="doc", many=False, required=True, description="What doc is."),
        FileParameter(name="more", many=True, required=False, description="What more is."),
    )
    assert list(cast("Mapping[str, Any]", read.spec.parameters["properties"])) == ["q"]


@pytest.mark.parametrize("given", [{"form": "form"}, {"form": "schema"}])
def test_files_that_the_builder_chooses_are_not_offered(given: dict[str, Any]) -> None:
    """Only what the model is to fill in is shown to it."""
    [one], _ = read_tools([tool("t", parameter("doc", type="file", **given))])
    [fixed], _ = read_tools([tool("t", parameter("d", type="file"), runtime_parameters={"d": 1})])

    assert one.file_parameters == fixed.file_parameters == ()
    assert spec_with_files(one, ["a.pdf"]) is one.spec


def test_a_file_parameter_is_a_choice_of_names() -> None:
    """One file is one name, several are a list of names."""
    toolbox, _ = box("a.pdf", "b.pdf")
    shown = properties(toolbox)

    assert (shown["doc"]["type"], shown["doc"]["enum"]) == ("string", ["a.pdf", "b.pdf"])
    assert shown["doc"]["description"].startswith("What doc is. The name of a file")
    assert shown["more"]["type"] == "array"
    assert shown["more"]["items"] == {"type": "string", "enum": ["a.pdf", "b.pdf"]}
    assert toolbox.specs[0].parameters["required"] == ["doc"]
    assert toolbox.specs is toolbox.specs


def test_without_files_only_what_is_required_is_shown() -> None:
    """A required file parameter stays, and says that there is none."""
    toolbox, _ = box()
    shown = properties(toolbox)

    assert set(shown) == {"doc", "q"}
    assert "no file" in shown["doc"]["description"]
    assert "enum" not in shown["doc"]


def test_the_file_itself_is_handed_over() -> None:
    """Names become files; the other arguments and the fixed ones stay."""
    toolbox, door = box("a.pdf", "b.pdf")
    outcome = toolbox.call("read", {"doc": "A.pdf", "more": ["a.pdf", "b.pdf"], "q": "x"})
    given = door.requests[0][1]["tool_parameters"]

    assert outcome.error == ""
    assert given["doc"]["url"] == "https://x.test/a.pdf"
    assert given["doc"]["dify_model_identity"] == "__dify__file__"
    assert [file["filename"] for file in given["more"]] == ["a.pdf", "b.pdf"]
    assert (given["q"], given["fixed"]) == ("x", {"x": 1})


@pytest.mark.parametrize("blank", [None, "", []])
def test_an_optional_file_may_stay_away(blank: object) -> None:
    """What names nothing is not handed over."""
    toolbox, door = box("a.pdf")
    toolbox.call("read", {"doc": "a.pdf", "more": blank})

    assert set(door.requests[0][1]["tool_parameters"]) == {"doc", "fixed"}


@pytest.mark.parametrize(
    ("arguments", "names", "said"),
    [
        ({"doc": "c.pdf"}, ["a.pdf"], "no file c.pdf. The files are: a.pdf."),
        ({"doc": "a.pdf", "more": ["x", "y"]}, ["a.pdf"], "no file x, y. The files are: a.pdf."),
        ({"doc": "c.pdf"}, [], "no file c.pdf. There is no file in this run."),
        ({}, ["a.pdf"], "no file for `doc`. The files are: a.pdf."),
        ({"doc": "a.pdf, b.pdf"}, ["a.pdf", "b.pdf"], "`doc` takes one file, not several."),
    ],
)
def test_a_wrong_name_is_told_and_nothing_runs(
    arguments: dict[str, Any], names: list[str], said: str
) -> None:
    """The model reads which files there are."""
    toolbox, door = box(*names)
    outcome = toolbox.call("read", arguments)

    assert said in outcome.error
    told = outcome.error
    assert outcome == ToolOutcome(text=told, error=told, remark=told)
    assert door.requests == []


def test_what_a_tool_made_is_offered_to_the_next() -> None:
    """The schema of the next round holds the new name, and the call the new file."""
    files = RunFiles()
    toolbox, door = box(messages=[made(7, "new.pdf")], files=files)
    outcome = toolbox.call("make", {"q": "x"})
    untold = properties(toolbox)
    files.add_made(outcome.forwarded[0])
    toolbox.call("read", {"doc": "new.pdf"})

    assert "enum" not in untold["doc"]
    assert properties(toolbox)["doc"]["enum"] == ["new.pdf"]
    assert "new.pdf" in outcome.text
    assert door.requests[1][1]["tool_parameters"]["doc"]["tool_file_id"] == "7"


def test_a_made_file_under_a_taken_name_is_told_by_its_new_one() -> None:
    """The tool's own name would mean the other file."""
    files = of_names("a.pdf")
    toolbox, _ = box(messages=[made(7, "a.pdf")], files=files)
    outcome = toolbox.call("make", {"q": "x"})
    files.add_made(outcome.forwarded[0])

    assert outcome.text.endswith("Tools that take a file know it as: a_2.pdf")
    assert properties(toolbox)["doc"]["enum"] == ["a.pdf", "a_2.pdf"]


def test_tools_without_files_hear_nothing_of_them() -> None:
    """Their specs and results are as they were."""
    toolbox, _ = box("a.pdf", tools=[MAKE], messages=[made(7, "a.pdf")])
    before = toolbox.specs
    outcome = toolbox.call("make", {"q": "x"})

    assert toolbox.specs is before
    assert "know it as" not in outcome.text
