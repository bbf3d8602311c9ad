"""How many tokens a prompt has, without a tokenizer.

What each feature of a text (text_features.py) costs was measured once with six real tokenizers on
1.6 million characters of prose in twelve languages, code, JSON, logs, tables and noise: the table
below. A model whose name tells its tokenizer is counted by that column, any other by the mean of
the newer ones.

Every reply reports what its prompt really had. The next prompt is that one and what came to it, so
the report is taken as it is and only the rest is estimated.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import cast

from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import calls_of
from strategies.agent.prompt.media import is_medium, parts_of
from strategies.agent.window.text_features import FEATURES, count_features
from strategies.protocols.base import ToolSpec
from strategies.protocols.writing.rendering import function_of

_TOKENIZERS = ("o200k", "cl100k", "claude", "qwen", "deepseek", "tekken")
_NEWER = ("o200k", "qwen", "deepseek", "tekken")

# Tokens per feature.   o200k cl100k claude qwen  deepseek tekken
_PRICES: dict[str, tuple[float, ...]] = {
    "words": (0.98, 0.92, 1.05, 0.92, 0.97, 0.97),
    "long": (0.47, 1.04, 0.86, 1.00, 0.78, 0.27),
    "humps": (2.17, 2.36, 1.99, 2.22, 1.93, 2.22),
    "camels": (0.47, 0.06, 1.24, 0.05, 0.82, 0.52),
    "capitals": (0.33, 0.30, 0.47, 0.32, 0.56, 0.62),
    "signs": (0.21, 0.17, 0.20, 0.16, 0.26, 0.32),
    "sign_runs": (0.58, 0.61, 0.72, 0.61, 0.54, 0.38),
    "lines": (0.10, 0.10, 0.10, 0.10, 0.10, 0.58),
    "gaps": (1.23, 1.21, 0.91, 1.43, 1.31, 1.17),
    "blank_digits": (0.79, 0.77, 0.02, 0.59, 0.76, 0.75),
    "numbers": (0.62, 0.69, 0.41, 0.16, 0.64, 0.22),
    "digits": (0.33, 0.32, 0.39, 1.04, 0.33, 1.01),
    "han": (0.80, 1.11, 1.01, 0.72, 0.63, 1.01),
    "kana": (0.72, 1.02, 1.05, 0.65, 0.69, 0.63),
    "hangul": (0.77, 1.21, 1.39, 0.87, 0.87, 0.69),
    "cyrillic": (0.30, 0.50, 0.60, 0.38, 0.36, 0.33),
    "semitic": (0.36, 0.85, 1.11, 0.43, 0.45, 0.35),
    "indic": (0.42, 1.10, 1.52, 0.66, 0.51, 0.51),
    "symbols": (0.78, 0.74, 0.73, 0.99, 0.61, 1.16),
    "emoji": (2.03, 3.88, 3.52, 1.70, 2.27, 4.96),
    "accents": (1.77, 3.09, 4.23, 2.89, 2.94, 2.15),
}

_FAMILIES = (
    ("qwen", r"qwen|qwq|qvq|tongyi|gemini|gemma"),  # also distilled ones; all count digit by digit
    ("o200k", r"gpt-?4o|gpt-?4\.[15]|gpt-?5|gpt-oss|chatgpt|\bo[134]\b"),
    ("cl100k", r"gpt-?4|gpt-?3|gpt-?35"),
    ("claude", r"claude"),
    ("tekken", r"[mp]i[sx]tral|mixtral|codestral|magistral|devstral|tekken"),
    ("deepseek", r"deepseek|glm|kimi|moonshot"),
)

_MESSAGE = 4
"""Tokens around each message."""

_MEDIUM = 1_200
"""Tokens of a picture, sound or file: providers count a picture at some 1,000 to 1,400."""

_LEAST, _MOST = 0.4, 4.0
"""Reports beyond these multiples of the estimate count something else: some providers leave out
what they had cached, and a wrong lesson would end in a prompt that is too long."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates tokens for one model."""

    prices: tuple[float, ...]
    """Tokens for each of FEATURES."""

    def of_text(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return round(sum(map(mul, self.prices, count_features(text))))

    def of_message(self, message: Message) -> int:
        """Estimate the tokens of a message with its calls and media."""
        media = sum(map(is_medium, parts_of(message)))
        return _MESSAGE + media * _MEDIUM + sum(map(self.of_text, _texts(message)))

    def of_tools(self, tools: Sequence[ToolSpec]) -> int:
        """Estimate the tokens of the tools' declarations."""
        return sum(self.of_text(_declaration(tool)) for tool in tools)


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider counted for a prompt, beside the estimate for the same prompt."""

    counted: int = 0
    estimated: int = 0
    """In tokens, as `counted`; 0 where nothing has been reported."""

    @property
    def is_plausible(self) -> bool:
        """Whether the provider can have counted the whole prompt."""
        return self.counted > 0 and (
            _LEAST * self.estimated <= self.counted <= _MOST * self.estimated
        )

    def corrected(self, estimate: int) -> int:
        """Correct the estimate of a prompt that begins with the counted one, or with part of it."""
        if not self.estimated:
            return estimate
        shared = min(1.0, estimate / self.estimated)
        return estimate + round((self.counted - self.estimated) * shared)


@lru_cache(maxsize=64)
def estimator_for(model: str) -> Estimator:
    """Return the estimator for a model of this name."""
    name = model.lower()
    family = next((family for family, known in _FAMILIES if re.search(known, name)), None)
    columns = [_TOKENIZERS.index(name) for name in ([family] if family else _NEWER)]
    rows = [_PRICES[feature] for feature in FEATURES]
    return Estimator(tuple(sum(row[column] for column in columns) / len(columns) for row in rows))


def _texts(message: Message) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in parts_of(message):
        if not is_medium(part):
            yield str(part.get("data") or "")
    for call in calls_of(message):
        function = cast("Mapping[str, object]", call.get("function") or {})
        yield f"{function.get('name')} {function.get('arguments')}"


def _declaration(tool: ToolSpec) -> str:
    declared = {"type": "function", "function": function_of(tool)}
    return json.dumps(declared, ensure_ascii=False, default=str)
