"""Files as content of a prompt, by what the model can take."""

import base64
import threading
from typing import Any

import pytest

from strategies.dify.inputs.attachments import content_parts, with_media_for
from strategies.dify.inputs.fetching import FetchError
from strategies.dify.inputs.files import RunFile, read_files

ALL = frozenset({"vision", "document", "audio", "video"})


def run_file(
    name: str, kind: str = "image", mime_type: str = "image/png", size: int = 3
) -> RunFile:
    """One file of the run."""
    raw = {"filename": name, "type": kind, "mime_type": mime_type, "size": size, "url": name}
    return read_files([raw])[0][0]


def abc(url: str) -> bytes:
    """Read the same content from everywhere."""
    assert url
    return b"abc"


def test_a_picture_is_sent_to_a_model_that_sees() -> None:
    """The part is as Dify's wire has it, and nothing is said of it in the text."""
    attached = content_parts([run_file("a.png")], {"vision"}, abc)

    assert attached.parts == (
        {
            "type": "image",
            "format": "png",
            "base64_data": base64.b64encode(b"abc").decode(),
            "url": "",
            "mime_type": "image/png",
            "filename": "a.png",
            "detail": "high",
        },
    )
    assert (attached.text, attached.problems) == ("", ())


@pytest.mark.parametrize(
    ("kind", "mime_type", "name", "form"),
    [
        ("document", "application/pdf", "a.pdf", "pdf"),
        ("audio", "audio/mpeg", "a.mp3", "mp3"),
        ("video", "video/mp4", "film", "mp4"),
    ],
)
def test_each_kind_needs_its_feature(kind: str, mime_type: str, name: str, form: str) -> None:
    """Documents, sounds and films are sent where the feature of that name is there."""
    file = run_file(name, kind, mime_type)
    sent, named = content_parts([file], {kind}, abc), content_parts([file], {"vision"}, abc)

    assert [(part["type"], part["format"]) for part in sent.parts] == [(kind, form)]
    assert "detail" not in sent.parts[0]
    assert named.parts == ()
    assert named.text == f"Files of the user:\n- {name} ({kind}, {mime_type}, 3 bytes)"
    assert named.problems == ()


def test_a_file_that_the_model_cannot_take_is_not_read() -> None:
    """Nothing is fetched for a text model."""

    def fetch(url: str) -> bytes:
        raise AssertionError(url)

    attached = content_parts([run_file("a.png", size=2_500_000)], set(), fetch, language="zh")

    assert attached.text == "用户的文件：\n- a.png（image，image/png，2.5 MB）"


def test_what_cannot_be_read_is_told_and_the_rest_is_sent() -> None:
    """An error of one file is a sentence in the text."""

    def fetch(url: str) -> bytes:
        if url == "b.png":
            raise FetchError("The server that keeps it answered 403.")
        return b"" if url == "c.png" else b"abc"

    files = [run_file(name) for name in ("a.png", "b.png", "c.png")]
    attached = content_parts(files, ALL, fetch)

    assert [part["filename"] for part in attached.parts] == ["a.png"]
    assert attached.text.splitlines()[1:] == [
        "- b.png (image, image/png, 3 bytes) The server that keeps it answered 403.",
        "- c.png (image, image/png, 3 bytes) It is empty.",
    ]
    assert attached.problems == (
        "b.png: The server that keeps it answered 403.",
        "c.png: It is empty.",
    )


def test_files_stay_within_the_size_of_a_request() -> None:
    """What does not fit any more is named; a smaller file after it may still fit."""
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return b"x" * (90 if url == "liar.png" else 9)

    files = [run_file("huge.png", size=1_000), run_file("liar.png"), run_file("a.png")]
    attached = content_parts(files, ALL, fetch, most_base64=12)

    assert [part["filename"] for part in attached.parts] == ["a.png"]
    assert sorted(fetched) == ["a.png", "liar.png"]
    assert [problem.partition(":")[0] for problem in attached.problems] == ["huge.png", "liar.png"]
    assert "too large" in attached.text


def test_all_files_are_named_where_tools_take_files() -> None:
    """A tool is called with the name of a file that the model sees."""
    attached = content_parts([run_file("a.png")], ALL, abc, name_all=True)

    assert attached.text.endswith("- a.png (image, image/png, 3 bytes) Its content is attached.")
    assert len(attached.parts) == 1


def test_files_are_read_at_the_same_time() -> None:
    """Three files that wait for each other are all read."""
    together = threading.Barrier(3, timeout=10)

    def fetch(url: str) -> bytes:
        together.wait()
        return url.encode()

    attached = content_parts([run_file(f"{n}.png") for n in range(3)], ALL, fetch)

    assert [part["filename"] for part in attached.parts] == ["0.png", "1.png", "2.png"]


def test_no_files_are_nothing() -> None:
    """Without files there is nothing to send or to say."""
    attached = content_parts([], ALL, abc, name_all=True)

    assert (attached.parts, attached.text, attached.problems) == ((), "", ())


def turn(*parts: dict[str, Any]) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": list(parts), "name": None}


PICTURE = {"type": "image", "base64_data": "A" * 100, "mime_type": "image/png", "filename": "a.png"}
SOUND = {"type": "audio", "base64_data": "A" * 100, "mime_type": "audio/mpeg"}
WORDS = {"type": "text", "data": "What is it?"}


def test_media_of_earlier_turns_that_a_model_cannot_take_become_words() -> None:
    """What is left is text alone where nothing else is left."""
    told = with_media_for([turn(PICTURE, SOUND, WORDS)], set())

    assert told == [
        {
            "role": "user",
            "content": "[image: a.png, image/png]\n[audio: audio/mpeg]\nWhat is it?",
            "name": None,
        }
    ]


def test_media_that_a_model_can_take_stay() -> None:
    """Only the parts that the features do not allow are replaced, and text stays untouched."""
    plain = {"role": "assistant", "content": "Hi", "name": None}
    told = with_media_for([turn(PICTURE, SOUND, WORDS), plain], {"vision"})

    assert told[0]["content"] == [PICTURE, {"type": "text", "data": "[audio: audio/mpeg]"}, WORDS]
    assert told[1] is plain


def test_of_too_many_media_the_newest_stay() -> None:
    """The history's files have a share of the request; older ones are named."""
    beside = [{"type": "image", "base64_data": "x" * (3_500_000 - 200)}]
    told = with_media_for([turn(PICTURE), turn(PICTURE), turn(PICTURE)], ALL, beside=beside)

    contents = [message["content"] for message in told]
    assert contents == ["[image: a.png, image/png]", [PICTURE], [PICTURE]]
