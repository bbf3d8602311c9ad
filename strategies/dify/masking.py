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


def is_secret(name: str) -> bool:
    """Tell whether what stands under a name is nobody's business."""
    return bool(_SECRET_NAME.search(name)) and not _PAGE_NAME.search(name)


def masked_text(said: str) -> str:
    """Hide what looks like a secret in running text."""
    return _SECRETS.sub(_mask, said)


def _mask(found: re.Match[str]) -> str:
    kept = found["scheme"] or found["name"] or found["login"] or ""
    return kept + HIDDEN
