"""Hides secrets from the logs of a run, which every editor of the app can read.

What stands under a name such as `api_key` is hidden whole; in running text, what looks like a key
or follows such a name is. The model and the tools still get the real thing.
"""

import re

HIDDEN = "[hidden]"

_NAMES = (
    r"api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|secret[-_ ]?key|client[-_ ]?secret|app[-_ ]?key"
    r"|secret|token|password|passwd|passphrase|pwd|authorization|credentials?|set-cookie|cookie"
)
# The end of a name decides: `accessToken` and `db_password` are secrets, `max_tokens` is not.
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAMES}|^auth|[-_]auth)$")
_PAGE_NAME = re.compile(r"(?i)(?:page|cursor|continuation|next|sync)[-_ ]?token$")

_SECRETS = re.compile(
    rf"""
      (?i:(?P<scheme>\b(?:bearer|basic)\s+))[\w.~+/=-]{{8,}}
    | (?i:(?P<name>(?:{_NAMES})["']?\s*[:=]\s*["']?))
        (?!(?i:bearer|basic|null|true|false)\b)(?!\[hidden)[^\s"',;&{{}}\[\]]{{6,}}
    | \b(?:sk|pk|rk|ak|gsk|xai|hf|ghp|gho|ghs|glpat|nvapi|app|xox[abprs])[-_][\w-]{{12,}}
    | \bAIza[\w-]{{20,}}
    | \b(?:AKIA|ASIA|LTAI)\w{{12,}}
    | \beyJ[\w-]{{8,}}\.[\w-]{{4,}}(?:\.[\w-]+)?
    | (?P<login>\b\w{{2,12}}://)[^\s/@:]{{1,80}}:[^\s/@]{{1,200}}(?=@)
    """,
    re.VERBOSE,
)

_PREFIXES = (
    *("sk", "pk", "rk", "ak", "hf", "gsk", "xai", "ghp", "gho", "ghs", "glpat", "nvapi", "app"),
    *("xoxa", "xoxb", "xoxp", "xoxr", "xoxs"),
)
# Each secret holds one of these, and looking for them takes a tenth of what the pattern takes.
_SIGNS = (
    *("key", "secret", "token", "passw", "passphrase", "pwd", "authorization", "credential"),
    *("cookie", "bearer", "basic", "aiza", "akia", "asia", "ltai", "eyj"),
    *(prefix + joint for prefix in _PREFIXES for joint in "-_"),
)
_WORTH_A_LOOK = 64
"""Characters below which the pattern is as fast."""


def is_secret(name: str) -> bool:
    """Tell whether what stands under a name is nobody's business."""
    return bool(_SECRET_NAME.search(name)) and not _PAGE_NAME.search(name)


def masked_text(said: str) -> str:
    """Hide what looks like a secret in running text."""
    # Beyond ASCII the pattern takes other letters for these, such as a long s for an s.
    if len(said) > _WORTH_A_LOOK and said.isascii() and not _may_hold_secrets(said):
        return said
    return _SECRETS.sub(_mask, said)


def _may_hold_secrets(said: str) -> bool:
    low = said.lower()
    return any(sign in low for sign in _SIGNS) or ("://" in low and "@" in low)


def _mask(found: re.Match[str]) -> str:
    kept = found["scheme"] or found["name"] or found["login"] or ""
    return kept + HIDDEN
