"""What was made of a value is made once."""

from strategies.agent.prompt.memo import Memo


def test_each_object_is_made_something_of_once() -> None:
    """Equal ones are different objects, and the order is that of the values."""
    asked: list[tuple[str, ...]] = []

    def write(value: tuple[str, ...]) -> str:
        asked.append(value)
        return "".join(value)

    kept = Memo(write)
    one, other, third = tuple("ab"), tuple("ab"), tuple("c")

    assert kept.all([one, other]) == ["ab", "ab"]
    assert kept.all([third, other, one, one]) == ["c", "ab", "ab", "ab"]
    assert [value is each for value, each in zip(asked, (one, other, third), strict=True)] == [
        True
    ] * 3


def test_what_is_not_asked_for_is_forgotten() -> None:
    """A run that folds its conversation must not keep all that it ever held."""
    asked: list[str] = []

    def measure(value: str) -> int:
        asked.append(value)
        return len(value)

    kept = Memo(measure)
    text = "some text"
    kept.all([text, "other"])
    kept.all(["another", "other"])

    assert kept.all([text, "other"]) == [9, 5]
    assert asked == [text, "other", "another", text]
