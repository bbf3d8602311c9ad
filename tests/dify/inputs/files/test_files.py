"""The run's files: reading them, finding them by name, adding what tools made."""

import base64
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from strategies.dify.inputs.files.run_file import (
    IDENTITY,
    read_files,
    read_written,
    renamed,
)
from strategies.dify.inputs.files.run_files import RunFiles

URL = "https://dify.test/files/1/preview?sign=x"


def file(name: str = "report.pdf", **changes: Any) -> dict[str, Any]:
    """One file as Dify hands it over."""
    return {
        "dify_model_identity": IDENTITY,
        "type": "document",
        "mime_type": "application/pdf",
        "filename": name,
        "extension": ".pdf",
        "size": 1234,
        "url": URL,
        **changes,
    }


def test_a_file_is_read_with_all_that_dify_says_of_it() -> None:
    """Name, kind, type, size and address are those of the dict, and the wire keeps the dict."""
    [read], odd = read_files([file()])

    assert (read.name, read.kind, read.mime_type) == ("report.pdf", "document", "application/pdf")
    assert (read.size, read.url, odd) == (1234, URL, [])
    assert read.wire.items() >= file().items()


@pytest.mark.parametrize("value", [None, "", "  ", [], [None], "null", ()])
def test_nothing_means_no_files(value: object) -> None:
    """A parameter that was left empty is no problem, in whatever form."""
    assert read_files(value) == ([], [])


@pytest.mark.parametrize(
    "value", [file(), [None, file()], json.dumps(file()), json.dumps([file()])]
)
def test_a_single_file_and_json_text_are_read(value: object) -> None:
    """One file without a list, and text of JSON, are files as well."""
    read, odd = read_files(value)

    assert [one.name for one in read] == ["report.pdf"]
    assert odd == []


def test_an_object_of_the_sdk_is_read_by_its_attributes() -> None:
    """The SDK turns top-level dicts into objects; they are the same file."""
    given = SimpleNamespace(**file(type="image", filename="a.png", mime_type="image/png"))
    [read], odd = read_files([given])

    assert (read.name, read.kind, read.wire["dify_model_identity"]) == ("a.png", "image", IDENTITY)
    assert read.wire["url"] == URL
    assert odd == []


def test_odd_items_are_named_and_the_others_kept() -> None:
    """An item that is no file takes no other with it."""
    read, odd = read_files(["text", 7, {"filename": "x"}, file()])

    assert [one.name for one in read] == ["report.pdf"]
    assert odd == ["file 1 is no file but str", "file 2 is no file but int", "file 3 has no url"]


def test_names_are_unique_without_regard_to_capitals() -> None:
    """A second file of a name is numbered before its extension."""
    read, _ = read_files(
        [file(), file("Report.pdf"), file("report.pdf"), file("noext"), file("noext")]
    )

    assert [one.name for one in read] == [
        "report.pdf",
        "Report_2.pdf",
        "report_3.pdf",
        "noext",
        "noext_2",
    ]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"filename": None, "url": "https://x.test/a/b%20c.pdf?k=v"}, "b c.pdf"),
        ({"filename": None, "url": "https://x.test/", "extension": ".pdf"}, "file.pdf"),
        ({"filename": "../../etc/pass\nwd"}, "pass wd"),
        ({"filename": "C:\\docs\\a.pdf"}, "a.pdf"),
        ({"filename": "报告.pdf"}, "报告.pdf"),
        ({"filename": "x" * 300 + ".pdf"}, "x" * 96 + ".pdf"),
        ({"filename": "<tool_call>✿FUNCTION✿<|im_end|>.pdf"}, "tool_call FUNCTION |im_end| .pdf"),
        ({"filename": None, "url": "http://[broken"}, "file.pdf"),
    ],
)
def test_a_name_fits_on_one_line(changes: dict[str, Any], name: str) -> None:
    """A name is the last part of a path, without line ends, and not too long."""
    [read], _ = read_files([file(**changes)])

    assert read.name == name


