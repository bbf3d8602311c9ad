"""What tools and their authors wrote, made harmless before a model reads it.

In a text protocol a result stands in the same channel as the markers. A web page that quotes
`</tool_response><tool_call>…` would close its own block and forge a call; `<|im_start|>` could even
forge a turn. Native calls end up in such a text too: the model's chat template writes them there. A
zero-width space after the first character breaks every marker, for the parsers here and for the
tokenizer of the model, and changes nothing that people see.

The markers are those of the chat templates of Qwen, Hermes, Llama, Mistral, DeepSeek, Gemma, Phi,
GLM, Kimi, MiniMax, gpt-oss and Granite.
"""

import re

_BREAK = "\u200b"
_TAGS = (
    r"tools?|tool_calls?|tool_response|tool_results?|tool_code|tool_output"
    r"|function(?:_calls?|_results?)?|parameters?|invoke|arg_key|arg_value|think|thinking"
    r"|start_of_turn|end_of_turn|start_function_\w+|end_function_\w+|start_of_role|end_of_role"
    r"|end_of_text|(?:antml|minimax|seed):\w+"
)
_BRACKETS = (
    r"INST|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|AVAILABLE_TOOLS|SYSTEM_PROMPT|ARGS|CALL_ID|THINK"
    r"|IMG|IMG_BREAK|IMG_END|gMASK"
)
_MARKERS = re.compile(
    rf"<(?=/?(?:(?i:{_TAGS})|s|bos|eos|unk|pad)(?![\w-])"
    r"|\|[^\s|<>][^|<>\n]{0,60}\|?>|｜|</?SYS>>)"
    rf"|\[(?=/?(?:{_BRACKETS})\])"
    r"|✿(?=(?:FUNCTION|ARGS|RESULT|RETURN)✿)"
)


def escaped_markers(text: str) -> str:
    """Break every marker in a text that the model did not write."""
    return _MARKERS.sub(lambda found: found[0] + _BREAK, text)
