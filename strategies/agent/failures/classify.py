"""What can go wrong in a run, in two families, and the sorting of a model's failure.

    repaired by the model: values that become the call's result, and the run goes on
        BrokenCall, FormatError   a call that cannot be read (strategies/protocols/base.py)
        unknown tool, bad arguments
        ToolOutcome.error         the tool failed, or took longer than it may
    ends the run, once every remedy (recovery.py) has failed
        ModelFailure              why a model call failed, sorted by what may help
        RunFailed (events.py)     the one sentence for the reader, no traceback

What a model call raises is text, with the names and statuses that were given to it on the way.
`classify` sorts it once, at the boundary; nobody else reads error texts.
"""

import re
from dataclasses import dataclass
from typing import Literal

from strategies.agent.failures.error_text import bounded, seconds_to_wait, sentence
from strategies.agent.interface.ports import ModelError

type FailureKind = Literal[
    "transient",  # 429, 5xx, overload, connection, timeout, a cut stream: the same call may work
    "context_too_long",  # a shorter prompt may work
    "vision_refused",  # the call may work without its pictures, sound and files
    "silent",  # it did not begin, or stopped in the middle: another model may answer
    "tools_refused",  # the call may work without native tools
    "authorisation",  # the key, the account or its credit: only its owner can help
    "bad_request",  # the same call will fail again
    "unknown",  # nothing of the above is known of it: not worth a second try
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFailure:
    """Why one model call failed."""

    kind: FailureKind
    message: str
    """One sentence for the reader, at most 300 characters, without secrets."""
    retry_after: float | None = None
    """Seconds that the provider asks to wait; only ever set on a transient failure."""
    context_size: int | None = None
    """Tokens of the model's window, when the provider says it of a prompt that is too long."""


def classify(error: ModelError) -> ModelFailure:
    """Sort a failed model call; never raises, whatever its text."""
    text = bounded(str(error))
    kind = _kind(text, error)
    return ModelFailure(
        kind=kind,
        message=_message(text),
        retry_after=seconds_to_wait(text) if kind == "transient" else None,
        context_size=_stated_window(text) if kind == "context_too_long" else None,
    )


def _message(text: str) -> str:
    for pattern, plain in _PLAIN_WORDS:
        if pattern.search(text):
            return plain
    return sentence(text) or "The model failed without saying why."


def _stated_window(text: str) -> int | None:
    found = _WINDOW.search(text)
    return int(found[1].replace(",", "")) if found else None


def _kind(text: str, error: ModelError) -> FailureKind:
    """Go from what is certain to what is guessed.

    Own words of a provider come before its status, because gateways and model plugins hand out
    wrong ones (Tongyi: a prompt too long is "Server Unavailable Error"; Gemini: a wrong key is
    400), and the status comes before stray words such as "timed out".
    """
    for kind, pattern in _CERTAIN_WORDS:
        if pattern.search(text):
            return kind
    if _OUT_OF_CREDIT.search(text) and not _comes_back(text):
        return "authorisation"
    by_status = _by_status(text, error.statuses)
    return by_status or _by_words(text) or _by_type(error.types) or "unknown"


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_MEDIA = r"(?:images?|image_url|vision|visual|audio|video|multi-?modal\w*|pictures?|pdf|documents?)"

_CERTAIN_WORDS: tuple[tuple[FailureKind, re.Pattern[str]], ...] = (
    (
        "context_too_long",
        _words(
            r"context[_ ]length[_ ]exceeded",
            r"maximum (?:context|prompt) length",
            r"(?:prompt|input|query|request|message)s?(?: or prefix prompt)? (?:is|are) too long",
            r"input length.{0,40}(?:exceed|too long|maximum)",
            r"range of input length should be",
            r"exceeds? (?:the )?(?:\w+ ){0,3}context",
            r"context (?:size|window|length|limit)\b.{0,40}(?:exceed|overflow|not enough)",
            r"context the overflows",
            r"exceeded model token limit",
            r"exceeded max_prompt_tokens",
            r"must be less than max_seq_len",
            r"input token count.{0,40}exceeds",
            r"tokens \+ .?max_(?:new_)?tokens.{0,8} must be",
            r"total (?:message )?tokens?\b.{0,40}exceed (?:model limit|max message)",
            r"request too large for",  # 429, but it names a size that no waiting changes
            r"prompt exceeds max length",
            r"(?:reduce|shorten) (?:the )?(?:length of )?(?:the |your )?(?:input )?"
            r"(?:messages|prompt|input)\b",
            r"string_above_max_length",
            r"(?:payload|request entity|request body) too large",
            r"[\"']token limit[\"']",  # MiniMax 1039 says no more than that
            r"(?:上下文|输入|提示词|prompt|请求)\s*(?:的)?(?:长度|token数?|内容)?.{0,8}"
            r"(?:超长|过长|超过|超出)",
            r"(?:超过|超出).{0,12}(?:上下文|输入长度|最大长度|最大\s*token)",
        ),
    ),
    (
        "vision_refused",
        _words(
            rf"\b(?:do|does|did)(?:n't| not) support (?:the )?(?:[\w-]+ ){{0,3}}{_MEDIA}\b",
            rf"{_MEDIA}(?: \w+){{0,2}} (?:is|are) (?:not|only) supported",
            rf"unknown variant .{{0,4}}{_MEDIA}",
            rf"unsupported (?:content|input|part|message)?\s*(?:type|format)?\W{{0,4}}{_MEDIA}\b",
            rf"(?:no endpoints found|not?) (?:that )?support {_MEDIA}\b",
            r"is not a (?:multimodal|vision) model",
            r"at most 0 (?:image|audio|video)",
            rf"(?:failed|unable) to (?:download|fetch|load|process|decode|read) (?:the )?{_MEDIA}",
            r"could not process image",
            r"illegal base64 data",  # Ollama, given the address of a picture
            r"content\b.{0,40}(?:must|should) be a (?:valid )?string",
            r"不支持.{0,6}(?:图片|图像|视觉|多模态|音频|视频|image|vision)",
        ),
    ),
    (
        "tools_refused",
        _words(
            r"\b(?:do|does|did)(?:n't| not) support (?:[\w-]+ ){0,2}"
            r"(?:tools?|functions?)(?:[ _-]\w+)?\b",
            r"(?:tools?|functions?)(?:[ _-](?:calls?|calling|use|choice|messages?))?.{0,3} "
            r"(?:is|are) not supported",
            r"support tool (?:use|calls?|calling)",
            r"tool[ _]choice.{0,10} requires --enable",
            r"tools param requires",
            r"(?:unrecognized|unknown|unexpected|unsupported).{0,40}\b(?:tools|tool_choice)\b",
            r"不支持.{0,6}(?:工具|函数|function|tool)",
        ),
    ),
    (
        "bad_request",
        _words(
            r"DataInspectionFailed",
            r"inappropriate content",
            r"content[ _](?:filter|policy|management)",
            r"敏感|违规|不安全的?内容",
        ),
    ),
    (
        "authorisation",
        _words(
            r"incorrect model credentials",
            r"(?:invalid|incorrect|wrong|missing|expired).{0,12}(?:api|access)[ _-]?key",
            r"api[ _-]?key.{0,24}(?:invalid|incorrect|not valid|expired|missing|required)",
            r"(?:invalid|failed|no) authentication|authentication[ _](?:failed|error)",
            r"credentials?\b.{0,24}not (?:been )?(?:initialized|provided|set)",
            r"\bunauthori[sz]ed\b|permission[_ ]denied|access ?denied",
            r"鉴权失败|身份验证失败|认证失败|无效的?(?:令牌|密钥|api)|令牌.{0,6}(?:过期|无效)",
        ),
    ),
)

_WINDOW = re.compile(
    r"(?:max(?:imum)?|model'?s?) (?:\w+ ){0,2}?(?:context|prompt|input)[ _](?:length|size|window)"
    r"[^\d.]{0,24}(\d[\d,]{2,9})\b",
    re.IGNORECASE,
)

_OUT_OF_CREDIT = _words(
    r"insufficient[_ ](?:quota|balance|credits?|funds)",
    r"exceeded[_ ](?:your )?current[_ ]quota",
    r"quota (?:is |has been |for .{1,80} has been )?(?:exceeded|exhausted|used up)",
    r"(?:exceeded|exhausted).{0,20}free (?:tier|quota)|FreeTierOnly|free tier.{0,40}exhausted",
    r"credit balance is too low|out of credits|billing (?:hard )?limit",
    r"Arrearage|AccountOverdue|overdue[- ]payment|in arrears",
    r"余额不足|欠费|额度(?:已)?(?:不足|用[完尽])|充值|可用资源包",
)


def _comes_back(text: str) -> bool:
    """Tell a quota of the minute (Gemini, Tongyi) from an account that is used up."""
    if re.search(r"\blimit:\s*0\b", text):
        return False
    return seconds_to_wait(text) is not None or bool(re.search(r"Throttling\.", text))


# A status is a number in the place of a status. "limit 429 tokens" has none.
_STATUS = re.compile(
    r"""(?ix)
      (?: \bstatus(?:[ _-]?code)? | \bhttp(?:/\d(?:\.\d)?)? | \berror(?:[ _]code)?
        | \bcode | \bresponse | \bapi\ error | \bprovider )
      ["']? \s* [:=]? \s* ["'<(\[]? ([45]\d\d) \b
      (?! [.,]\d | \s*(?:tokens?|characters?|chars|items|bytes|[km]?b|ms|m?s|seconds?|times)\b )
    | ^\W* ([45]\d\d) \b (?= \s*(?:[-:{(\[]|$|[^\W\d]) )
      (?! \s*(?:tokens?|characters?|chars|items|bytes|[km]?b|ms|m?s|seconds?|times)\b )
    | <([45]\d\d)>
    | \( ([45]\d\d) \)
    | \b ([45]\d\d) \s+ (?: bad\ request | unauthorized | forbidden | not\ found | conflict
        | payload\ too\ large | unprocessable | too\ many\ requests | internal\ server\ error
        | bad\ gateway | service\ (?:temporarily\ )?unavailable | gateway\ time-?out
        | server\ error | client\ error )
    """
)
_PASSING_STATUSES = frozenset({408, 409, 425, 429})


def _by_status(text: str, of_layers: tuple[int, ...]) -> FailureKind | None:
    said = [int(next(filter(None, found))) for found in _STATUS.findall(text)]
    statuses = said or of_layers
    client = next((status for status in statuses if status < 500), None)  # noqa: PLR2004 (HTTP)
    if client is not None:
        return _CLIENT_KINDS.get(client, "bad_request")
    if _WILL_FAIL_AGAIN.search(text):
        return "bad_request"
    return "transient" if statuses else None


_CLIENT_KINDS: dict[int, FailureKind] = {
    **dict.fromkeys(_PASSING_STATUSES, "transient"),
    401: "authorisation",
    402: "authorisation",
    403: "authorisation",
    413: "context_too_long",
}
_WILL_FAIL_AGAIN = _words(
    r"model.{0,80}(?:not (?:found|exist)|does ?n[o']t exist|is disabled|unsupported)",
    r"(?:unknown|unsupported|invalid) model",
    r"invalid[_ ](?:request|parameter|argument)",
    r"InvalidParameter|validation error",
    r"模型.{0,12}(?:不存在|未开通|已下线)",
)
_PASSING_WORDS = _words(
    r"rate.?limit|too many requests|throttl|overload|\bcapacity\b|concurren",
    r"server is busy|temporarily unavailable|service.{0,3}unavailable|try again later",
    r"timed?[- ]?out|ReadTimeout|deadline exceeded",
    r"connection.{0,12}(?:error|reset|refused|abort|closed|broken|lost)|broken pipe",
    r"closed (?:network )?connection|(?:remote end|peer) closed",
    r"incomplete (?:chunked )?read|server disconnected|\bEOF\b|premature",
    r"bad gateway|gateway time|no available node|no healthy upstream|upstream connect",
    r"dial tcp|no such host|name resolution|unreachable|could not connect",
    r"max retries exceeded|ssl.{0,8}eof",
    r"internal (?:server )?error|resource (?:has been )?exhausted",
    r"稍后(?:再|重)?试|过于频繁|速率限制|访问量过大|并发|限流|繁忙|超时|网络(?:错误|异常)|系统错误",
)


def _by_words(text: str) -> FailureKind | None:
    if _PASSING_WORDS.search(text):
        return "transient"
    return "bad_request" if _WILL_FAIL_AGAIN.search(text) else None


def _by_type(types: tuple[str, ...]) -> FailureKind | None:
    """Trust the innermost name, and only when the words say nothing: plugins often misname."""
    for name in reversed(types):
        for ending, kind in _TYPE_ENDINGS:
            if name.endswith(ending):
                return kind
    return None


_TYPE_ENDINGS: tuple[tuple[str, FailureKind], ...] = (
    ("RateLimitError", "transient"),
    ("ServerUnavailableError", "transient"),
    ("ServiceUnavailableError", "transient"),
    ("ConnectionError", "transient"),
    ("ConnectError", "transient"),
    ("ProtocolError", "transient"),
    ("Timeout", "transient"),
    ("TimeoutError", "transient"),
    ("InternalServerError", "transient"),
    ("ChunkedEncodingError", "transient"),
    ("AuthorizationError", "authorisation"),
    ("AuthenticationError", "authorisation"),
    ("PermissionDeniedError", "authorisation"),
    ("CredentialsValidateFailedError", "authorisation"),
    ("BadRequestError", "bad_request"),
    ("NotFoundError", "bad_request"),
    ("ValidationError", "bad_request"),
)

_PLAIN_WORDS = (
    (
        _words(
            r"closed network connection|incomplete chunked read|peer closed connection",
            r"unexpected EOF|Connection aborted|Connection reset by peer|RemoteDisconnected",
        ),
        "The connection broke while the model was answering.",
    ),
    (
        _words(
            r"dial tcp|connect: connection refused|\[Errno 111\]|Max retries exceeded with",
        ),
        "The model's server could not be reached.",
    ),
)
"""What only makers of servers understand, in plain words."""
