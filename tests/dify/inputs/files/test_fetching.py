"""Reading files from addresses, against servers on this machine and a net that is played."""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

import httpcore
import pytest

from strategies.dify.inputs.files.addresses import DifyFiles
from strategies.dify.inputs.files.fetching import FetchError, FileReader, Network

PUBLIC, OTHER_PUBLIC = "93.184.216.34", "2606:4700::1"
REFUSED = "private network and not where Dify serves its files"


class Files(BaseHTTPRequestHandler):
    """Serves a file, redirects, an error, too much, and what comes too slowly."""

    def do_GET(self) -> None:
        """Answer by the last part of the path."""
        path, _, query = self.path.partition("?")
        match path.rpartition("/")[2]:
            case "ok":
                self._answer(200, b"content")
            case "moved":
                self._moved(query or "ok")
            case "again":
                self._moved("again")
            case "large":
                self._answer(200, b"x" * 50_000)
            case "zipped":
                self._answer(200, b"x", ("Content-Encoding", "gzip"))
            case "slow":
                time.sleep(3.0)
            case "trickle":
                self._trickle(b"HTTP/1.0 200 OK\r\n\r\n", b"x")
            case "slow_headers":
                self._trickle(b"HTTP/1.0 200 OK\r\n", b"X-A: b\r\n")
            case "host":
                self._answer(200, self.headers["Host"].encode())
            case _:
                self._answer(403, b"no")

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def _moved(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _trickle(self, start: bytes, piece: bytes) -> None:
        try:
            self.wfile.write(start)
            for _ in range(40):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def serving() -> Iterator[str]:
    """Run a server for as long as a generator lives."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Dify's server."""
    yield from serving()


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """A server of somebody else, inside the network or on the internet."""
    yield from serving()


class Net(Network):
    """A net in which hosts have these addresses; what is public leads to one server here."""

    def __init__(self, server: str, hosts: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._port = int(server.rpartition(":")[2])
        self._hosts = {name: iter(answers) for name, answers in hosts.items()}
        self.connected: list[str] = []

    @override
    def resolve(self, host: str, port: int) -> Sequence[str]:
        if host.endswith(".invalid"):
            raise OSError("Name or service not known")
        answers = self._hosts.get(host)
        return next(answers) if answers else super().resolve(host, port)

    @override
    def connect(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        self.connected.append(address)
        if address in {PUBLIC, OTHER_PUBLIC}:
            return super().connect("127.0.0.1", self._port, seconds)
        return super().connect(address, port, seconds)


def reader(dify: str = "", *, seconds: float = 10.0, **options: Any) -> FileReader:
    """Read for a Dify that serves its files at this address."""
    files = DifyFiles(lambda: f"{dify}/files/upload/for-plugin?sign=x", {})
    return FileReader(files, seconds=seconds, **options)


@pytest.mark.parametrize(
    ("path", "gone"), [("ok", False), ("large", False), ("zipped", False), ("expired", True)]
)
def test_a_file_is_gone_where_its_server_says_so(server: str, path: str, *, gone: bool) -> None:
    """As Dify does once the signature of an address has expired; nothing is read."""
    assert reader(server).is_gone(f"{server}/files/{path}") is gone


def test_what_must_not_be_read_is_not_known_to_be_gone() -> None:
    """Neither is a file whose server is not there, or that has no address."""
    assert not reader().is_gone("http://127.0.0.1:9/files/ok")
    assert not reader().is_gone("/files/tools/1.png")


@pytest.mark.parametrize("path", ["/files/ok?sign=x", "/files/moved"])
def test_difys_own_file_is_read_wherever_dify_is(server: str, path: str) -> None:
    """Its host is often a private one; a redirect within its files is followed."""
    assert reader(server).read(server + path) == b"content"


@pytest.mark.parametrize(
    "path",
    ["/ok", "/files/ok?timestamp=1&nonce=2&sign=3", "/files/tools/ok?sign=3", "/files/upload/ok"],
)
def test_a_private_address_that_is_not_difys_is_not_read(
    server: str, other: str, path: str
) -> None:
    """However well it imitates a signed link; the sentence keeps the address to itself."""
    with pytest.raises(FetchError, match=REFUSED) as caught:
        reader(server).read(other + path)

    assert other not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
    ],
)
def test_no_spelling_of_a_private_address_is_read(server: str, host: str) -> None:
    """Decimal, octal, hexadecimal and mapped hosts are what they resolve to."""
    net = Net(server, {})

    with pytest.raises(FetchError, match=f"{REFUSED}|could not be|not a web address"):
        reader(network=net).read(f"http://{host}:{server.rpartition(':')[2]}/ok")
    assert net.connected == []


def test_a_public_address_is_read(other: str) -> None:
    """The connection goes to the address that was checked, and the host is told by its name."""
    net = Net(other, {"files.test": [[PUBLIC]]})

    assert reader(network=net).read("http://files.test:8080/host") == b"files.test:8080"
    assert net.connected == [PUBLIC]


def test_one_private_address_among_public_ones_is_refused(other: str) -> None:
    """Every address of a host is checked, because any of them might be taken."""
    net = Net(other, {"files.test": [[PUBLIC, "10.0.0.1"]]})

    with pytest.raises(FetchError, match=REFUSED):
        reader(network=net).read("http://files.test/ok")
    assert net.connected == []


def test_a_name_that_answers_differently_the_next_time_gains_nothing(other: str) -> None:
    """The name is asked once, and the connection goes to what was checked (DNS rebinding)."""
    net = Net(other, {"files.test": [[PUBLIC], ["127.0.0.1"]]})

    assert reader(network=net).read("http://files.test/ok") == b"content"
    assert net.connected == [PUBLIC]


def test_the_next_address_is_tried_where_one_does_not_answer(other: str) -> None:
    """A host may have an address that cannot be reached from here."""

    class Half(Net):
        @override
        def connect(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
            if address == OTHER_PUBLIC:
                raise httpcore.ConnectTimeout
            return super().connect(address, port, seconds)

    net = Half(other, {"files.test": [[OTHER_PUBLIC, PUBLIC]]})

    assert reader(network=net).read("http://files.test/ok") == b"content"


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:1/ok",
        "http://inside.test/ok",
        "//169.254.169.254/latest/meta-data",
        "http://[::1]/ok",
    ],
)
def test_a_redirect_into_the_network_is_not_followed(other: str, to: str) -> None:
    """A redirect is a new address."""
    net = Net(other, {"files.test": [[PUBLIC]], "inside.test": [["10.0.0.1"]]})

    with pytest.raises(FetchError, match=REFUSED):
        reader(network=net).read(f"http://files.test/moved?{to}")
    assert net.connected == [PUBLIC]


