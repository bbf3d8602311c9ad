"""Text that hides or forges what stands behind it."""

import pytest

from strategies.agent.turns.consent import may_mislead


@pytest.mark.parametrize(
    "shown",
    [
        "A joke?\n\n<!--",
        '<button data-message="yes">Tell me a joke</button>',
        "<DETAILS><summary>More</summary>",
        "<style>p {display: none}",
        '<span style="display:none">',
        "<p\nhidden>",
        "<x:// hidden>",
        "[Tell me a joke](abbr:yes)",
        "[Tell me a joke][1]\n\n[1]: <abbr:yes>",
        "[Tell me a joke](&#97;bbr:yes)",
    ],
)
def test_what_hides_or_clicks_is_noticed(shown: str) -> None:
    """Whatever Dify's page makes a comment, a control or a message of."""
    assert may_mislead(shown)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "2 < 3, a <- b and c <= d",
        "I write to <bob@example.com> of <https://example.com/a>.<br>",
        "See [the page](https://example.com?a=1&b=2).<br />",
        "H<sub>2</sub>O, a `List<String>` and a &lt;!-- in words",
    ],
)
def test_usual_words_are_none_of_it(shown: str) -> None:
    """The reader is asked as always."""
    assert not may_mislead(shown)
