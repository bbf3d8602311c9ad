"""Hides secrets from logs, which every editor of the app can read, and from errors.

What stands under a name such as `api_key` is hidden whole; in running text, what looks like a key,
follows such a name or is the password in an address. Results and arguments of tools are never
touched: a model must be able to hand on what it was given.
"""

import re
from functools import lru_cache

HIDDEN = "[hidden]"

_NAMES = (
    r"api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|secret[-_ ]?key|client[-_ ]?secret|app[-_ ]?key"
    r"|secret|token|password|passwd|passphrase|pwd|authorization|credentials?|set-cookie|cookie"
)
# The end of a name decides: `accessToken` and `db_password` are secrets, `max_tokens` is not.
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAMES}|^auth|[-_]auth)$")
_PAGE_NAME = re.compile(r"(?i)(?:page|cursor|continuation|next|sync)[-_ ]?token$")

# What is said of a secret ("password: required", "bearer token expired") is none.
_SAID_OF_SECRETS = (
    r"bearer|basic|null|none|true|false|undefined|required|missing|invalid|incorrect|expired"
    r"|unknown|unexpected|unauthorized|forbidden|revoked|string|number|boolean|object|field|optional"
)

_NO_PAGE = "".join(
    rf"(?<!{word}[-_\ ])" for word in ("page", "next", "sync", "cursor", "continuation")
)

_SECRETS = re.compile(
    rf"""
      (?i:(?P<scheme>\b(?:bearer|basic)\s+))
        (?=[\w.~+/=-]{{0,200}}[\d=]|[\w.~+/-]{{20}})[\w.~+/=-]{{8,}}
    | (?i:(?P<name>{_NO_PAGE}(?:{_NAMES})(?:\ provided)?["']?
        (?:\s*=\s*["']?|:["']?|\s*:\s*["']|\s*:\s*(?=[^\s"',;&{{}}\[\]]{{0,200}}[\d_=.+/*-]))))
        (?!(?i:{_SAID_OF_SECRETS})\b)(?!\[hidden)[^\s"',;&{{}}\[\]]{{5,}}[^\s"',;&{{}}\[\].]
    | \b(?:sk|pk|rk|ak|gsk|xai|hf|ghp|gho|ghs|glpat|nvapi|app|xox[abprs])[-_][\w-]{{12,}}
    | \bAIza[\w-]{{20,}}
    | \b(?:AKIA|ASIA|LTAI)\w{{12,}}
    | \beyJ[\w-]{{8,}}\.[\w-]{{4,}}(?:\.[\w-]+)?
    | (?P<login>\b\w{{2,12}}://[^\s/@:]{{0,80}}:)[^\s/]{{1,200}}(?=@)
    """,
    re.VERBOSE,
)

_PREFIXES = (
    *("sk", "pk", "rk", "ak", "hf", "gsk", "xai", "ghp", "gho", "ghs", "glpat", "nvapi", "app"),
    *("xoxa", "xoxb", "xoxp", "xoxr", "xoxs"),
)
# Looking for what every secret holds takes a tenth of what the pattern takes.
_NEAR = (
    *("key", "secret", "token", "passw", "passphrase", "pwd", "authorization", "credential"),
    *("cookie", "bearer", "basic", "eyj"),
)
_BEGINNINGS = (
    *("aiza", "akia", "asia", "ltai"),
    *(prefix + joint for prefix in _PREFIXES for joint in "-_"),
)
_SHORTEST = 15
"""Characters of the shortest key that is known by its beginning alone: `sk-` and twelve."""
_RUN = b"w" * _SHORTEST
_WORDS = bytes(
    ord("w") if byte >= 0x80 or chr(byte).isalnum() or chr(byte) in "-_" else 0  # noqa: PLR2004 (the end of ASCII)
    for byte in range(256)
)


@lru_cache(maxsize=1_024)
def is_secret(name: str) -> bool:
    """Tell whether what stands under a name is nobody's business."""
    return bool(_SECRET_NAME.search(name)) and not _PAGE_NAME.search(name)


def redacted(said: str) -> str:
    """Hide what looks like a secret in running text."""
    return _SECRETS.sub(_mask, said) if _may_hold_secrets(said) else said


def _may_hold_secrets(said: str) -> bool:
    low = said.lower() if said.isascii() else _folded(said)
    for sign in _NEAR:
        if sign in low:
            return True
    if "://" in low and "@" in low:
        return True
    if _RUN not in low.encode("utf-8", "surrogatepass").translate(_WORDS):
        return False
    return any(sign in low for sign in _BEGINNINGS)


def _folded(said: str) -> str:
    """Take for a letter what the pattern takes for it: a long s, a dotless i, a dotted I."""
    return said.replace("\u0130", "i").casefold().replace("\u0131", "i")


def _mask(found: re.Match[str]) -> str:
    kept = found["scheme"] or found["name"] or found["login"] or ""
    return kept + HIDDEN
