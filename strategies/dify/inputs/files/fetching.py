"""Reading a file's content from its address: Dify's own, or a public one.

The host is resolved here, every address that it has is checked, and the connection goes to one of
the addresses that were checked: a name that answers differently the next time gains nothing. A
redirect is a new address and checked like the first. No proxy of the environment stands in between,
because a proxy would resolve the name again. A read ends in time, however slowly a server sends.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, override

import httpcore
import httpx

from strategies.dify.inputs.files.addresses import (
    PORTS,
    DifyFiles,
    is_public,
    looks_signed,
    port_of,
)

HIGHEST = 2_400_000
"""Bytes of one file."""
_SECONDS = 10.0
"""For one file."""
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_GONE = frozenset({401, 403, 404, 410})
_FAULTS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)


class FetchError(Exception):
    """A file could not be read; the text is one sentence, without the URL, which is signed."""


class GoneError(FetchError):
    """The server that keeps a file says that it is not to be had, or no longer."""


class Network:
    """What a reader needs of the net."""

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return all IP addresses of a host; raises OSError when there are none."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise OSError("it is not the name of a host") from None
        return list(dict.fromkeys(str(place[0]) for *_, place in found))

    def connect(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        """Open a connection to an IP address."""
        return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


class FileReader:
    """Reads the files of one run, several at a time."""

    def __init__(
        self,
        dify: DifyFiles,
        *,
        seconds: float,
        network: Network | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the seconds that all files together may take, from now on."""
        self._dify = dify
        self._network = network or Network()
        self._clock = clock
        self._deadline = clock() + seconds

    @property
    def seconds_left(self) -> float:
        """How long files may still be read."""
        return max(self._deadline - self._clock(), 0.0)

    def read(self, url: str, *, highest: int = HIGHEST, seconds: float = _SECONDS) -> bytes:
        """Read a file of at most `highest` bytes within `seconds`.

        Raises:
            FetchError: it is not there, too large, too slow, or its address must not be read.
        """
        seconds = min(seconds, self.seconds_left)
        deadline = self._clock() + seconds
        try:
            return self._read(_parsed(url), deadline, highest)
        except httpcore.TimeoutException:
            raise FetchError(f"It could not be read within {seconds:.2g} s.") from None
        except _FAULTS as error:
            raise FetchError(f"It could not be read: {_told(error)}.") from None

    def is_gone(self, url: str) -> bool:
        """Tell whether a file's server says that it is not to be had, without reading it."""
        try:
            self.read(url, highest=0)
        except GoneError:
            return True
        except FetchError:
            pass
        return False

    def is_a_strangers(self, url: str) -> bool:
        """Tell whether a public address is not one that Dify signed.

        Raises:
            FetchError: the address must not be read.
        """
        parsed = _parsed(url)
        if looks_signed(parsed):
            return False
        try:
            self._addresses(parsed)
        except OSError as error:
            raise FetchError(f"Its address could not be found: {_told(error)}.") from None
        return True

    def _read(self, url: httpx.URL, deadline: float, highest: int) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._ask(url, deadline, highest)
            if isinstance(found, bytes):
                return found
            url = _parsed(found)
        raise FetchError("Its address leads on and on.")

    def _ask(self, url: httpx.URL, deadline: float, highest: int) -> bytes | str:
        """Return the content, or the address to which it has moved."""
        net = _Pinned(self._network, self._addresses(url), lambda: deadline - self._clock())
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        # Compressed content could be a thousand times as large as what is counted.
        headers = [(b"Host", url.netloc), (b"Accept-Encoding", b"identity"), (b"Accept", b"*/*")]
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=net) as pool,
            pool.stream("GET", target, headers=headers) as response,
        ):
            given = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in given:
                return str(_joined(url, given[b"location"]))
            if response.status != _OK:
                fault = GoneError if response.status in _GONE else FetchError
                raise fault(f"The server that keeps it answered {response.status}.")
            if given.get(b"content-encoding", b"identity") != b"identity":
                raise FetchError("The server that keeps it sent it compressed, unasked.")
            return _gathered(response.iter_stream(), highest)

    def _addresses(self, url: httpx.URL) -> Sequence[str]:
        """Return the IP addresses that may be connected to."""
        addresses = self._network.resolve(url.raw_host.decode("ascii"), port_of(url))
        if all(map(is_public, addresses)) or self._dify.hold(url):
            return addresses
        raise FetchError(
            "Its address is in a private network and not where Dify serves its files, "
            "so it was not read."
        )


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever the host is called."""

    def __init__(
        self, network: Network, addresses: Sequence[str], left: Callable[[], float]
    ) -> None:
        self._network = network
        self._addresses = addresses
        self._left = left

    @override
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError("it has no address")
        for place, address in enumerate(self._addresses):
            # One that never answers leaves time for the others.
            share = _seconds(self._left) / (len(self._addresses) - place)
            try:
                stream = self._network.connect(address, port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Timed(stream, self._left)
        raise problem


class _Timed(httpcore.NetworkStream):
    """A connection on which no single read, however short, goes on past the end."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._stream = stream
        self._left = left

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds(self._left))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds(self._left))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _seconds(self._left))
        return _Timed(secured, self._left)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _seconds(left: Callable[[], float]) -> float:
    seconds = left()
    if seconds <= 0:
        raise httpcore.ReadTimeout
    return seconds


def _gathered(pieces: Iterable[bytes], highest: int) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > highest:
            raise FetchError(f"It is larger than {highest:,} bytes.")
    return bytes(content)


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        raise FetchError("Its address is not a web address.") from None
    if not parsed.host or parsed.scheme not in PORTS:
        raise FetchError(
            "Dify gave no web address for it: set FILES_URL or INTERNAL_FILES_URL in Dify's .env."
        )
    if parsed.userinfo:
        raise FetchError("Its address holds a name or password, so it was not read.")
    return parsed


def _joined(url: httpx.URL, location: bytes) -> httpx.URL:
    try:
        return url.join(location.decode("ascii"))
    except (httpx.InvalidURL, UnicodeDecodeError):
        raise FetchError("The server that keeps it names no address that can be read.") from None


def _told(error: Exception) -> str:
    """Say what happened; the messages of the net name no address."""
    said = " ".join(str(error).split()).rstrip(".")
    return said or type(error).__name__


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificates once, which takes some 30 ms of CPU."""
    return httpx.create_ssl_context()
