"""Messages of sources against the SDK's own model of them; run in a process of its own."""

import random
from typing import Any

from dify_plugin.entities.invoke_message import InvokeMessage

from strategies.dify.inputs.knowledge import passages_prompt, read_context, resources_message


def test_anything_at_all_is_read() -> None:
    """No value of JSON raises, and the SDK takes what is made of it."""
    chance = random.Random(3)  # noqa: S311 - the same values in every test run

    def value(depth: int) -> Any:
        kind = chance.randrange(8 if depth < 4 else 5)
        if kind >= 6:
            keys = ("content", "title", "url", "metadata", "result", "score", "page")
            return {chance.choice(keys): value(depth + 1) for _ in range(chance.randrange(5))}
        if kind == 5:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        return (None, True, chance.random(), "text", "")[kind]

    for _ in range(2_000):
        read = read_context(value(0))
        message = InvokeMessage.model_validate(resources_message(read)).message
        assert isinstance(message, InvokeMessage.RetrieverResourceMessage)
        assert isinstance(passages_prompt(read, "zh", 1_000), str)
