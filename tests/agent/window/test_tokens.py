"""The token estimate against counts of real tokenizers.

token_samples.json holds texts of our own and what six tokenizers made of them: o200k and cl100k
(GPT), Claude 2's, Qwen's, DeepSeek's and Mistral's tekken. The counts were measured once.
"""

import json
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.window.text_features import (
    EMPTY,
    Shape,
    add,
    shape_of_message,
    shape_of_text,
    shape_of_tools,
)
from strategies.agent.window.tokens import Estimator, estimator_for
from strategies.protocols.base import ToolSpec

SAMPLES: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("token_samples.json").read_text(encoding="utf-8")
)
MODELS = {
    "o200k": "gpt-4o-mini",
    "cl100k": "gpt-4-turbo",
    "claude2": "claude-sonnet-4",
    "qwen": "qwen3-max",
    "deepseek": "deepseek-chat",
    "tekken": "mistral-large-latest",
}
MODERN = ("o200k", "qwen", "deepseek", "tekken")
KINDS = {
    "English": ("english", "english_technical"),
    "Chinese": ("chinese", "chinese_technical"),
    "code": ("python", "javascript"),
    "JSON": ("json_pretty", "json_compact", "json_schema", "json_chinese"),
}


def shape_of(*names: str) -> Shape:
    """Count several samples as one prompt."""
    return add(*(shape_of_text(SAMPLES[name]["text"]) for name in names))


def count_of(tokenizer: str, *names: str) -> int:
    """Say what a real tokenizer counts for several samples."""
    counts: list[dict[str, int]] = [json.loads(json.dumps(SAMPLES[n]["tokens"])) for n in names]
    return sum(count[tokenizer] for count in counts)


def after(model: str, tokenizer: str, *names: str) -> Estimator:
    """Return the estimator after one reply to a prompt of these samples."""
    return estimator_for(model).corrected(shape_of(*names), count_of(tokenizer, *names))


def error(estimator: Estimator, tokenizer: str, *names: str) -> float:
    """Return the estimate's relative error."""
    return estimator.tokens(shape_of(*names)) / count_of(tokenizer, *names) - 1


