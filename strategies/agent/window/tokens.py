"""How many tokens a prompt has, without a tokenizer.

What each feature of a text (shapes.py) costs was measured once with six real tokenizers on 1.6
million characters of prose in twelve languages, code, JSON, logs, tables and noise: the table
below. A model whose name tells its tokenizer starts from that column, any other from the mean of
the newer ones.

Every reply reports what its prompt really cost. `Estimator.corrected` learns from that as a Kalman
filter does: the surprise goes to those features that the prompt was full of and whose price is
least certain, and because prices go together in the known tokenizers, what is learned from one
kind of text also helps with the next. What stays unexplained is kept as a remainder of the prompt
that will be sent again. So one reply to an English prompt does not spoil the price of Chinese.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

from strategies.agent.window.text_features import EMPTY, FEATURES, Shape

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
    "messages": (4.0, 4.0, 5.0, 5.0, 4.0, 3.0),
    "media": (1000.0, 1000.0, 1400.0, 1300.0, 1000.0, 1000.0),
}

_FAMILIES = (
    ("qwen", r"qwen|qwq|qvq|tongyi|gemini|gemma"),  # also distilled ones; all count digit by digit
    ("o200k", r"gpt-?4o|gpt-?4\.[15]|gpt-?5|gpt-oss|chatgpt|\bo[134]\b"),
    ("cl100k", r"gpt-?4|gpt-?3|gpt-?35"),
    ("claude", r"claude"),
    ("tekken", r"[mp]i[sx]tral|mixtral|codestral|magistral|devstral|tekken"),
    ("deepseek", r"deepseek|glm|kimi|moonshot"),
)

_OWN_DOUBT = 0.2
"""Standard deviation of a price within one tokenizer, from text to text, as a share of it."""

_NOISE = 0.035
"""Standard deviation of a whole prompt's estimate that no prices explain, as a share of it."""

_LEAST, _MOST = 0.4, 4.0
"""Reports beyond these multiples of the estimate count something else: some providers leave out
what they had cached, and a wrong lesson would end in a prompt that is too long."""

type _Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """What the features cost for one model, as far as its replies have shown."""

    prices: tuple[float, ...]
    doubt: _Matrix
    """Covariance of the prices."""
    remainder: float = 0.0
    """Tokens of the last reported prompt that the prices do not explain; may be negative."""
    explained: float = 0.0
    """Tokens of the last reported prompt that they do."""

    def tokens(self, shape: Shape) -> int:
        """Estimate the tokens of a whole prompt."""
        return self.whole(self.priced(shape))

    def whole(self, priced: float) -> int:
        """Estimate a whole prompt whose parts have been priced."""
        if not self.explained:
            return round(priced)
        return round(priced + self.remainder * min(1.0, priced / self.explained))

    def priced(self, shape: Shape) -> float:
        """Estimate a part of a prompt, without the remainder."""
        return sum(map(mul, self.prices, shape))

    def corrected(self, shape: Shape, prompt_tokens: int) -> "Estimator":
        """Learn from what a reply reports of its prompt; nonsense is ignored."""
        priced = self.priced(shape)
        if not _LEAST * priced <= prompt_tokens <= _MOST * priced or not priced:
            return self
        reach = [sum(cell * x for cell, x in zip(row, shape, strict=True)) for row in self.doubt]
        total = sum(r * x for r, x in zip(reach, shape, strict=True)) + (_NOISE * priced) ** 2
        gain = [r / total for r in reach]
        surprise = prompt_tokens - priced
        prices = tuple(
            max(price + g * surprise, price / 4) for price, g in zip(self.prices, gain, strict=True)
        )
        learned = Estimator(prices=prices, doubt=_reduced(self.doubt, gain, reach))
        explained = learned.priced(shape)
        return Estimator(
            prices=prices,
            doubt=learned.doubt,
            remainder=prompt_tokens - explained,
            explained=explained,
        )


@lru_cache(maxsize=64)
def estimator_for(model: str) -> Estimator:
    """Return the estimator to begin with for a model of this name."""
    name = model.lower()
    family = next((family for family, known in _FAMILIES if re.search(known, name)), None)
    columns = [_column(name) for name in ([family] if family else _NEWER)]
    prices = tuple(map(_mean, zip(*columns, strict=True)))
    return Estimator(prices=prices, doubt=_doubt(prices))


def _column(tokenizer: str) -> tuple[float, ...]:
    index = _TOKENIZERS.index(tokenizer)
    return tuple(_PRICES[feature][index] for feature in FEATURES)


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _doubt(prices: tuple[float, ...]) -> _Matrix:
    """How prices vary together among the known tokenizers, and each by itself."""
    rows = [_PRICES[feature] for feature in FEATURES]
    apart = [[price - _mean(row) for price in row] for row in rows]
    return tuple(
        tuple(
            sum(a * b for a, b in zip(apart[i], apart[j], strict=True)) / (len(_TOKENIZERS) - 1)
            + ((_OWN_DOUBT * prices[i]) ** 2 if i == j else 0.0)
            for j in range(len(EMPTY))
        )
        for i in range(len(EMPTY))
    )


def _reduced(doubt: _Matrix, gain: list[float], reach: list[float]) -> _Matrix:
    return tuple(
        tuple(cell - g * r for cell, r in zip(row, reach, strict=True))
        for row, g in zip(doubt, gain, strict=True)
    )
