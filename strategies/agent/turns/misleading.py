"""Text that could hide or forge what is shown behind it.

A reader is asked for approval behind what the model has written, and Dify renders that as Markdown
with raw HTML: a comment that is never closed swallows the question, and a button, or a link of
Dify's own kind (`abbr:yes`), sends an answer in the reader's name under any label. Code fences do
no harm: they are closed before what follows.
"""

import re

_MARKUP = re.compile(
    r"""
      <[!?]                                  # a comment or a declaration
    | <(?:button|form|details|summary|dialog|style|template|script|noscript|input|select|option
        |textarea|iframe|title|svg|math|xmp|plaintext|object|video|audio|canvas|datalist|noembed
        |noframes|frameset|head|think)\b
    | <(?!\w+://[^\s<>]+>)[a-z][\w:-]*[\s/]+[^\s/>]  # a tag with attributes, and no plain address
    | \]\(\s*<?(?:abbr|&|\\)                 # a link that sends a message
    | \]:\s*<?(?:abbr|&|\\)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def may_mislead(shown: str) -> bool:
    """Tell whether a text may hide a question behind it, or answer it when it is clicked."""
    return bool(_MARKUP.search(shown))