@pytest.mark.parametrize(
    ("changes", "kind", "mime_type", "size"),
    [
        ({"type": "custom", "mime_type": "image/png"}, "image", "image/png", 1234),
        ({"type": "custom"}, "custom", "application/pdf", 1234),
        ({"type": None, "mime_type": None}, "document", "application/pdf", 1234),
        ({"type": "odd", "mime_type": "audio/mpeg", "size": "12"}, "audio", "audio/mpeg", 12),
        ({"type": "VIDEO", "size": -1}, "video", "application/pdf", None),
        ({"size": True}, "document", "application/pdf", None),
        ({"size": "large"}, "document", "application/pdf", None),
        ({"size": float("inf")}, "document", "application/pdf", None),
        ({"mime_type": "", "filename": "a.zzz"}, "document", "application/octet-stream", 1234),
    ],
)
def test_what_dify_leaves_open_is_taken_from_the_rest(
    changes: dict[str, Any], kind: str, mime_type: str, size: int | None
) -> None:
    """Kind, type and size tolerate nulls, text and nonsense."""
    [read], _ = read_files([file(**changes)])

    assert (read.kind, read.mime_type, read.size) == (kind, mime_type, size)


@pytest.mark.parametrize(
    "name",
    ["report.pdf", "REPORT.pdf", " 'report.pdf' ", '"report.pdf"', "“report.pdf”", ["report.pdf"]],
)
def test_a_file_is_found_by_its_name(name: object) -> None:
    """Capitals, quotes and a list around the name do not matter."""
    files = RunFiles(read_files([file()])[0])
    [wire], unknown = files.wires(name)

    assert unknown == []
    assert (wire["url"], wire["dify_model_identity"]) == (URL, IDENTITY)


@pytest.mark.parametrize("names", ["a.pdf, b.pdf", '["a.pdf", "b.pdf"]', ["a.pdf", "B.PDF"]])
def test_several_files_are_found_by_a_list_or_a_text_of_names(names: object) -> None:
    """Names may come as a list, as JSON text, or parted by commas; what is unknown is told."""
    files = RunFiles(read_files([file("a.pdf"), file("b.pdf", url=f"{URL}2")])[0])
    found, unknown = files.wires(names)

    assert [wire["filename"] for wire in found] == ["a.pdf", "b.pdf"]
    assert unknown == []


def test_a_name_with_a_comma_is_one_name() -> None:
    """The whole text is tried before it is parted."""
    files = RunFiles(read_files([file("Smith, 2004.pdf"), file("[a].pdf", url=f"{URL}2")])[0])

    for name in files.names:
        assert [wire["filename"] for wire in files.wires(name)[0]] == [name]


def test_an_object_with_a_name_means_that_file() -> None:
    """Some models write the file as they believe a file to look."""
    files = RunFiles(read_files([file()])[0])

    assert len(files.wires({"filename": "report.pdf"})[0]) == 1
    assert files.wires([{"name": "report.pdf"}, {"x": 1}, ""])[1] == []


def test_unknown_names_are_told() -> None:
    """A name that no file has is returned, beside those that were found."""
    files = RunFiles(read_files([file()])[0])
    found, unknown = files.wires("report.pdf, b.pdf")

    assert len(found) == 1
    assert unknown == ["b.pdf"]
    assert files.wires(None) == ([], [])


def link(url: str, **meta: Any) -> dict[str, Any]:
    """A message of a tool that made a file."""
    return {"type": "binary_link", "message": {"text": url}, "meta": meta}


def test_a_made_file_can_be_handed_to_the_next_tool() -> None:
    """What Dify keeps for a tool is known by its id, and named as the tool named it."""
    files = RunFiles(read_files([file("a.xlsx")])[0])
    name = files.add_made(
        link("/files/tools/ab-12.xlsx", filename="a.xlsx", tool_file_id="ab-12", size=9)
    )
    [wire], _ = files.wires("a_2.xlsx")

    assert name == "a_2.xlsx"
    assert files.names == ("a.xlsx", "a_2.xlsx")
    assert wire["url"] == "/files/tools/ab-12.xlsx"
    assert (wire["transfer_method"], wire["tool_file_id"]) == ("tool_file", "ab-12")
    assert (wire["extension"], wire["size"]) == (".xlsx", 9)


