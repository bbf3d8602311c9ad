"""Which calls are the same."""

from collections.abc import Mapping

from strategies.protocols.base import Call
from strategies.protocols.json.same_call import call_key, is_same_call


def test_equal_json_is_the_same_call() -> None:
    """Order of keys and 1 against 1.0 make no difference; true is no 1."""

    def written(**arguments: object) -> str:
        return call_key("t", arguments)

    nested: Mapping[str, object] = {"x": [1.0, {"y": 2}]}

    assert written(a=1, b=2) == written(b=2.0, a=1)
    assert call_key("t", nested) == written(x=[1, {"y": 2.0}])
    assert written(a=1) != written(a=True)
    assert written(a="1") != written(a=1)


def test_calls_are_the_same_by_their_tool_and_their_arguments() -> None:
    """Python takes true for 1; JSON does not."""

    def call(name: str, **arguments: object) -> Call:
        return Call(name=name, arguments=arguments)

    assert is_same_call(call("t", a=1, b=2), call("t", b=2.0, a=1))
    assert not is_same_call(call("t", a=1), call("t", a=True))
    assert not is_same_call(call("t", a=1), call("t", a=2))
    assert not is_same_call(call("t", a=1), call("u", a=1))