@pytest.mark.parametrize("tokenizer", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_within_ten_percent_after_the_first_reply(tokenizer: str, kind: str) -> None:
    """The next round adds as much again of the same kind of text."""
    first, second = KINDS[kind][:2]
    # GPT-4 and Claude 2 know the words of technical Chinese whole and spell prose out in bytes:
    # 0.80 tokens a character against 1.29. No first reply can tell.
    limit = 0.19 if kind == "Chinese" and tokenizer not in MODERN else 0.1

    assert abs(error(after(MODELS[tokenizer], tokenizer, first), tokenizer, first, second)) < limit


@pytest.mark.parametrize("tokenizer", MODERN)
def test_within_twelve_percent_when_results_are_of_another_kind(tokenizer: str) -> None:
    """The first prompt is of one kind, the tool results of round 2 of another; all pairs."""
    errors = {
        (before, added): error(
            after(MODELS[tokenizer], tokenizer, before), tokenizer, before, added
        )
        for before, added in product([name for names in KINDS.values() for name in names], repeat=2)
    }
    beyond = {pair: round(miss, 3) for pair, miss in errors.items() if abs(miss) >= 0.1}

    assert len(beyond) <= 3
    assert max(map(abs, errors.values())) < 0.125


@pytest.mark.parametrize("tokenizer", MODELS)
def test_an_unknown_model_is_learned_in_two_replies(tokenizer: str) -> None:
    """Without a name that tells the tokenizer, two replies are enough for all their kinds."""
    first = ("english", "python", "json_schema")
    second = (*first, "log", "chinese", "json_pretty")
    estimator = after("my-private-model", tokenizer, *first)
    estimator = estimator.corrected(shape_of(*second), count_of(tokenizer, *second))

    assert abs(error(estimator, tokenizer, *second)) < 0.01
    assert abs(error(estimator, tokenizer, *second, "json_compact", "html", "csv")) < 0.1


@pytest.mark.parametrize("tokenizer", MODELS)
@pytest.mark.parametrize(
    "name",
    sorted(set(SAMPLES) - {"hindi", "whitespace", "chinese_technical"}),
)
def test_the_first_estimate_is_near(tokenizer: str, name: str) -> None:
    """Before any reply, short texts of every kind and script are within a fifth."""
    assert abs(error(estimator_for(MODELS[tokenizer]), tokenizer, name)) < 0.21


def test_chinese_is_not_counted_as_english() -> None:
    """T7: four characters a token would take a Chinese prompt for a third of what it is."""
    text = SAMPLES["chinese"]["text"]

    assert estimator_for("qwen-max").tokens(shape_of_text(text)) > len(text) / 2


def test_one_reply_in_english_leaves_the_price_of_chinese() -> None:
    """What a prompt did not hold is hardly touched by its report."""
    before = estimator_for("qwen-max")
    taught = before.corrected(shape_of("english"), round(count_of("qwen", "english") * 1.15))
    chinese = shape_of("chinese")

    assert abs(taught.priced(chinese) / before.priced(chinese) - 1) < 0.1


@pytest.mark.parametrize("reported", [0, -1, 10, 10_000_000])
def test_nonsense_is_not_learned(reported: int) -> None:
    """Some providers report nothing, or only what was not cached."""
    estimator = estimator_for("gpt-4o")

    assert estimator.corrected(shape_of("english"), reported) == estimator


def test_an_empty_prompt_costs_nothing_and_teaches_nothing() -> None:
    """No division by zero."""
    estimator = estimator_for("")

    assert estimator.tokens(EMPTY) == 0
    assert estimator.corrected(EMPTY, 0) == estimator


@given(st.text(max_size=500), st.integers(1, 2_000))
def test_no_text_has_a_negative_price(text: str, reported: int) -> None:
    """Also after a reply that reported something odd."""
    shape = shape_of_text(text)
    estimator = estimator_for("qwen3").corrected(shape, reported)

    assert all(count >= 0 for count in shape)
    assert all(price > 0 for price in estimator.prices)
    assert estimator.priced(shape) >= 0


@given(st.lists(st.tuples(st.sampled_from(sorted(SAMPLES)), st.floats(0.5, 2)), max_size=6))
def test_the_last_report_is_always_met(replies: list[tuple[str, float]]) -> None:
    """Sent again, the same prompt is estimated at what was reported for it."""
    estimator = estimator_for("")
    for name, factor in replies:
        reported = round(estimator.tokens(shape_of(name)) * factor)
        learned = estimator.corrected(shape_of(name), reported)
        if learned is not estimator:
            assert learned.tokens(shape_of(name)) == pytest.approx(reported, abs=1)
        estimator = learned


def test_pictures_have_a_flat_cost() -> None:
    """A picture costs the same whatever the size of its base64."""
    estimator = estimator_for("gpt-4o")
    prices = [
        estimator.tokens(
            shape_of_message(
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "base64_data": "A" * size, "format": "png"},
                        {"type": "text", "data": "What is this?"},
                    ],
                }
            )
        )
        for size in (10, 1_000_000)
    ]

    assert prices[0] == prices[1]
    assert 900 < prices[0] < 1_500


def test_calls_and_tools_are_counted() -> None:
    """Arguments of calls and declarations of tools are part of the prompt."""
    estimator = estimator_for("gpt-4o")
    arguments = json.dumps({"text": "word " * 500})
    call = {"id": "1", "type": "function", "function": {"name": "write", "arguments": arguments}}
    tool = ToolSpec(name="write", description="word " * 300, parameters={"type": "object"})

    assert estimator.tokens(
        shape_of_message({"role": "assistant", "content": "", "tool_calls": [call]})
    ) == pytest.approx(500, rel=0.1)
    assert estimator.tokens(shape_of_tools([tool])) == pytest.approx(310, rel=0.1)


def test_a_message_without_content_costs_little() -> None:
    """Content that is missing or of no known form does not break the count."""
    assert estimator_for("").tokens(shape_of_message({"role": "assistant", "content": None})) < 10


@pytest.mark.timed
def test_counting_is_fast() -> None:
    """Some fifty megabytes a second on a quiet machine; a huge text is sampled in a moment."""
    text = " ".join(sample["text"] for sample in SAMPLES.values()) * 20
    start = time.process_time()
    whole = shape_of_text(text[:290_000])
    first = time.process_time() - start
    huge = shape_of_text(text * 40)

    assert len(text[:290_000].encode()) / first > 2_000_000
    assert time.process_time() - start - first < 5
    estimator = estimator_for("")
    assert estimator.priced(huge) / len(text * 40) == pytest.approx(
        estimator.priced(whole) / 290_000, rel=0.1
    )