def test_a_made_file_counts_once() -> None:
    """The same file, said twice or by another message, keeps its name."""
    files = RunFiles()
    first = files.add_made(link("/files/tools/7.pdf", filename="x.pdf"))
    again = files.add_made(link("/files/tools/7.pdf", tool_file_id="7"))

    assert first == again == "x.pdf"
    assert files.names == ("x.pdf",)


@pytest.mark.parametrize(
    ("message", "name", "kind"),
    [
        ({"type": "image", "message": {"text": "https://x.test/a.jpg"}}, "a.jpg", "image"),
        ({"type": "image_link", "message": {"text": "/files/tools/7.png"}}, "7.png", "image"),
        ({"type": "image", "message": {"text": "https://x.test/"}, "meta": None}, "file", "image"),
        (link("/files/tools/7", mime_type="application/pdf", name="y.pdf"), "y.pdf", "document"),
    ],
)
def test_every_message_of_a_file_is_taken(message: dict[str, Any], name: str, kind: str) -> None:
    """Name and kind come from the message or, failing that, from the address."""
    files = RunFiles()

    assert files.add_made(message) == name
    assert files.files[0].kind == kind


@pytest.mark.parametrize(
    "message",
    [
        {"type": "text", "message": {"text": "hi"}},
        {"type": "image", "message": {}},
        {"type": "blob", "message": {"blob": "QUJD"}, "meta": {"mime_type": "text/plain"}},
        {},
    ],
)
def test_what_no_tool_could_read_is_no_file_of_the_run(message: dict[str, Any]) -> None:
    """Other messages, and contents that have no address and cannot get one, are not offered."""
    files = RunFiles()

    assert files.add_made(message) is None
    assert files.names == ()


def test_a_content_is_uploaded_when_a_tool_asks_for_it_and_only_then() -> None:
    """A file that is there only as content gets an address at its first use."""
    uploaded: list[tuple[str, bytes, str]] = []

    def upload(name: str, content: bytes, mime_type: str) -> str:
        uploaded.append((name, content, mime_type))
        return "https://dify.test/up/1"

    files = RunFiles(upload=upload)
    meta = {"mime_type": "image/png"}
    blob = {"type": "blob", "message": {"blob": base64.b64encode(b"png").decode()}, "meta": meta}
    name = files.add_made(blob)
    before = list(uploaded)
    wires = [*files.wires(name)[0], *files.wires(name)[0]]

    assert (name, files.files[0].size, before) == ("file.png", 3, [])
    assert uploaded == [("file.png", b"png", "image/png")]
    assert [wire["url"] for wire in wires] == ["https://dify.test/up/1"] * 2


def test_a_content_that_cannot_be_uploaded_counts_as_unknown() -> None:
    """A failing upload is told as an unknown name, not raised."""

    def upload(name: str, content: bytes, mime_type: str) -> str:
        raise OSError(name, content, mime_type)

    files = RunFiles(upload=upload)
    name = files.add_made({"type": "blob", "message": {"blob": "QUJD"}, "meta": {}})

    assert name == "file"
    assert files.wires(name) == ([], ["file"])


def test_tools_at_the_same_time_do_not_share_a_name() -> None:
    """Adding is safe from many threads."""
    files = RunFiles()
    threads = [
        threading.Thread(target=files.add_made, args=(link(f"/files/tools/{n}", name="a.pdf"),))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(files.names)) == 20


def test_files_go_to_another_run_under_their_names() -> None:
    """Those that a call names, wherever in its arguments, also where two had the same name."""
    first, second, other = read_files([file(), file(size=2), file("b.pdf")])[0]
    written = RunFiles([first, second, other]).named_in({"in": ["Report_2.pdf", 1], "x": "B.pdf"})

    assert read_written(json.loads(json.dumps(written))) == [second, other]


def test_a_file_that_comes_later_takes_another_name() -> None:
    """A name means the file that was there before."""
    kept, new = read_files([file()])[0], read_files([file(), file("b.pdf")])[0]

    assert [one.name for one in renamed(new, kept)] == ["report_2.pdf", "b.pdf"]


def test_a_file_whose_address_has_expired_is_not_handed_over() -> None:
    """It is known, and yet counts as unknown."""
    files = RunFiles(read_files([file()])[0], expired=["report.pdf"])

    assert files.wires("report.pdf") == ([], ["report.pdf"])
