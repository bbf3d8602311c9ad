"""The demo model behind OpenAI's HTTP: /v1/chat/completions on loopback, streaming or not."""

import json
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from workbench.base.loopback import Handler, LoopbackServer
from workbench.base.ports import Json
from workbench.model.demo import Reply, reply

NAME = "rondo-demo"
_WORD_SECONDS = 0.02
_FRAGMENT = 12
_LARGEST_REQUEST = 16 * 1024 * 1024


class DemoServer(LoopbackServer):
    """The server in threads of this process. A context manager: it stops itself."""

    def __init__(self, *, word_seconds: float = _WORD_SECONDS) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.word_seconds = word_seconds
        super().__init__(self._server)

    @property
    def base_url(self) -> str:
        """The address as OpenAI's clients want it."""
        return f"{self.origin}/v1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    word_seconds: float


class _Handler(Handler, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one chat completion."""
        body = self.read_object(_LARGEST_REQUEST)
        if self.path.rstrip("/") != "/v1/chat/completions":
            self._send(HTTPStatus.NOT_FOUND, _error(f"There is no {self.path} here."))
        elif body is None:
            self._send(HTTPStatus.BAD_REQUEST, _error("The request is not a JSON object."))
        elif body.get("stream"):
            self._stream(body, reply(body))
        else:
            self._send(HTTPStatus.OK, _whole(body, reply(body)))

    def _send(self, status: HTTPStatus, answer: Json) -> None:
        data = json.dumps(answer, ensure_ascii=False).encode()
        self.send_whole(status, {"Content-Type": "application/json; charset=utf-8"}, data)

    def _stream(self, body: Json, said: Reply) -> None:
        kind = "text/event-stream; charset=utf-8"
        self.begin(HTTPStatus.OK, {"Content-Type": kind, "Transfer-Encoding": "chunked"})
        pause: float = self.server.word_seconds if isinstance(self.server, _Server) else 0.0
        try:
            for event in _events(body, said):
                self._send_piece(f"data: {json.dumps(event, ensure_ascii=False)}\n\n")
                time.sleep(pause)
            self._send_piece("data: [DONE]\n\n")
            self._send_piece("")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked has gone

    def _send_piece(self, text: str) -> None:
        # Clients hold back what is not chunked until 512 bytes are there.
        data = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def _events(body: Json, said: Reply) -> Iterator[Json]:
    yield _event(body, {"role": "assistant", "content": ""})
    for piece in _pieces(said.text):
        yield _event(body, {"content": piece})
    for index, call in enumerate(_tool_calls(said)):
        arguments: str = call["function"]["arguments"]
        opening: Json = {**call, "function": {**call["function"], "arguments": ""}, "index": index}
        yield _event(body, {"tool_calls": [opening]})
        for start in range(0, len(arguments), _FRAGMENT):
            fragment: Json = {"arguments": arguments[start : start + _FRAGMENT]}
            yield _event(body, {"tool_calls": [{"index": index, "function": fragment}]})
    yield _event(body, {}, finish=_finish(said))
    yield {**_frame(body, "chat.completion.chunk"), "choices": [], "usage": _usage(body, said)}


def _pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    for index, word in enumerate(words):
        yield word if index == len(words) - 1 else f"{word} "


def _event(body: Json, delta: Json, finish: str | None = None) -> Json:
    choice: Json = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_frame(body, "chat.completion.chunk"), "choices": [choice]}


def _whole(body: Json, said: Reply) -> Json:
    message: Json = {"role": "assistant", "content": said.text}
    if said.calls:
        message["tool_calls"] = _tool_calls(said)
    return {
        **_frame(body, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(said)}],
        "usage": _usage(body, said),
    }


def _frame(body: Json, kind: str) -> Json:
    return {
        "id": "chatcmpl-demo",
        "object": kind,
        "created": int(time.time()),
        "model": body.get("model") or NAME,
    }


def _tool_calls(said: Reply) -> list[Json]:
    return [
        {
            "id": f"call_{uuid.uuid4().hex[:12]}",
            "type": "function",
            "function": {
                "name": call.tool,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            },
        }
        for call in said.calls
    ]


def _finish(said: Reply) -> str:
    return "tool_calls" if said.calls else "stop"


def _usage(body: Json, said: Reply) -> Json:
    # About four characters a token: the demo model has no tokenizer to be exact with.
    prompt = len(json.dumps(body.get("messages"), ensure_ascii=False)) // 4
    completion = (len(said.text) + len(json.dumps(_tool_calls(said)))) // 4
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _error(text: str) -> Json:
    return {"error": {"message": text, "type": "invalid_request_error"}}
