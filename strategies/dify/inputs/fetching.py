"""Reading a file's content from the URL that Dify signed for it."""

import time
from collections.abc import Callable

import httpx

_SECONDS = 10.0
_HIGHEST = 2_400_000
_OK = 200
_WEB = ("http://", "https://")


class FetchError(Exception):
    """A file could not be read; the text is one sentence, without the URL, which is signed."""


def fetch_file(
    url: str,
    *,
    seconds: float = _SECONDS,
    highest: int = _HIGHEST,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Read a file of at most `highest` bytes within `seconds`.

    Raises:
        FetchError: it is not there, too large, too slow, or its URL cannot be used.
    """
    if not url.lower().startswith(_WEB):
        raise FetchError(
            "Dify gave no web address for it: set FILES_URL or INTERNAL_FILES_URL in Dify's .env."
        )
    try:
        return _read(url, clock() + seconds, seconds, highest, clock)
    except httpx.TimeoutException:
        raise FetchError(f"It could not be read within {seconds:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise FetchError(f"It could not be read: {_told(error, url)}.") from None


def _read(
    url: str, deadline: float, seconds: float, highest: int, clock: Callable[[], float]
) -> bytes:
    content = bytearray()
    with httpx.stream("GET", url, timeout=seconds, follow_redirects=True) as response:
        if response.status_code != _OK:
            raise FetchError(f"The server that keeps it answered {response.status_code}.")
        for piece in response.iter_bytes():
            content += piece
            if len(content) > highest:
                raise FetchError(f"It is larger than {highest:,} bytes.")
            # httpx's timeout is that of one read; a trickle would never reach it.
            if clock() > deadline:
                raise FetchError(f"It could not be read within {seconds:g} s.")
    return bytes(content)


def _told(error: Exception, url: str) -> str:
    said = " ".join(str(error).replace(url, "its URL").split()).rstrip(".")
    return said or type(error).__name__
