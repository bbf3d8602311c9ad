"""The floor: what no strategy can do without. It forwards, and decides nothing.

Two ways: `_forward` is the SDK's own typed calls, one message per chunk. `_wire` is the same
requests and messages as the measured plugin's in rounds with tools, but handed to the SDK as they
are: what is left is the cost of writing and reading the wire.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any, cast

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.entities.model.llm import LLMModelConfig
from dify_plugin.entities.model.message import UserPromptMessage
from dify_plugin.interfaces import agent

type Json = dict[str, Any]


class Floor(agent.AgentStrategy):
    """Forwards the model's text."""

    def _invoke(
        self, parameters: dict[str, Any]
    ) -> Generator[agent.AgentInvokeMessage, None, None]:
        yield from self._wire(parameters) if parameters.get("tools") else self._forward(parameters)

    def _forward(
        self, parameters: dict[str, Any]
    ) -> Generator[agent.AgentInvokeMessage, None, None]:
        config = LLMModelConfig(**parameters["model"])
        messages = [UserPromptMessage(content=parameters["query"])]
        for chunk in self.session.model.llm.invoke(config, [*messages], stream=True):
            if chunk.delta.message.content:
                yield self.create_text_message(str(chunk.delta.message.content))

    def _wire(self, parameters: dict[str, Any]) -> Generator[agent.AgentInvokeMessage, None, None]:
        offered = [_declared(tool) for tool in parameters["tools"]]
        identity = parameters["tools"][0]["identity"]
        messages: list[Json] = [_message("user", parameters["query"])]
        while True:
            calls: list[Json] = []
            for chunk in self._call("llm", _model_request(parameters, messages, offered)):
                said = chunk["delta"]["message"]
                calls += said["tool_calls"]
                if said["content"]:
                    yield cast("Any", {"type": "text", "message": {"text": said["content"]}})
            if not calls:
                return
            messages.append({**_message("assistant", ""), "tool_calls": calls})
            for call in calls:
                request = {
                    "tool_type": "builtin",
                    "provider": identity["provider"],
                    "tool": call["function"]["name"],
                    "tool_parameters": json.loads(call["function"]["arguments"]),
                }
                result = "".join(part["message"]["text"] for part in self._call("tool", request))
                messages.append({**_message("tool", result), "tool_call_id": call["id"]})

    def _call(self, kind: str, request: Json) -> Iterator[Json]:
        door = self.session.model.llm if kind == "llm" else self.session.tool
        return door._backwards_invoke(InvokeType(kind), cast("Any", dict), request)  # noqa: SLF001


def _message(role: str, content: str) -> Json:
    return {"role": role, "content": content, "name": None}


def _declared(tool: Json) -> Json:
    name = tool["identity"]["name"]
    properties = {each["name"]: {"type": "string"} for each in tool["parameters"]}
    return {
        "name": name,
        "description": f"The tool {name}.",
        "parameters": {"type": "object", "properties": properties},
    }


def _model_request(parameters: Json, messages: list[Json], tools: list[Json]) -> Json:
    return {
        "provider": parameters["model"]["provider"],
        "model": parameters["model"]["model"],
        "model_type": "llm",
        "mode": "chat",
        "completion_params": {},
        "prompt_messages": messages,
        "tools": tools,
        "stop": None,
        "stream": True,
    }
