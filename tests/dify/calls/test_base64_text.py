"""Base64 in what a tool says: out of the prompt, and to the reader where it is a file."""

import base64
import json
import random
import time

import pytest

from strategies.dify.calls.base64_text import Inline, value_without_base64, without_base64
from strategies.dify.calls.tool_result import ToolResult

RANDOM = random.Random(7)  # noqa: S311 - the same bytes in every test run
PNG = base64.b64encode(b"\x89PNG" + b"\r\n").decode()
LONG = base64.b64encode(RANDOM.randbytes(3_000)).decode()


@pytest.mark.parametrize("before", ["", "x = ", "word " * 50, "1234567 " * 33, "(" * 300])
@pytest.mark.parametrize("after", ["", " end", '"}', ", more " * 100, "。"])
@pytest.mark.parametrize("size", [384, 600, 3_000])
def test_long_base64_is_left_out_wherever_it_stands(before: str, after: str, size: int) -> None:
    """What stands around it stays to the letter, and the size is told."""
    encoded = base64.b64encode(random.Random(size).randbytes(size)).decode()  # noqa: S311

    told = f"{before}[base64 data, {size} bytes, left out]{after}"
    assert without_base64(before + encoded + after) == (told, ())


@pytest.mark.parametrize(
    "said",
    [
        "",
        "The quick brown fox. " * 1_000,
        "今天天气很好，我们去公园散步吧。" * 200,
        "0123456789abcdef" * 100,
        "ACGT" * 500,
        "wordlist\n" * 300,
        "Word1\nAnother22\n" * 300,
        "=" * 2_000,
        "\\n" * 2_000,
        LONG[:400],
        "the name is data:image/png;base64, and that was all",
        "data:text/plain;base64,SGVsbG8=",
        ";base64," * 100,
        json.dumps({"path": "/usr/local/lib/python3.12/site-packages/" * 40}),
    ],
)
def test_what_only_looks_like_base64_stays(said: str) -> None:
    """Prose, words, digests, sequences and short values are what the model is to read."""
    assert without_base64(said) == (said, ())


def test_base64_in_lines_is_one_piece() -> None:
    """Mail and APIs break base64 into lines, as such or as escapes in JSON."""
    lines = base64.encodebytes(RANDOM.randbytes(3_000)).decode()

    assert without_base64(f"file\n{lines}Hello, you")[0] == (
        "file\n[base64 data, 3000 bytes, left out]\nHello, you"
    )
    assert "[base64 data, 3000 bytes, left out]" in without_base64(json.dumps({"c": lines}))[0]
    assert len(without_base64(json.dumps({"c": lines}))[0]) < 100


def test_a_data_url_of_a_picture_is_a_file() -> None:
    """Even a short one: a picture in letters is of no use to the model."""
    said, files = without_base64(f"see ![chart](data:image/png;base64,{PNG}) here")

    assert said == "see ![chart]([base64 data, 6 bytes, left out]) here"
    assert files == (Inline("image/png", PNG),)


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        ("data:application/pdf;base64,", "application/pdf"),
        ("data:text/csv;charset=utf-8;base64,", "text/csv"),
        ("data:;base64,", "application/octet-stream"),
    ],
)
def test_other_data_urls_are_files_when_they_are_long(head: str, mime_type: str) -> None:
    """Any type of content counts, with parameters or without."""
    said, files = without_base64(f"{head}{LONG}")

    assert said == "[base64 data, 3000 bytes, left out]"
    assert files == (Inline(mime_type, LONG),)


@pytest.mark.parametrize(
    "said",
    [
        f'<img src="data:image/png;base64,{PNG}">',
        f"<img src='data:image/png;base64,{PNG}'>",
        json.dumps(f'<img src="data:image/png;base64,{PNG}">'),
        f"background: url(data:image/png;base64,{PNG})",
        f"data:font/woff2;base64,{LONG}",
        f"data:image/png;base64,{PNG}A",
    ],
)
def test_icons_of_a_web_page_are_no_files(said: str) -> None:
    """What a page draws itself with, and what is broken, is left out without a file."""
    told, files = without_base64(said)

    assert files == ()
    assert "left out]" in told


