"""What tools and their authors wrote, made harmless before a model reads it as plain text.

In a text protocol a result stands in the same channel as the markers. A web page that quotes
`</tool_response><tool_call>…` would close its own block and forge a call; `<|im_start|>` could even
forge a turn. A zero-width space after the first character breaks every marker, for the parsers here
and for the tokenizer of the model, and changes nothing that people see.
"""

import re

_BREAK = "\u200b"
_MARKERS = re.compile(
    r"<(?=/?(?:tools?|tool_calls?|tool_response|function(?:_call)?|parameter|think)\b|\|)"
    r"|✿(?=(?:FUNCTION|ARGS|RESULT|RETURN)✿)"
)


def escaped_markers(text: str) -> str:
    """Break every marker in a text that the model did not write."""
    return _MARKERS.sub(lambda found: found[0] + _BREAK, text)
