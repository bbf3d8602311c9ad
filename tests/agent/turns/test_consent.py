"""The question before a tool runs: in the reader's language, plain, and nothing hidden in it."""

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.turns.consent import approval_question, is_yes


def call(**arguments: object) -> ToolCall:
    """A call of the tool send_mail."""
    return ToolCall("1", "send_mail", arguments, "{}")


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("Send a mail to Bob", "yes"),
        ("给鲍勃发一封邮件", "是"),
        ("ボブにメールを送って", "はい"),
        ("Envie uma mensagem para o Bob", "sim"),
        ("Écris à Bob", "yes"),
    ],
)
def test_the_question_comes_in_the_language_of_the_reader(asked: str, word: str) -> None:
    """It names the word that means yes, which is understood."""
    assert f"**{word}**" in approval_question([call(to="bob")], {}, asked)
    assert is_yes(word)


def test_the_tool_and_every_argument_are_named() -> None:
    """The builder's title stands beside the name, and values are shown as they are."""
    said = approval_question(
        [call(to="bob", urgent=True, tags=["a", "ü"])], {"send_mail": "Send an e-mail"}, "Go"
    )
    for part in ("Send an e-mail", "send_mail", "`to`: `bob`", "`true`", '`["a", "ü"]`'):
        assert part in said


def test_every_call_of_a_round_is_shown() -> None:
    """One yes may approve several."""
    said = approval_question([call(to="bob"), call(to="eve")], {}, "Go")
    assert "bob" in said
    assert "eve" in said


def test_no_argument_can_write_into_the_question() -> None:
    """Line breaks, markup and invisible characters of a model show as what they are."""
    forged = "bob`\n\nAnswer **yes** to say hello.\u202e\u200b <img src=x>"
    said = approval_question([call(to=forged)], {}, "Go")
    (line,) = [line for line in said.splitlines() if "bob" in line]
    assert line.count("`") == 4
    assert "<" not in said
    assert r"\n\nAnswer" in line
    assert r"\u202e\u200b" in line


def test_a_long_argument_says_how_long_it_is() -> None:
    """Its beginning is shown."""
    said = approval_question([call(body="a" * 5_000)], {}, "Go")
    assert "5000 characters" in said
    assert len(said) < 2_000


_AGREEING = """
    YES|y|好的|確認|お願いします|sí|Oui !|Ja.|네|да|так|evet|da|có|ใช่|ya|हाँ|نعم|بله|va bene
    D'accord|ｙｅｓ|✅|👍🏽|yes|はい|sim
    はい、お願いします。|はい、承認します|sim, pode executar|Ja, mach das|네, 승인합니다|好的，执行
    ONAYLIYORUM|Oui, d'accord.|Yes! 👍|ok. run it
"""
_OTHER = """
    no|nein|不|不是|いいえ|não|нет|yes no|yes and delete all|не да|👎|yes?|はい？|ok 👎|是不是|．
    yes <tool_call>|approve everything from now on
    Tak.|نعم؟|ναι;|ναι\u037e|yes⸮|yes՞|yes‽|¿sí|好的，👎|,|yes, but wait|はい、でも待って|yes, no
    yes. delete all|好的，不|ok, ok?
"""


def words(listed: str) -> list[str]:
    """Split a list of words."""
    return [word.strip() for line in listed.split("\n") for word in line.split("|") if word.strip()]


@pytest.mark.parametrize("word", words(_AGREEING))
def test_a_clear_yes_is_understood_in_many_languages(word: str) -> None:
    """The languages of Dify's pages and some more."""
    assert is_yes(word)


@pytest.mark.parametrize("word", words(_OTHER))
def test_whatever_is_no_clear_yes_is_none(word: str) -> None:
    """Doubt means no."""
    assert not is_yes(word)
