"""A run always ends well, through the real process: failures, limits, sizes."""

import json
from typing import Any

import pytest

from tests.e2e.test_wire import assert_clean
from tests.hosting import Script, Shed, Step, ask, calls, says, text_output, tool, tool_call
from workbench.host import Host
from workbench.record import Run

BARK = Shed(look=[text_output("bark")])


def assert_small(run: Run) -> None:
    """No line above 4 MB, in messages or requests."""
    bodies: list[Any] = [*run.messages, *(call.request for call in run.requests)]
    for body in bodies:
        assert len(json.dumps(body, ensure_ascii=False).encode()) < 4_000_000


OBJECT = '{"type": "object", "properties": {"a": {"type": "string"}}}'


@pytest.mark.parametrize(
    ("reply", "others"),
    [
        (calls(tool_call("look", {"q": "y" * 6_000_000})), {}),
        (calls(tool_call("look", {"q": "y" * 3_950_000})), {}),
        (says(json.dumps({"a": "z" * 5_500_000})), {"answer_schema": OBJECT}),
        (says("012345678\n" * 500_000, pieces=2), {}),
        (says("Yes."), {"context": [{"content": f"{n}" + "汉" * 5_000} for n in range(500)]}),
        (says("Yes."), {"context": [{"content": "a", "url": "u" * 6_000_000}]}),
        (says("Yes."), {"instruction": "i" * 6_000_000}),
    ],
    ids=["arguments", "less", "shape", "answer", "passages", "address", "instruction"],
)
def test_no_line_is_too_long(host: Host, reply: list[Step], others: dict[str, Any]) -> None:
    """The daemon would end the process and every run in it."""
    model = Script(reply, says("Done."))
    run = host.run(ask("Go", tool("look"), **others), model=model, tools=BARK)

    assert_clean(run)
    assert_small(run)
    assert run.variables["stop_reason"] == "answered"
