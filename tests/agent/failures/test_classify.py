"""The texts of failed model calls, sorted by what may help and said in one line."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.failures.classify import ModelFailure, classify
from strategies.agent.failures.error_text import MAX_SENTENCE, seconds_to_wait, sentence
from strategies.agent.interface.ports import ModelError


def sorted_text(text: str) -> ModelFailure:
    """Sort an error of which there is only the text."""
    return classify(ModelError(text))


def test_a_silent_failure_is_unknown_and_still_says_something() -> None:
    """A blank text gives a sentence all the same."""
    assert sorted_text("") == ModelFailure(
        kind="unknown", message="The model failed without saying why."
    )


@pytest.mark.parametrize(
    "text",
    [
        "the limit 429 tokens was not kept",
        "expected 500 items",
        "article 503 has no author",
        "code 404ms",
        "took 502 ms",
    ],
)
def test_a_number_is_no_status(text: str) -> None:
    """A number that only looks like a status does not make a failure transient or permanent."""
    assert sorted_text(text).kind == "unknown"


def test_wrong_key_and_bad_request_are_not_tried_again() -> None:
    """Qwen-Agent W9: 400 and 401 were retried for half an hour, because their code was None."""
    kinds = {sorted_text(f"Error code: {status} - {{'error': {{'code': None}}}}").kind
             for status in (400, 401, 403, 404, 422)}  # fmt: skip

    assert kinds == {"bad_request", "authorisation"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 1.2s.", 1.2),
        ("Please try again in 644ms.", 0.644),
        ("Please try again in 6m0s.", 360),
        ("try again in 1h2m3s", 3723),
        ("please try again after 1 seconds", 1),
        ("Please retry after 20 seconds.", 20),
        ("Retry-After: 3", 3),
        ("'retry-after': '7'", 7),
        ("retry-after-ms: 500", 0.5),
        ('"retryDelay": "50s"', 50),
        ("Please retry in 21.760153976s.", 21.760153976),
        ("请在 5 秒后重试", 5),
        ("请 2 分钟后再试", 120),
        ("请求过于频繁，请稍后再试", None),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("Limit 30000, Used 29937", None),
    ],
)
def test_the_provider_says_when_to_come_back(text: str, seconds: float | None) -> None:
    """Waits are read in every usual wording and unit."""
    assert seconds_to_wait(text) == (None if seconds is None else pytest.approx(seconds))


def test_only_a_transient_failure_has_a_wait() -> None:
    """A quota that comes back in a minute is transient, one of 0 never comes back."""
    text = "429 You exceeded your current quota. Quota exceeded, limit: {}. Please retry in 30s."

    assert sorted_text(text.format(10)).retry_after == 30
    assert sorted_text(text.format(0)) == ModelFailure(kind="authorisation", message=text.format(0))


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "AIzaSyA1234567890abcdefghijk",
        "LTAI5tAbcdefghijklmn",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefg",
    ],
)
@pytest.mark.parametrize(
    "around",
    [
        "Incorrect API key provided: {}. See the account page.",
        "refused Bearer {} at the gateway",
        "GET https://example.org/v1?api_key={} failed",
        "header 'Authorization': 'Bearer {}' was refused",
        "key={} password: {}",
    ],
)
def test_a_sentence_holds_no_secret(secret: str, around: str) -> None:
    """Keys are redacted wherever providers repeat them."""
    said = sentence(around.format(secret, secret))

    assert secret not in said
    assert "[hidden]" in said


def test_a_sentence_holds_no_request_id_traceback_or_host_path() -> None:
    """The reader is told what happened, not where in whose code."""
    text = (
        'Traceback (most recent call last):\n  File "/app/plugin/main.py", line 3, in run\n'
        "ValueError: no model at /root/models/a.bin (request id: 20250307021518007512)"
    )

    assert sentence(text) == "ValueError: no model at …"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "peer closed connection without sending complete message body",
            "The connection broke while the model was answering.",
        ),
        (
            "dial tcp 10.0.0.3:5001: connect: connection refused",
            "The model's server could not be reached.",
        ),
    ],
)  # fmt: skip
def test_plumbing_is_said_in_plain_words(text: str, plain: str) -> None:
    """What only makers of servers understand is translated."""
    assert sorted_text(text) == ModelFailure(kind="transient", message=plain)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Error code: 418 - {'errors': [{'message': 'the first of them'}]}", "the first of them"),
        ('{"errors": [], "result": {"list": [{"msg": "far inside"}]}}', "far inside"),
        ('{"message": "{\\"message\\": \\"text in text\\"}"}', "text in text"),
        ('{"base_resp": {"status_code": 1039, "status_msg": "token limit"}}', "token limit"),
        ('{"error": ' * 20 + '"deep"' + "}" * 20, "deep"),
    ],
)
def test_the_providers_own_words_are_found(text: str, said: str) -> None:
    """Each provider has its own shape for an error."""
    assert sentence(text) == said


def test_the_innermost_name_that_is_known_decides_when_no_word_does() -> None:
    """A plugin's own KeyError says less than the family that Dify put it into."""
    error = ModelError("odd", types=("InvokeRateLimitError", "KeyError"))

    assert classify(error) == ModelFailure(kind="transient", message="odd")


def test_the_text_s_own_status_comes_before_that_of_the_layers() -> None:
    """Whoever passed an error on made it a 500."""
    assert classify(ModelError("Error code: 401", statuses=(500,))).kind == "authorisation"
    assert classify(ModelError("odd", statuses=(500,))).kind == "transient"


@given(st.text(max_size=400))
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever comes, there is a short sentence that can be written as UTF-8."""
    failure = sorted_text(text)

    assert 0 < len(failure.message) <= MAX_SENTENCE
    assert failure.message.encode()


@pytest.mark.timed
@pytest.mark.parametrize(
    "piece",
    ["a", " ", "{", '"message":"', "PluginInvokeError: {", "tokens ", 'File "', "/app/", "in 1s "],
)
def test_a_huge_text_takes_no_time(piece: str) -> None:
    """Nothing may hold the process: ten megabytes are sorted in a moment."""
    text = piece * (10_000_000 // len(piece))
    start = time.process_time()
    sorted_text(text)

    assert time.process_time() - start < 0.5
