"""Asking the reader before a tool runs, and understanding the answer, without asking a model.

Nothing that a tool or a model says can agree in the reader's place: the answer is read from the
reader's own message, or from a parameter of the builder's.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.language import HAN, KANA

_VALUE_LENGTH = 1_000
"""Characters of one argument that are shown."""

_HARMLESS = str.maketrans({"`": "ˋ", "<": "\uff1c"})
"""For what could be markup, what looks like it."""

_APPROVE, _REJECT = "approve", "reject"

_PORTUGUESE = re.compile(
    r"[ãõ]|\b(?:você|vocês|uma|quais|meu|minha|obrigad[oa]|isso|envie|faça|pel[oa])\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentences:
    before: str
    after: str
    shortened: str


_SENTENCES = {
    "en": _Sentences(
        before="I need your approval before I go on. I would like to run:",
        after="Answer **yes** to run this. Any other answer means no.",
        shortened="… ({count} characters in all)",
    ),
    "zh": _Sentences(
        before="继续之前需要你的同意。我想运行：",
        after="回复**是**即运行。其他任何回复都视为不同意。",
        shortened="……（共 {count} 个字符）",
    ),
    "ja": _Sentences(
        before="続ける前に承認が必要です。次を実行しようとしています：",
        after="実行してよければ**はい**と返信してください。それ以外の返信は「いいえ」とみなします。",
        shortened="…（全 {count} 文字）",
    ),
    "pt": _Sentences(
        before="Preciso da sua aprovação antes de continuar. Quero executar:",
        after="Responda **sim** para executar. Qualquer outra resposta significa não.",
        shortened="… ({count} caracteres ao todo)",
    ),
}

# One line for each language that Dify's own pages know, and some more. Only what can mean nothing
# else is here: a word too few asks again, a word too many runs a tool.
_YES = """
    yes|y|yes please|yes do it|yes go ahead|yeah|yep|ok|okay|sure|approve|approved|i approve|confirm
    confirmed|i confirm|go ahead|do it|agree|agreed|i agree|run it|please do
    是|是的|好|好的|好吧|可以|行|同意|我同意|确认|確認|批准|允许|执行|執行|运行|對|对|没问题
    はい|ええ|うん|お願いします|はいお願いします|承認|承認します|許可|許可します|実行|実行して
    実行してください|いいですよ|オーケー
    sim|sim por favor|claro|pode|pode sim|pode executar|aprovo|aprovado|confirmo|concordo
    sí|si|sí por favor|si por favor|vale|de acuerdo|apruebo|aprobado|adelante|confirmado|hazlo
    oui|oui s il vous plaît|d accord|j approuve|j accepte|confirmé|vas y|allez y
    ja|ja bitte|jawohl|einverstanden|genehmigt|bestätigt|mach das|in ordnung|ja graag|akkoord
    sì|sì grazie|va bene|d accordo|confermo|approvo|approvato|procedi
    네|예|응|그래|좋아|좋아요|승인|승인합니다|동의|동의합니다|확인|실행해|실행해 주세요
    да|да пожалуйста|хорошо|согласен|согласна|подтверждаю|одобряю|выполняй
    так|згоден|згодна|підтверджую|tak proszę|dobrze|zgoda|zgadzam się|potwierdzam|zatwierdzam
    evet|tamam|onaylıyorum|onayliyorum|onayla|olur
    da|de acord|sunt de acord|aprob|potrjujem|strinjam se
    ya|iya|setuju|saya setuju|boleh|lanjutkan|có|vâng|đồng ý|tôi đồng ý|được
    ใช่|ตกลง|ได้|ได้เลย|อนุมัติ|ยืนยัน|हाँ|हां|जी हाँ|जी हां|ठीक है|मंज़ूर है|स्वीकार है
    نعم|أجل|موافق|أوافق|بله|آره|تأیید|موافقم|כן|מאשר|מאשרת
    ano|áno|souhlasím|igen|rendben|joo|kyllä|ναι
"""

_MARKUP = re.compile(
    r"""
      <[!?]                                  # a comment or a declaration
    | <(?:button|form|details|summary|dialog|style|template|script|noscript|input|select|option
        |textarea|iframe|title|svg|math|xmp|plaintext|object|video|audio|canvas|datalist|noembed
        |noframes|frameset|head|think)\b
    | <(?!\w+://[^\s<>]+>)[a-z][\w:-]*[\s/]+[^\s/>]  # a tag with attributes, and no plain address
    | \]\(\s*<?(?:abbr|&|\\)                 # a link that sends a message
    | \]:\s*<?(?:abbr|&|\\)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Markup that could hide or forge what is shown behind it."""

_SIGNS = dict.fromkeys(map(ord, "👍✅👌"))
"""Signs that agree, alone or beside a word; any other sign makes it no clear yes."""
_PARTS = re.compile(r"[,.!:、。，！：،।\n]")
"""What stands between the parts of a message; each must agree."""
_ASKING = ("QUESTION", "INTERROBANG")
"""Words in the names of the characters that end a question in some script."""
_SAYING = frozenset({"Ll", "Lu", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "So", "Sm"})


def approval_question(calls: Sequence[ToolCall], titles: Mapping[str, str], asked: str) -> str:
    """Write the question whether calls may run, in the language in which the reader asked.

    Args:
        calls: what would run.
        titles: what the builder calls the tools, by the names that the model knows.
        asked: the reader's last message.
    """
    sentences = _SENTENCES[_language(asked)]
    told = [_told(call, titles.get(call.name, call.name), sentences) for call in calls]
    return "\n\n".join([sentences.before, "\n".join(told), sentences.after])


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of the calls that the turn before asked about."""

    approved: tuple[ToolCall, ...] = ()
    rejected: tuple[ToolCall, ...] = ()


