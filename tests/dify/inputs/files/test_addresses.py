"""Which addresses are public, and which are Dify's, against those who imitate it."""

import httpx
import pytest

from strategies.dify.inputs.files.addresses import DifyFiles, is_public

SIGNED = "timestamp=1763740800&nonce=0f3c&sign=c2lnbg%3D%3D"
ID = "7b0f7a4e-2d4c-4f43-9a1a-5f1f0f6a7b11"
UPLOAD = "http://api:5001/files/upload/for-plugin?timestamp=1&nonce=2&sign=3"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_what_is_not_of_the_open_internet_is_not_public(address: str) -> None:
    """Loopback, private, link-local, shared, reserved and metadata addresses, however written."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2606:4700:4700::1111"],
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    """IPv4, IPv6, and IPv4 inside IPv6."""
    assert is_public(address)


def dify(*, environment: dict[str, str] | None = None) -> DifyFiles:
    """A Dify that serves its files where its address for uploads says."""
    return DifyFiles(lambda: UPLOAD, environment or {})


@pytest.mark.parametrize(
    "url",
    [
        f"http://api:5001/files/{ID}/file-preview?{SIGNED}",
        f"http://api:5001/files/{ID}/image-preview?{SIGNED}",
        f"http://api:5001/files/tools/{ID}.pdf?{SIGNED}",
        f"HTTP://API:5001/files/tools/{ID}.pdf?{SIGNED}",
    ],
)
def test_files_at_the_host_that_dify_names_are_difys(url: str) -> None:
    """Dify says where it serves files when it is asked for an address for an upload."""
    assert dify().hold(httpx.URL(url))


@pytest.mark.parametrize(
    "url",
    [
        f"http://10.0.0.5:5001/files/{ID}/file-preview?{SIGNED}",
        f"http://169.254.169.254/files/{ID}/file-preview?{SIGNED}",
        f"http://api:6379/files/{ID}/file-preview?{SIGNED}",
        f"http://api/files/{ID}/file-preview?{SIGNED}",
        f"https://api:5001/files/{ID}/file-preview?{SIGNED}",
        f"http://api.evil.test:5001/files/{ID}/file-preview?{SIGNED}",
        f"http://evil.test:5001/api:5001/files/{ID}/file-preview?{SIGNED}",
        f"http://api:5001@10.0.0.5/files/{ID}/file-preview?{SIGNED}",
        "http://api:5001/console/api/setup",
        "http://api:5001/files/../console/api/setup",
        "http://api:5001/files/%2e%2e/console/api/setup",
        "http://api:5001/files/x/..%2f..%2fconsole/api/setup",
        "http://api:5001/files//console",
        "http://api:5001/files\\..\\console",
        "http://api:5001/inner/files/x",
    ],
)
def test_an_imitation_of_difys_addresses_is_not_difys(url: str) -> None:
    """The pattern of a signed link proves nothing; the host does, and only below its files."""
    assert not dify().hold(httpx.URL(url))


def test_the_variables_of_the_daemon_say_where_files_are_without_a_question() -> None:
    """A local plugin inherits them; a path in front of the files belongs to the address."""

    def unasked() -> str:
        raise AssertionError

    known = {"FILES_URL": "https://dify.test/base/", "INTERNAL_FILES_URL": "http://api:5001"}
    files = DifyFiles(unasked, known)

    assert files.hold(httpx.URL(f"https://dify.test:443/base/files/{ID}/file-preview?{SIGNED}"))
    assert files.hold(httpx.URL(f"http://api:5001/files/{ID}/file-preview?{SIGNED}"))


def test_dify_is_asked_once_and_may_fail() -> None:
    """A Dify that names no address serves no private file."""
    asked: list[None] = []

    def failing() -> str:
        asked.append(None)
        raise OSError

    files = DifyFiles(failing, {})
    url = httpx.URL(f"http://api:5001/files/{ID}/file-preview?{SIGNED}")

    assert [files.hold(url), files.hold(url)] == [False, False]
    assert len(asked) == 1


@pytest.mark.parametrize("told", ["", "/files/upload/for-plugin", "no address", "http://[/files/x"])
def test_a_relative_address_of_dify_names_no_host(told: str) -> None:
    """FILES_URL is often not set."""
    files = DifyFiles(lambda: told, {"FILES_URL": "http://[", "INTERNAL_FILES_URL": ""})

    assert not files.hold(httpx.URL("http://api:5001/files/x"))
