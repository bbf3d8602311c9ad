"""The markers of a ✿ call, and what is passed over between them."""

from strategies.protocols.stream import reasoning
from strategies.protocols.stream.block import Closed
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers, after_blank

FUNCTION, ARGS, RESULT, RETURN = "✿FUNCTION✿", "✿ARGS✿", "✿RESULT✿", "✿RETURN✿"
MARKERS = (FUNCTION, ARGS, RESULT, RETURN)
BORDERS = (*MARKERS, reasoning.OPEN, reasoning.CLOSE)
"""What ends a call, and what may begin one."""
IN_TEXT = Markers(BORDERS)
COLONS = (":", "：")
CLOSED = Closed(junk=frozenset(("<|im_end|>", "<|endoftext|>")))


def skip_blank(cursor: Cursor) -> bool:
    """Read white space; tell whether more text follows."""
    cursor.at = after_blank(cursor.text, cursor.at)
    return cursor.at < len(cursor.text)


def passes_colon(cursor: Cursor) -> bool:
    """Read white space and a colon, if one follows."""
    skip_blank(cursor)
    if cursor.text[cursor.at : cursor.at + 1] in COLONS:
        cursor.at += 1
        return True
    return False
