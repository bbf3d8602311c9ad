"""Which keys name a tool and its arguments where a call is written as JSON, the likeliest first."""

NAME_KEYS = ("name", "tool_name", "function_name", "function", "tool", "action")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "params")