def test_the_alphabet_of_urls_is_made_the_usual_one() -> None:
    """Dify takes standard base64 alone."""
    raw = b"\xfb\xff\xfe" * 3 + b"\x01"
    encoded = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    _, files = without_base64(f"data:image/png;base64,{encoded}")

    assert base64.b64decode(files[0].encoded, validate=True) == raw


def test_values_inside_json_are_found() -> None:
    """Any depth counts; a value without base64 stays the same object."""
    plain = {"a": [1, None, {"b": "text"}]}
    value, files = value_without_base64({"a": [{"b": LONG}], "c": f"data:image/png;base64,{PNG}"})

    assert value_without_base64(plain)[0] is plain
    assert value == {
        "a": [{"b": "[base64 data, 3000 bytes, left out]"}],
        "c": "[base64 data, 6 bytes, left out]",
    }
    assert [file.mime_type for file in files] == ["image/png"]


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit",
    [
        "The quick brown fox jumps over the lazy dog. ",
        "今天天气很好，我们去公园散步吧。",
        "wordlist\n",
        "x" * 61 + "\n",
        "0123456789abcdef",
        LONG,
        "data:image/png;base64,QUJD ",
        ";base64,",
        "\\",
        "aB3" * 160 + ",",
    ],
)
def test_the_time_is_linear(unit: str) -> None:
    """Two million characters of anything take no longer than a moment."""
    said = unit * (2_000_000 // len(unit))
    started = time.perf_counter()
    without_base64(said)

    assert time.perf_counter() - started < 1


def test_a_tools_picture_in_letters_reaches_the_reader_once() -> None:
    """As text, as JSON of the same and as a blob it is one file; the model is told its name."""
    url = f"data:image/png;base64,{PNG}"
    collector = ToolResult()
    collector.add({"type": "text", "message": {"text": json.dumps({"image": url})}})
    collector.add({"type": "json", "message": {"json_object": {"image": url}}})
    collector.add({"type": "blob", "message": {"blob": PNG}, "meta": {"mime_type": "image/png"}})
    outcome = collector.outcome()

    assert len(outcome.forwarded) == 1
    assert PNG not in outcome.text
    assert outcome.text.count("left out]") == 1


def test_pictures_in_letters_get_names_of_their_own() -> None:
    """Each is a blob with a name and a type; a streamed URL is put together first."""
    other = base64.b64encode(b"other!").decode()
    collector = ToolResult()
    collector.add({"type": "text", "message": {"text": "data:image/png;ba"}})
    collector.add(
        {"type": "text", "message": {"text": f"se64,{PNG} data:image/png;base64,{other}"}}
    )
    outcome = collector.outcome()

    assert [one["meta"] for one in outcome.forwarded] == [
        {"mime_type": "image/png", "filename": "image.png"},
        {"mime_type": "image/png", "filename": "image_2.png"},
    ]
    assert "File made for the user: image_2.png (image/png, 6 bytes)" in outcome.text


def test_a_call_makes_no_more_than_eight_files_of_data_urls() -> None:
    """The rest is left out all the same."""
    urls = [
        f"data:image/png;base64,{base64.b64encode(f'{n:06}'.encode()).decode()}" for n in range(20)
    ]
    collector = ToolResult()
    collector.add({"type": "json", "message": {"json_object": {"urls": urls}}})
    outcome = collector.outcome()

    assert len(outcome.forwarded) == 8
    assert outcome.text.count("left out]") == 20


def test_a_variable_of_base64_is_taken_out_too() -> None:
    """Variables are told as `name: value`."""
    collector = ToolResult()
    collector.add({"type": "variable", "message": {"variable_name": "raw", "variable_value": LONG}})

    assert collector.outcome().text == "raw: [base64 data, 3000 bytes, left out]"


@pytest.mark.parametrize("filler", ["0123456789", "x", "ABC"])
def test_a_word_before_a_long_run_makes_no_base64(filler: str) -> None:
    """Digits after `Tokyo` hold capitals, letters and digits, but hardly any capitals."""
    said = f"Asia/Tokyo7{filler * 5_000}"

    assert without_base64(said) == (said, ())
