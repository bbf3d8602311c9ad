"""What a builder reads in Dify's editor: four languages, short labels, a sensible order."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from strategies.dify.inputs.parameters import PROTOCOLS

ROOT = Path(__file__).parent.parent
FILES = ("manifest.yaml", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("*/*.yaml")))
STRATEGIES = sorted(ROOT.glob("strategies/*.yaml"))
LANGUAGES = {"en_US", "zh_Hans", "ja_JP", "pt_BR"}
TEXT_KEYS = ("label", "description", "help")

LONGEST_NUMBER_LABEL = 18
"""A longer one runs into the slider beside it; "Maximum iterations" just fits."""

LONGEST_HELP = 300
"""It stands in a small bubble; two or three sentences."""

STOPS = {"en_US": ".", "zh_Hans": "。", "ja_JP": "。", "pt_BR": "."}
DEFAULTS = {
    "en_US": "Default {}.",
    "zh_Hans": "默认 {}。",
    "ja_JP": "既定値は {}。",
    "pt_BR": "Padrão {}.",
}
"""The last sentence of a help."""

BLANK = {
    "string": {"en_US": "blank|empty", "zh_Hans": "留空", "ja_JP": "空", "pt_BR": "vazio"},
    "array[tools]": {"en_US": "empty", "zh_Hans": "留空", "ja_JP": "空", "pt_BR": "vazio"},
    "any": {"en_US": "unset", "zh_Hans": "不设置", "ja_JP": "未設定", "pt_BR": "sem valor"},
}
"""How a help speaks of what was left out."""

FOREIGN_WORDS = {
    "en_US": r"colour|behaviour|whilst",
    "zh_Hans": r"您|[檔預設選擇執應無臺]|缺省",
    "ja_JP": r"デフォルト|コンマ|[变设选执请]|下さい",
    "pt_BR": r"ficheiro|ecrã|predefini|utilizador|\btool\b|default",
}
"""Another country's spelling, another script's characters, or a second word for the same thing."""

SAME_IN_EVERY_LANGUAGE = {"Rondo"}
"""Names that are not translated."""

ORDER = ("model-selector", "array[tools]", "string", "any", "number", "boolean", "string")
"""How the types follow one another; strings that are rarely set come last."""


def load(path: str | Path) -> dict[str, Any]:
    """The YAML file at `path` below the project's root."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def texts(node: Any, where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every translated text below `node`, with its place; an output schema is not translated."""
    if isinstance(node, list):
        for index, item in enumerate(node):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from texts(item, f"{where}[{index}]")
    elif isinstance(node, dict):
        for key, value in node.items():  # pyright: ignore[reportUnknownVariableType]
            if key in TEXT_KEYS:
                yield f"{where}.{key}", value
            elif key != "output_schema":
                yield from texts(value, f"{where}.{key}")


def all_texts() -> list[Any]:
    """Every translated text of the plugin, as a test parameter."""
    found = [entry for file in FILES for entry in texts(load(file), file)]
    return [pytest.param(text, id=where) for where, text in found]


def parameters() -> list[Any]:
    """Every parameter of every strategy, as a test parameter."""
    return [
        pytest.param(parameter, id=f"{path.stem}.{parameter['name']}")
        for path in STRATEGIES
        for parameter in load(path)["parameters"]
    ]


@pytest.mark.parametrize("text", all_texts())
def test_a_text_is_there_in_four_languages(text: dict[str, str]) -> None:
    """No language is left out, blank, padded or longer than Dify allows."""
    assert set(text) == LANGUAGES
    assert all(value and value == value.strip() for value in text.values())
    assert all(len(value) < 1024 for value in text.values())


@pytest.mark.parametrize("text", all_texts())
def test_a_translation_is_not_the_english_text(text: dict[str, str]) -> None:
    """A copied text is a forgotten one, names aside."""
    english = text["en_US"]
    copied = [language for language in LANGUAGES - {"en_US"} if text[language] == english]

    assert copied == [] or english in SAME_IN_EVERY_LANGUAGE


@pytest.mark.parametrize("text", all_texts())
def test_a_translation_is_written_in_its_script(text: dict[str, str]) -> None:
    """Chinese has Han characters and no kana, Japanese has either, the others have neither."""
    if text["en_US"] in SAME_IN_EVERY_LANGUAGE:
        return

    assert has_han(text["zh_Hans"])
    assert not has_kana(text["zh_Hans"])
    assert has_han(text["ja_JP"]) or has_kana(text["ja_JP"])
    assert not any(has_han(text[code]) or has_kana(text[code]) for code in ("en_US", "pt_BR"))


@pytest.mark.parametrize("text", all_texts())
def test_a_translation_is_written_as_its_readers_write(text: dict[str, str]) -> None:
    """Punctuation of the script, a blank beside Latin words and digits, the country's own words."""
    for code in ("zh_Hans", "ja_JP"):
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff][,.:;!?()]", text[code]) is None
        assert re.search(r"[\u3040-\u30fa\u4e00-\u9fff][A-Za-z0-9\[]", text[code]) is None
        assert re.search(r"[A-Za-z0-9\]][\u3040-\u30ff\u4e00-\u9fff]", text[code]) is None
    for code, value in text.items():
        assert "  " not in value
        assert re.search(FOREIGN_WORDS[code], value, re.IGNORECASE) is None