def decide(calls: Sequence[ToolCall], message: str, approval: object) -> Decided:
    """Read the answer to a question about these calls; what is no clear yes is a no.

    Args:
        calls: what was asked about.
        message: the reader's next message.
        approval: the builder's parameter: `approve`, `reject`, or one of them for each call's id,
            as an object or as JSON text of one. Blank leaves it to the message.
    """
    words = _told_by(approval)
    if words is None:
        agreed = {call.id: is_yes(message) for call in calls}
    elif isinstance(words, str):
        agreed = dict.fromkeys((call.id for call in calls), words == _APPROVE)
    else:
        agreed = {call.id: words.get(call.id) == _APPROVE for call in calls}
    return Decided(
        approved=tuple(call for call in calls if agreed[call.id]),
        rejected=tuple(call for call in calls if not agreed[call.id]),
    )


def may_mislead(shown: str) -> bool:
    """Tell whether a text may hide a question behind it, or answer it when it is clicked.

    Dify renders what the model has written as Markdown with raw HTML: a comment that is never
    closed swallows the question, and a button, or a link of Dify's own kind (`abbr:yes`), sends an
    answer in the reader's name under any label. Code fences do no harm: they are closed before what
    follows.
    """
    return bool(_MARKUP.search(shown))


def is_yes(message: str) -> bool:
    """Tell whether a message is nothing but a clear yes."""
    if _is_question(message) or not _words(message):
        return False
    return _agrees(message) or all(map(_agrees, _PARTS.split(message)))


def _told_by(approval: object) -> str | Mapping[str, str] | None:
    if isinstance(approval, bool):
        return _APPROVE if approval else _REJECT
    if isinstance(approval, str):
        said = approval.strip()
        if not said.startswith("{"):
            return said.casefold() or None
        try:
            approval = cast("object", json.loads(said))
        except (ValueError, RecursionError):
            return _REJECT
    if isinstance(approval, Mapping):
        named = cast("Mapping[str, object]", approval)
        return {call_id: str(word).strip().casefold() for call_id, word in named.items()} or None
    return None if approval is None else _REJECT


def _agrees(part: str) -> bool:
    said = _words(part).translate(_SIGNS).strip()
    return not said or said in _KNOWN


def _is_question(message: str) -> bool:
    # Greek keyboards write a question mark as a semicolon.
    return ";" in message or any(
        word in unicodedata.name(one, "") for one in message for word in _ASKING
    )


def _language(asked: str) -> str:
    if KANA.search(asked):
        return "ja"
    if HAN.search(asked):
        return "zh"
    return "pt" if _PORTUGUESE.search(asked) else "en"


def _told(call: ToolCall, title: str, sentences: _Sentences) -> str:
    names = (
        f"**{_code(title)}**" if title == call.name else f"**{_code(title)}** ({_code(call.name)})"
    )
    arguments = [
        f"  - {_code(name)}: {_code(_value(value, sentences))}"
        for name, value in call.arguments.items()
    ]
    return "\n".join([f"- {names}", *arguments])


def _value(value: object, sentences: _Sentences) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(said) <= _VALUE_LENGTH:
        return said
    return said[:_VALUE_LENGTH] + sentences.shortened.format(count=len(said))


def _code(said: str) -> str:
    """Write text so that it shows what it is: no markup works in it, and nothing is invisible."""
    shown = "".join(_visible(character) for character in said).translate(_HARMLESS)
    return f"`{shown}`" if shown.strip() else '`""`'


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "C" or category in {"Zl", "Zp"}:
        return json.dumps(character)[1:-1]
    return character


def _words(said: str) -> str:
    """Keep letters and signs, in small letters, with single blanks between."""
    folded = unicodedata.normalize("NFKC", said).casefold()
    kept = (one if unicodedata.category(one) in _SAYING else " " for one in folded)
    return " ".join("".join(kept).split())


_KNOWN = frozenset(_words(word) for line in _YES.split("\n") for word in line.split("|")) - {""}
