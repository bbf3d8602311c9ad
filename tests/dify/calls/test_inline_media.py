"""Media that a tool wrote into its text: out of the prompt, and to the reader as files."""

import base64
import json
import random
import time
from typing import Any

import pytest

from strategies.agent.interface.ports import Forwarded
from strategies.dify.calls.inline_media import InlineMedium, value_without_media, without_media
from strategies.dify.calls.tool_result import ToolResult

RANDOM = random.Random(7)  # noqa: S311 - the same bytes in every test run
PNG = base64.b64encode(b"\x89PNG" + b"\r\n").decode()
LONG = base64.b64encode(RANDOM.randbytes(3_000)).decode()


def told(said: str) -> tuple[str, list[InlineMedium]]:
    """What is left of a text, and the files that it held."""
    taken: list[InlineMedium] = []

    def take(medium: InlineMedium) -> str:
        taken.append(medium)
        return f"file {len(taken)}"

    return without_media(said, take), taken


@pytest.mark.parametrize(
    "said",
    [
        "",
        "今天天气很好，我们去公园散步吧。" * 200,
        LONG,
        json.dumps({"content": LONG, "next_page_token": LONG[:600]}),
        "the name is data:image/png;base64, and that was all",
        "data:text/plain;base64,SGVsbG8=",
        f"data:text/csv;charset=utf-8;base64,{LONG}",
        f"data:application/json;base64,{LONG}",
        f"data:;base64,{LONG}",
        ";base64," * 100,
    ],
)
def test_what_is_no_medium_stays(said: str) -> None:
    """Tokens, contents of files and texts in base64 are values that a model may hand on."""
    assert told(said) == (said, [])


def test_a_data_url_of_a_picture_is_a_file() -> None:
    """It is described where it stood: name, type and size."""
    said, files = told(f"see ![chart](data:image/png;base64,{PNG}) here")

    assert said == "see ![chart]([file 1: image/png, 6 bytes]) here"
    assert files == [InlineMedium("image/png", PNG)]


@pytest.mark.parametrize(
    "mime_type", ["application/pdf", "audio/mpeg", "video/mp4", "application/octet-stream"]
)
def test_other_media_are_files_too(mime_type: str) -> None:
    """With parameters or without."""
    said, files = told(f"data:{mime_type};name=x.bin;base64,{LONG}")

    assert said == f"[file 1: {mime_type}, 3000 bytes]"
    assert files == [InlineMedium(mime_type, LONG)]


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
    """What a page draws itself with, and what is broken, is named without a file."""
    left, files = told(said)

    assert files == []
    assert " bytes]" in left
    assert "base64" not in left


def test_the_alphabet_of_urls_is_made_the_usual_one() -> None:
    """Dify takes standard base64 alone."""
    raw = b"\xfb\xff\xfe" * 3 + b"\x01"
    encoded = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    _, files = told(f"data:image/png;base64,{encoded}")

    assert base64.b64decode(files[0].encoded, validate=True) == raw


def test_values_inside_json_are_found() -> None:
    """At any depth; all else stays as it is."""
    value: Any = {"a": [{"b": LONG}, 1, None], "c": [f"data:image/png;base64,{PNG}"]}
    left = value_without_media(value, lambda _: "image.png")

    assert left == {"a": [{"b": LONG}, 1, None], "c": ["[image.png: image/png, 6 bytes]"]}


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit",
    [
        "The quick brown fox jumps over the lazy dog. ",
        LONG,
        "data:image/png;base64,QUJD ",
        "data:image/png;",
        "data:image/png;a=b;base64",
        ";base64,",
        "data:application/",
        "aB3" * 160 + ",",
    ],
)
def test_the_time_is_linear(unit: str) -> None:
    """Two million characters of anything take no longer than a moment."""
    said = ";base64," + unit * (2_000_000 // len(unit))
    started = time.perf_counter()
    told(said)

    assert time.perf_counter() - started < 1


def test_a_tools_picture_in_letters_reaches_the_reader_once() -> None:
    """As text, as JSON of the same and as a blob it is one file; the model is told its name."""
    url = f"data:image/png;base64,{PNG}"
    result = ToolResult()
    result.add({"type": "text", "message": {"text": json.dumps({"image": url})}})
    result.add({"type": "json", "message": {"json_object": {"image": url}}})
    result.add({"type": "blob", "message": {"blob": PNG}, "meta": {"mime_type": "image/png"}})
    outcome = result.outcome()

    assert len(outcome.forwarded) == 1
    assert outcome.text == (
        '{"image": "[image.png: image/png, 6 bytes]"}\n'
        "File made for the user: image.png (image/png, 6 bytes)"
    )


def test_a_picture_is_described_by_the_name_that_later_calls_know() -> None:
    """The run's names are unique; the tool's own may be taken."""

    def naming(_: Forwarded) -> str:
        return "image_7.png"

    result = ToolResult(naming)
    result.add({"type": "text", "message": {"text": f"data:image/png;base64,{PNG}"}})

    assert result.outcome().text == (
        "[image_7.png: image/png, 6 bytes]\n"
        "File made for the user: image_7.png (image/png, 6 bytes)"
    )


def test_pictures_in_letters_get_names_of_their_own() -> None:
    """Each is a blob with a name and a type."""
    other = base64.b64encode(b"other!").decode()
    result = ToolResult()
    for content in (PNG, other):
        result.add({"type": "text", "message": {"text": f"data:image/png;base64,{content}"}})
    outcome = result.outcome()

    assert [one["meta"] for one in outcome.forwarded] == [
        {"mime_type": "image/png", "filename": "image.png"},
        {"mime_type": "image/png", "filename": "image_2.png"},
    ]
    assert "File made for the user: image_2.png (image/png, 6 bytes)" in outcome.text


def test_a_call_makes_no_more_than_eight_files_of_data_urls() -> None:
    """The rest is described all the same."""
    urls = [
        f"data:image/png;base64,{base64.b64encode(f'{n:06}'.encode()).decode()}" for n in range(20)
    ]
    result = ToolResult()
    result.add({"type": "json", "message": {"json_object": {"urls": urls}}})
    outcome = result.outcome()

    assert len(outcome.forwarded) == 8
    assert outcome.text.count("image/png, 6 bytes]") == 20