def has_han(text: str) -> bool:
    """Whether a Chinese character stands in `text`."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def has_kana(text: str) -> bool:
    """Whether hiragana or katakana stands in `text`."""
    return any("\u3040" <= character <= "\u30ff" for character in text)


@pytest.mark.parametrize("parameter", parameters())
def test_a_parameter_has_a_type_that_the_editor_can_show(parameter: dict[str, Any]) -> None:
    """`select` crashes the editor's page and files are not rendered at all."""
    assert parameter["type"] in ORDER
    assert "options" not in parameter


@pytest.mark.parametrize("parameter", parameters())
def test_a_parameter_explains_itself(parameter: dict[str, Any]) -> None:
    """Each has a label and a help."""
    assert {"name", "type", "required", "label", "help"} <= set(parameter)


@pytest.mark.parametrize("parameter", parameters())
def test_only_numbers_booleans_and_strings_have_defaults(parameter: dict[str, Any]) -> None:
    """A number has limits too: without both the editor shows a bare field and no default."""
    if parameter["type"] == "number":
        assert parameter["min"] <= parameter["default"] <= parameter["max"]
    elif parameter["type"] not in {"boolean", "string"}:
        assert "default" not in parameter


@pytest.mark.parametrize("parameter", parameters())
def test_a_label_is_a_name_and_a_help_is_sentences(parameter: dict[str, Any]) -> None:
    """In every language."""
    for code, stop in STOPS.items():
        assert not parameter["label"][code].endswith((".", "。", ":", "："))
        assert parameter["help"][code].endswith(stop)
        assert len(parameter["help"][code]) <= LONGEST_HELP


@pytest.mark.parametrize("parameter", parameters())
def test_a_help_says_the_default(parameter: dict[str, Any]) -> None:
    """Of a number and a boolean, at its end, in every language: the editor may not show it."""
    if parameter["type"] in {"number", "boolean"}:
        for code, sentence in DEFAULTS.items():
            assert parameter["help"][code].endswith(sentence.format(parameter["default"]))


@pytest.mark.parametrize("parameter", parameters())
def test_a_help_says_what_leaving_it_out_means(parameter: dict[str, Any]) -> None:
    """Of whatever may stay empty and has no default to show."""
    if parameter["required"] or parameter["type"] in {"number", "boolean"}:
        return
    for code, words in BLANK[parameter["type"]].items():
        assert re.search(words, parameter["help"][code], re.IGNORECASE), code


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_the_protocols_are_named(path: Path) -> None:
    """A string is typed in, so its help must list what is understood."""
    helps = [p["help"] for p in load(path)["parameters"] if p["name"] == "tool_protocol"]

    assert len(helps) == 1
    for text in helps[0].values():
        assert set(PROTOCOLS) <= set(re.findall(r"[a-z0-9_]+", text))


@pytest.mark.parametrize("parameter", parameters())
def test_a_boolean_is_never_required(parameter: dict[str, Any]) -> None:
    """The editor takes False for missing."""
    assert parameter["type"] != "boolean" or not parameter["required"]


@pytest.mark.parametrize("parameter", parameters())
def test_a_number_label_fits_beside_its_slider(parameter: dict[str, Any]) -> None:
    """In every language; East Asian characters count double."""
    if parameter["type"] != "number":
        return
    widths = {code: width(label) for code, label in parameter["label"].items()}

    assert max(widths.values()) <= LONGEST_NUMBER_LABEL, widths


def width(label: str) -> int:
    """How many columns `label` takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in label)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_a_strategy_has_one_model_selector_and_it_is_required(path: Path) -> None:
    """A second one that stays empty fails every run."""
    selectors = [p for p in load(path)["parameters"] if p["type"] == "model-selector"]

    assert [(p["name"], p["required"]) for p in selectors] == [("model", True)]


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_the_parameters_stand_in_the_editors_order(path: Path) -> None:
    """What every node sets first, then variables, numbers, booleans, rare strings."""
    declared = load(path)["parameters"]
    kinds = [parameter["type"] for parameter in declared]
    changes = [kind for index, kind in enumerate(kinds) if kinds[:index][-1:] != [kind]]

    assert [p["name"] for p in declared[:4]] == ["model", "tools", "instruction", "query"]
    assert is_subsequence(changes, ORDER), changes


def is_subsequence(part: list[str], whole: tuple[str, ...]) -> bool:
    """Whether `part` is `whole` with some left out."""
    rest = iter(whole)
    return all(item in rest for item in part)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_only_model_and_query_are_required(path: Path) -> None:
    """Everything else has a default or may stay empty."""
    required = [p["name"] for p in load(path)["parameters"] if p["required"]]

    assert required == ["model", "query"]


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_every_parameter_is_declared_once(path: Path) -> None:
    """And no two share a label, in any language."""
    declared = load(path)["parameters"]

    assert len({p["name"] for p in declared}) == len(declared)
    for code in LANGUAGES:
        assert len({p["label"][code] for p in declared}) == len(declared)
