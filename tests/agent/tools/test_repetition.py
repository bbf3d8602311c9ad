"""The same call again."""

from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.tools.repetition import Again, First, Refused, Repeats

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(), JSON, max_size=4)


def test_a_call_runs_is_remembered_and_is_refused() -> None:
    """First it runs, then its result is given again, then it is refused."""
    repeats = Repeats()
    verdicts = [repeats.seen("search", {"q": "x"})]
    repeats = repeats.ran("search", {"q": "x"}, "found")
    verdicts.append(repeats.seen("search", {"q": "x"}))
    repeats = repeats.repeated("search", {"q": "x"})
    verdicts.append(repeats.seen("search", {"q": "x"}))

    assert verdicts == [First(), Again("found"), Refused()]


def test_other_arguments_are_another_call() -> None:
    """Neither another tool nor other arguments count; true is not 1."""
    repeats = Repeats().ran("search", {"q": 1}, "found")

    assert repeats.seen("search", {"q": 2}) == First()
    assert repeats.seen("lookup", {"q": 1}) == First()
    assert repeats.seen("search", {"q": True}) == First()


def test_order_of_keys_and_kind_of_number_make_no_difference() -> None:
    """Dify's daemon sorts keys, and Go turns 1 into 1.0 and back."""
    repeats = Repeats().ran("search", {"a": 1, "b": [{"c": 2, "d": 3}]}, "found")

    assert repeats.seen("search", {"b": [{"d": 3.0, "c": 2}], "a": 1.0}) == Again("found")


def test_a_failing_call_may_be_run_once_more() -> None:
    """A network heals, but not for ever: the second failure is the result."""
    repeats = Repeats().ran("fetch", {}, "timed out", failed=True)
    second = repeats.ran("fetch", {}, "timed out again", failed=True)

    assert repeats.seen("fetch", {}) == First()
    assert second.seen("fetch", {}) == Again("timed out again")
    assert second.repeated("fetch", {}).seen("fetch", {}) == Refused()


def test_a_call_that_heals_gives_its_good_result() -> None:
    """The result of the second run replaces the failure."""
    repeats = Repeats().ran("fetch", {}, "timed out", failed=True).ran("fetch", {}, "page")

    assert repeats.seen("fetch", {}) == Again("page")


@given(st.text(), ARGUMENTS)
def test_every_call_is_known_again(name: str, arguments: dict[str, object]) -> None:
    """Whatever JSON the arguments hold."""
    repeats = Repeats().ran(name, arguments, "result")

    assert repeats.seen(name, dict(reversed(arguments.items()))) == Again("result")
