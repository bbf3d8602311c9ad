"""Which addresses of files may be read: Dify's own, and public ones.

A file comes as a dict that says nothing of its origin but the address: of an uploaded file that is
a link which Dify signed, of a user's `remote_url` it is whatever the user wrote. A signed link has
a pattern (`/files/<id>/file-preview?timestamp=…&nonce=…&sign=…`), and its host is often a private
one, such as `http://api:5001` between containers. Who wants to read something inside the network
can imitate the pattern for any host, so the pattern proves nothing. What proves it is the host: it
must be the one that Dify itself names when it is asked for an address to upload a file to, which
nobody else can write. FILES_URL and INTERNAL_FILES_URL, which a local plugin inherits from the
daemon, say the same without a question.
"""

import ipaddress
import re
import threading
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

PORTS = {"http": 80, "https": 443}
"""The schemes that are read, with their ports."""

_VARIABLES = ("FILES_URL", "INTERNAL_FILES_URL")
# No dot segments, nothing encoded: a proxy might undo it and leave the folder of files.
_FILES = re.compile(r"(?!.*(?:\.\.|//))/files/[\w./-]+", re.ASCII)

_UNICAST = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_GLOBAL = (
    IPv4Network("192.0.0.0/24"),  # in part global to Python, and Oracle's metadata are there
    IPv4Network("168.63.129.16/32"),  # where Azure's machines are given their configuration
)


class DifyFiles:
    """Where Dify serves its files."""

    def __init__(self, upload_address: Callable[[], str], environment: Mapping[str, str]) -> None:
        """Take a way to ask Dify for an address to upload to, which may raise any exception."""
        self._upload_address = upload_address
        self._known = [environment[name] for name in _VARIABLES if environment.get(name)]
        self._told: str | None = None
        self._lock = threading.Lock()

    def hold(self, url: httpx.URL) -> bool:
        """Tell whether an address is one of Dify's files; asks Dify once if need be."""
        return any(_lies_in(url, root) for root in self._known) or _lies_in(url, self._asked())

    def _asked(self) -> str:
        with self._lock:
            if self._told is None:
                try:
                    root, files, _ = self._upload_address().partition("/files/")
                except Exception:  # noqa: BLE001 - where Dify does not say, nothing is known
                    root, files = "", ""
                self._told = root if files else ""
            return self._told


def looks_signed(url: httpx.URL) -> bool:
    """Tell whether an address looks like one that Dify signed; it may be an imitation."""
    return "/files/" in url.path and "sign" in url.params


def port_of(url: httpx.URL) -> int:
    """Return the port of an address of one of the schemes that are read."""
    return url.port or PORTS[url.scheme]


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet.

    Private, shared, loopback, link-local, multicast and reserved ones are not, nor is one that
    stands inside an IPv6 address. Source: the special-purpose registries of IANA.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # such as fe80::1%eth0, which names an interface
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = IPv4Address(int(ip) & 0xFFFF_FFFF)
        elif ip not in _UNICAST or ip in _SIX_TO_FOUR:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in _NOT_GLOBAL)


def _lies_in(url: httpx.URL, root: str) -> bool:
    try:
        base = httpx.URL(root)
    except httpx.InvalidURL:
        return False
    if base.scheme not in PORTS or base.scheme != url.scheme or base.raw_host != url.raw_host:
        return False
    path, folder = url.raw_path.partition(b"?")[0].decode("ascii"), base.path.rstrip("/")
    within = path.startswith(folder) and _FILES.fullmatch(path.removeprefix(folder))
    return bool(within) and port_of(base) == port_of(url)
