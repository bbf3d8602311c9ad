"""What a text consists of, counted fast enough to be done for every prompt.

A tokenizer cuts text into words, runs of punctuation, digits, characters of this or that script.
How many tokens each of them costs differs from model to model (tokens.py); how many there are of
each does not.

The text is taken as UTF-8, in which the first byte of a character tells its script. One
translation turns every character into one letter for its class; all else is `bytes.count`, at some
50 MB/s.
"""

from collections.abc import Mapping

FEATURES = (
    "words",  # runs of Latin letters
    "long",  # eights of letters within one word
    "humps",  # capitals inside words where no word begins: base64
    "camels",  # capitals inside words where one does
    "capitals",  # pairs of capitals
    "signs",  # ASCII punctuation
    "sign_runs",
    "lines",  # line ends
    "gaps",  # runs of two and more blanks, such as indentation
    "blank_digits",  # a blank before a number is a token of its own
    "numbers",
    "digits",
    "han",
    "kana",  # with the punctuation of Chinese and Japanese
    "hangul",
    "cyrillic",  # and Greek
    "semitic",  # Arabic, Hebrew
    "indic",  # and Thai, Vietnamese marks, everything else of three bytes
    "symbols",  # dashes, arrows, quotation marks
    "emoji",  # and rare characters
    "accents",
)

_SAMPLED_FROM = 300_000
"""Characters; of longer texts evenly spaced pieces are counted, so that no text takes long."""

_PIECES, _PIECE = 32, 6_000


def count_features(text: str) -> tuple[int, ...]:
    """Count how many there are of each of FEATURES in a text."""
    if len(text) <= _SAMPLED_FROM:
        return _counted(text)
    step = (len(text) - _PIECE) / (_PIECES - 1)
    starts = [int(index * step) for index in range(_PIECES)]
    sample = zip(*(_counted(text[start : start + _PIECE]) for start in starts), strict=True)
    return tuple(sum(counts) * len(text) // (_PIECES * _PIECE) for counts in sample)


# Classes of characters, by the first byte of their UTF-8 form.


def _class_of(byte: int) -> str:
    if byte >= 0x80:  # noqa: PLR2004 (the end of ASCII)
        return next(name for last, name in _LEAD_BYTES if byte <= last)
    character = chr(byte)
    if character.isalpha():
        return "a" if character.islower() else "A"
    if character.isdigit():
        return "0"
    if character in "\r\n":
        return "\n"
    return " " if character.isspace() else "."


_LEAD_BYTES = (
    (0xC2, "s"),  # continuation bytes are deleted; C2 is « § and the like
    (0xCB, "e"),
    (0xD3, "r"),
    (0xDF, "h"),
    (0xE1, "i"),
    (0xE2, "s"),
    (0xE3, "k"),
    (0xE9, "c"),
    (0xED, "w"),
    (0xEE, "s"),
    (0xEF, "k"),  # full-width forms; the variation selectors of emoji are few
    (0xFF, "x"),
)


def _only(classes: Mapping[str, str]) -> bytes:
    """Make a translation that keeps some classes and turns the others into `-`."""
    return bytes(ord(classes.get(chr(byte), "-")) for byte in range(256))


_CLASSES = bytes(ord(_class_of(byte)) for byte in range(256))
_CONTINUATION = bytes(range(0x80, 0xC0))
_LETTERS = _only({"a": "a", "A": "a", "e": "a"})
_BLANKS = _only({" ": " "})
_DIGITS = _only({"0": "0"})
_SIGNS = _only({".": "."})


def _counted(text: str) -> tuple[int, ...]:
    classes = text.encode("utf-8", "surrogatepass").translate(_CLASSES, _CONTINUATION)
    letters = b"-" + classes.translate(_LETTERS)
    blanks = b"-" + classes.translate(_BLANKS)
    digits = b"-" + classes.translate(_DIGITS)
    signs = b"-" + classes.translate(_SIGNS)
    count = classes.count
    camels = count(b"aAaa")
    return (
        letters.count(b"-a"),
        letters.count(b"aaaaaaaa"),
        count(b"aA") - camels,
        camels,
        count(b"AA"),
        count(b"."),
        signs.count(b"-."),
        count(b"\n"),
        blanks.count(b"-  "),
        count(b" 0"),
        digits.count(b"-0"),
        count(b"0"),
        count(b"c"),
        count(b"k"),
        count(b"w"),
        count(b"r"),
        count(b"h"),
        count(b"i"),
        count(b"s"),
        count(b"x"),
        count(b"e"),
    )
