"""A process of its own for the SDK's OpenAI-compatible model.

Importing the SDK turns the threads of a process into greenlets, which the host must not suffer.
Lines of JSON on stdin are requests, lines on stdout are pieces of answers; calls run side by side.
The key comes in the environment and goes nowhere but into the request's header.
"""

import dify_plugin as _cooperative  # noqa: F401, I001  # pyright: ignore[reportUnusedImport]

import json
import os
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, override

import requests
from dify_plugin.entities.model.llm import LLMResultChunk
from dify_plugin.entities.model.message import PromptMessageTool, ensure_prompt_message
from dify_plugin.errors.model import InvokeBadRequestError, InvokeError
from dify_plugin.interfaces.model.openai_compatible.llm import OAICompatLargeLanguageModel
from gevent.fileobject import FileObject

from workbench.base.ports import Json, objects

KEY_VARIABLE = "WORKBENCH_MODEL_KEY"


class Compatible(OAICompatLargeLanguageModel):
    """The SDK's model; without the tokenizer that it would fetch from the internet."""

    # The SDK names the provider in errors after the third part from the end of this.
    __module__ = "openai_compatible.llm.workbench"

    @override
    def _get_num_tokens_by_gpt2(self, text: str) -> int:
        return len(text) // 4

    @override
    def _generate(self, *arguments: Any, **named: Any) -> Any:
        # Without this most servers count no tokens in a stream. The SDK lets no such parameter
        # through from outside.
        if named.get("stream"):
            asked: Json = named["model_parameters"]
            named["model_parameters"] = {**asked, "stream_options": {"include_usage": True}}
        sdk: Any = super()
        return sdk._generate(*arguments, **named)  # noqa: SLF001 - the one place to add it

    @override
    def _handle_generate_stream_response(self, *arguments: Any, **named: Any) -> Any:
        # The SDK would make an empty reply of these.
        given = (*arguments, *named.values())
        _check_stream(next(each for each in given if isinstance(each, requests.Response)))
        sdk: Any = super()
        return sdk._handle_generate_stream_response(*arguments, **named)  # noqa: SLF001


def answer(request: Json, credentials: Json) -> Iterator[Json]:
    """Yield the pieces of one reply."""
    parameters: Json = dict(request.get("completion_params") or {})
    # An instance times one call at a time.
    model: Any = Compatible([])
    chunks = model.invoke(
        model=request["model"],
        credentials=dict(credentials),
        prompt_messages=[
            ensure_prompt_message(each) for each in objects(request["prompt_messages"])
        ],
        model_parameters=parameters,
        tools=[PromptMessageTool(**tool) for tool in objects(request.get("tools"))] or None,
        stop=request.get("stop") or None,
        stream=True,
        user="workbench",
    )
    for chunk in chunks:
        yield _as_dict(chunk)


def _check_stream(response: requests.Response) -> None:
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise InvokeBadRequestError(
            f"A web page (HTML) came back from {response.url}: is --base-url right? Most end in"
            " /v1."
        )
    if kind.startswith("application/json") and '"message"' in response.text:
        raise InvokeBadRequestError(
            f"{response.url} answered in one piece although a stream was asked for: switch"
            " streaming on in the server."
        )


def _as_dict(chunk: LLMResultChunk) -> Json:
    piece: Json = json.loads(chunk.model_dump_json())
    message = piece["delta"]["message"]
    message.pop("opaque_body", None)
    message["content"] = message["content"] or ""
    return piece


def _serve_one(line: Json, credentials: Json) -> None:
    try:
        for piece in answer(line["request"], credentials):
            _write({"id": line["id"], "piece": piece})
    except Exception as error:  # noqa: BLE001 - every failure is the caller's to judge
        kind = type(error).__name__ if isinstance(error, InvokeError) else "ValueError"
        _write({"id": line["id"], "error": str(error), "kind": kind})
    _write({"id": line["id"], "end": True})


def _write(line: Json) -> None:
    sys.stdout.write(json.dumps(line, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def main() -> None:
    """Serve until stdin ends."""
    credentials: Json = json.loads(sys.argv[1])
    credentials["api_key"] = os.environ.pop(KEY_VARIABLE, "")
    _write({"ready": True})
    for line in FileObject(sys.stdin.fileno(), "rb"):
        threading.Thread(target=_serve_one, args=(json.loads(line), credentials)).start()


if __name__ == "__main__":
    main()