def test_a_redirect_from_dify_into_the_network_is_not_followed(server: str, other: str) -> None:
    """Not even Dify's own server leads to another private one."""
    with pytest.raises(FetchError, match=REFUSED):
        reader(server).read(f"{server}/files/moved?{other}/ok")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://files.test/x", "http://[x"])
def test_a_redirect_to_what_is_not_of_the_web_is_not_followed(other: str, to: str) -> None:
    """Nothing but http and https is read."""
    net = Net(other, {"files.test": [[PUBLIC]]})

    with pytest.raises(FetchError):
        reader(network=net).read(f"http://files.test/moved?{to}")


def test_redirects_come_to_an_end(other: str) -> None:
    """An address that leads to itself is given up."""
    net = Net(other, {"files.test": [[PUBLIC]] * 9})

    with pytest.raises(FetchError, match="leads on and on"):
        reader(network=net).read("http://files.test/again")
    assert len(net.connected) < 6


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/gone?sign=secret", "The server that keeps it answered 403."),
        ("/large", "It is larger than 1,000 bytes."),
        ("/zipped", "The server that keeps it sent it compressed, unasked."),
        ("/slow", "It could not be read within 0.2 s."),
        ("/trickle", "It could not be read within 0.2 s."),
        ("/slow_headers", "It could not be read within 0.2 s."),
    ],
)
def test_what_goes_wrong_is_one_sentence(server: str, path: str, said: str) -> None:
    """The sentence says what happened and keeps the signed address to itself."""
    started = time.monotonic()
    seconds = 0.2 if "within" in said else 30
    with pytest.raises(FetchError) as caught:
        reader(server).read(f"{server}/files{path}", seconds=seconds, highest=1_000)

    assert str(caught.value) == said
    assert time.monotonic() - started < 5


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    """A refused connection is told without the address."""
    with pytest.raises(FetchError, match=r"^It could not be read: .+\.$") as caught:
        reader("http://127.0.0.1:9").read("http://127.0.0.1:9/files/x?sign=secret", seconds=2)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["/files/tools/1.png", "file:///etc/passwd", "ftp://x.test/a", ""])
def test_only_web_addresses_are_read(url: str) -> None:
    """A relative address means that Dify does not know its own, and others are not opened."""
    with pytest.raises(FetchError, match="FILES_URL"):
        reader().read(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://[x",
        "http://exa mple.test:port/",
        "http://user:secret@files.test/",
        "http://127.0.0.1\\@files.test/",
        "http://x.invalid/",
        "http://" + "a" * 300 + ".test/",
    ],
)
def test_a_broken_address_is_one_sentence(url: str) -> None:
    """Nothing but FetchError leaves, and no password."""
    with pytest.raises(FetchError) as caught:
        reader(network=Net("http://127.0.0.1:9", {})).read(url, seconds=1)

    assert "secret" not in str(caught.value)


def test_all_files_share_the_time_of_the_run(server: str) -> None:
    """The clock that is handed in decides, not the single read."""
    ticks = itertools.count(step=100.0)
    late = reader(server, clock=lambda: next(ticks))

    with pytest.raises(FetchError, match="within 0 s"):
        late.read(f"{server}/files/ok")
    assert late.seconds_left == 0


def test_a_strangers_address_is_told_from_one_that_dify_signed(other: str) -> None:
    """What looks signed is read here; what is private is refused, whoever would read it."""
    net = Net(other, {"files.test": [[PUBLIC]] * 2, "inside.test": [["10.0.0.1"]]})
    asked = reader(network=net)

    assert asked.is_a_strangers("https://files.test/cat.png")
    assert not asked.is_a_strangers("https://files.test/files/1/file-preview?sign=x")
    with pytest.raises(FetchError, match=REFUSED):
        asked.is_a_strangers("https://inside.test/cat.png")
    with pytest.raises(FetchError, match="could not be found"):
        asked.is_a_strangers("https://x.invalid/cat.png")
    assert net.connected == []
