"""Whether a text is the address of a web server, before anything is asked of it."""

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Whether this is http:// or https:// with a host and, if one is given, a port."""
    if any(character.isspace() for character in text):
        return False
    try:
        parts = urlsplit(text)
        # The port is read only when it is asked for.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
