"""Task files: what they say, and the one sentence that a bad one gets."""

from pathlib import Path

import pytest

from workbench.evaluate.fields import TaskFileError
from workbench.evaluate.first_reply import FirstCall, FirstReply
from workbench.evaluate.tasks import OWN_TASKS, Task, Wanted, read_tasks

TOOL = "tools: {clock: {description: Tells the time, parameters: {city: A city}, returns: noon}}\n"
TASK = "{name: noon, question: Tell, answer: noon}"


def written(folder: Path, text: str, name: str = "some.yml") -> Path:
    """A task file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> list[Task]:
    """The tasks of one file."""
    return read_tasks([written(folder, text)])


def test_a_task_says_what_is_asked_and_what_is_right(tmp_path: Path) -> None:
    """Single values may stand without a list; a list in a list means any of its spellings."""
    task = read(
        tmp_path,
        TOOL
        + """
tasks:
  - name: noon
    kind: time
    quick: true
    question: What time is it in Oslo?
    answer: [[noon, "12:00"], 12]
    answer_not: midnight
    calls: [{clock: {city: [Oslo, Kristiania]}}]
    calls_not: [clock]
    history: [{role: user, content: Hi}]
    turns: What time is it in Rome?
    parameters: {instruction: Be brief}
""",
    )[0]

    assert (task.name, task.kind, task.quick) == ("noon", "time", True)
    assert [tool.name for tool in task.tools] == ["clock"]
    assert task.answer == (("noon", "12:00"), (12,))
    assert task.answer_not == ("midnight",)
    assert task.calls == (Wanted(tool="clock", arguments={"city": ("Oslo", "Kristiania")}),)
    assert task.calls_not == ("clock",)
    assert task.turns == ("What time is it in Rome?",)
    assert task.parameters == {"instruction": "Be brief"}


def test_without_tools_a_task_is_offered_all_of_the_file(tmp_path: Path) -> None:
    """An empty list offers none."""
    bare = "{name: none, question: Tell, answer: noon, tools: []}"
    all_of_them, none = read(tmp_path, f"{TOOL}tasks: [{TASK}, {bare}]")

    assert [len(task.tools) for task in (all_of_them, none)] == [1, 0]


def test_what_no_answer_may_hold_is_said_once_for_a_file(tmp_path: Path) -> None:
    """Each task forbids it beside its own."""
    task = read(tmp_path, f"{TOOL}answer_not: [I was called]\ntasks: [{TASK}]")[0]

    assert task.answer_not == ("I was called",)


@pytest.mark.parametrize(
    ("value", "first"),
    [
        ("''", ""),
        ("I am here.", "I am here."),
        ("{get_time: {city: Oslo}}", FirstCall(tool="get_time", arguments={"city": "Oslo"})),
        ("{clock: '{city'}", FirstCall(tool="clock", arguments="{city")),
    ],
)
def test_a_first_reply_is_a_text_or_a_call(tmp_path: Path, value: str, first: FirstReply) -> None:
    """Its tool need not be there, and its arguments need not be JSON."""
    text = f"tasks: [{{name: noon, question: Tell, answer: noon, first_reply: {value}}}]"
    (task,) = read(tmp_path, text)

    assert task.first_reply == first


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    """In the order of their names."""
    for name in ("b", "a"):
        text = f"tasks: [{{name: {name}, question: Tell, answer: noon}}]"
        written(tmp_path, text, f"{name}.yml")

    assert [task.name for task in read_tasks([tmp_path])] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tasks: [", "some.yml, line 1: this is not valid YAML"),
        ("- a", "some.yml: a list stands where a mapping belongs"),
        ("tasks: []", "there are no tasks"),
        ("tasks: [hello]", "some.yml, task 1: 'hello' stands where a mapping belongs"),
        ("tasks: [{name: x, answer: 1}]", "task x, question: it is missing; a text belongs here"),
        ("tasks: [{name: x, question: 3, answer: 1}]", "task x, question: instead of 3 a text"),
        ("tasks: [{name: x, question: Q}]", "task x: nothing says when it is right"),
        (
            "tasks: [{name: x, question: Q, anwser: 1}]",
            "task x: nothing says when it is right|unknown key 'anwser'. Did you mean 'answer'",
        ),
        ("tasks: [{name: x, question: Q, answer: yes}]", "put it in quotes to mean the word"),
        ("tasks: [{name: x, question: Q, answer: ['']}]", "a blank text stands in every answer"),
        ("tasks: [{name: x, question: Q, answer: 1, quick: 3}]", "quick: instead of 3 true or fal"),
        ("tasks: [{name: x, question: Q, answer: 1, tools: [y]}]", "no tool 'y'. Tools of this"),
        ("tasks: [{name: x, question: Q, calls: [y]}]", "the task offers no tool 'y'"),
        ("tasks: [{name: x, question: Q, calls: [3]}]", "calls: 3 is neither a tool's name"),
        (
            "tasks: [{name: x, question: Q, answer: 1, first_reply: [3]}]",
            "x, first_reply: a list is neither a text nor one tool's name with its arguments",
        ),
        ("tasks: [{name: x, question: Q, answer: 1, first_reply: }]", "first_reply: nothing is"),
        ("tasks: [{name: x, question: Q, answer: 1, first_reply: {a: 3}}]", "a mapping is neither"),
        (f"tasks: [{TASK}, {TASK}]", "Two tasks are called 'noon'"),
        ("tasks: [{name: x, question: Q, answer: 1, history: [{role: me, content: a}]}]", "'me'"),
        (f"tools: {{a: {{description: A}}}}\ntasks: [{TASK}]", "tool a: nothing says what it give"),
        (
            f"tools: {{a: {{description: A, returns: b, delay: soon}}}}\ntasks: [{TASK}]",
            "tool a, delay: instead of 'soon' seconds belong here",
        ),
        (
            f"tools: {{a: {{description: A, cases: [{{when: {{b: c}}}}]}}}}\ntasks: [{TASK}]",
            "case 1, when: the tool has no parameter 'b'",
        ),
        (
            f"tools: {{a: {{description: A, parameters: {{b: 3}}, returns: d}}}}\ntasks: [{TASK}]",
            "parameters b: 3 is neither a description nor a schema",
        ),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_the_place(
    tmp_path: Path, text: str, words: str
) -> None:
    """File, task and key, and what belongs there."""
    with pytest.raises(TaskFileError) as refused:
        read(tmp_path, text)

    sentence = str(refused.value)
    assert any(each in sentence for each in words.split("|")), sentence
    assert "\n" not in sentence


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(TaskFileError, match=r"Cannot read .*gone\.yml: No such file"):
        read_tasks([tmp_path / "gone.yml"])


def test_our_own_tasks_cover_every_kind() -> None:
    """At least forty, a dozen of them quick, whose kinds are those that go wrong in practice."""
    tasks = read_tasks([OWN_TASKS])
    quick = {task.kind for task in tasks if task.quick}

    assert len(tasks) >= 40
    assert {task.kind for task in tasks} >= {
        *("single call", "several calls", "chain", "select values", "no tool", "unknown"),
        *("failing tool", "long result", "looks like a call", "about tools", "chinese"),
        *("react", "structured output", "again"),
    }
    assert len(quick) >= 8
