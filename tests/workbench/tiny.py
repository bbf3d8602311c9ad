"""A throw-away plugin for tests of the host: its strategy does what the query's JSON says."""

from pathlib import Path

_MANIFEST = """\
version: 0.0.1
type: plugin
author: tests
name: tiny
label: {en_US: Tiny}
description: {en_US: Does what it is told}
icon: icon.svg
created_at: 2026-11-21T00:00:00Z
resource:
  memory: 1048576
  permission:
    tool: {enabled: true}
    model: {enabled: true, llm: true}
plugins:
  agent_strategies: [provider/rondo.yaml]
meta:
  version: 0.0.2
  arch: [amd64, arm64]
  runner: {language: python, version: "3.12", entrypoint: main}
"""

_MAIN = """\
from dify_plugin import DifyPluginEnv, Plugin

Plugin(DifyPluginEnv()).run()
"""

_PROVIDER_YAML = """\
identity:
  author: tests
  name: rondo
  label: {en_US: Rondo}
  description: {en_US: Rondo}
  icon: icon.svg
strategies: [strategies/function_calling.yaml]
extra: {python: {source: provider/rondo.py}}
"""

_PROVIDER = """\
from dify_plugin.interfaces.agent import AgentProvider


class Rondo(AgentProvider):
    pass
"""

_STRATEGY_YAML = """\
identity: {name: function_calling, author: tests, label: {en_US: Tiny}}
description: {en_US: Tiny}
parameters:
  - {name: model, type: model-selector, required: true, label: {en_US: Model}}
  - {name: query, type: string, required: true, label: {en_US: Query}}
extra: {python: {source: strategies/function_calling.py}}
"""

_STRATEGY = """\
import json
import os
import sys
import time

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.entities.model.message import (
    AssistantPromptMessage,
    ToolPromptMessage,
    UserPromptMessage,
)
from dify_plugin.entities.provider_config import LogMetadata
from dify_plugin.entities.tool import ToolInvokeMessage
from dify_plugin.interfaces.agent import AgentModelConfig, AgentStrategy, ToolEntity


class Tiny(AgentStrategy):
    def _invoke(self, parameters):
        if not parameters["query"].startswith("["):
            yield from self.ask(parameters)
            return
        for order, value in json.loads(parameters["query"]):
            yield from getattr(self, order)(parameters, value)

    def ask(self, parameters):
        # Two rounds: what the model calls, and what it says to the results.
        began = time.perf_counter()
        log = self.create_log_message(label="ROUND 1", data={}, status="start")
        yield log
        messages = [UserPromptMessage(content=parameters["query"])]
        config = AgentModelConfig(**parameters["model"])
        tools = [ToolEntity(**tool) for tool in parameters["tools"]]
        offered = self._init_prompt_tools(tools)
        text, calls, usage = yield from self.listen(config, messages, offered)
        messages.append(AssistantPromptMessage(content=text, tool_calls=calls))
        for call in calls:
            tool = next(tool for tool in tools if tool.identity.name == call.function.name)
            output = self.session.tool.invoke(
                tool.provider_type,
                tool.identity.provider,
                tool.identity.name,
                json.loads(call.function.arguments),
            )
            said = "".join(message.message.text for message in output)
            messages.append(
                ToolPromptMessage(
                    content=said, tool_call_id=call.id, name=call.function.name
                )
            )
        if calls:
            _, _, usage = yield from self.listen(config, messages, offered)
        seconds = time.perf_counter() - began
        yield self.finish_log_message(log=log, metadata={LogMetadata.ELAPSED_TIME: seconds})
        total = {"total_tokens": usage.total_tokens, "total_price": str(usage.total_price)}
        yield self.create_json_message({"execution_metadata": {**total, "currency": "USD"}})

    def listen(self, config, messages, tools):
        text, calls, usage = "", [], None
        for chunk in self.session.model.llm.invoke(config, messages, tools):
            if chunk.delta.message.content:
                text += chunk.delta.message.content
                yield self.create_text_message(chunk.delta.message.content)
            calls += chunk.delta.message.tool_calls
            usage = chunk.delta.usage or usage
        return text, calls, usage

    def say(self, parameters, value):
        yield self.create_text_message(value)

    def burst(self, parameters, value):
        for number in range(value):
            yield self.create_text_message(f"{number} ")

    def raw(self, parameters, value):
        yield value

    def blob(self, parameters, value):
        yield ToolInvokeMessage(
            type=ToolInvokeMessage.MessageType.BLOB,
            message=ToolInvokeMessage.BlobMessage(blob=b"x" * value),
            meta={"mime_type": "text/plain"},
        )

    def nap(self, parameters, value):
        time.sleep(value)
        yield from ()

    def compute(self, parameters, value):
        end = time.perf_counter() + value
        while time.perf_counter() < end:
            pass
        yield from ()

    def fail(self, parameters, value):
        raise ValueError(value)

    def die(self, parameters, value):
        print("the last words", file=sys.stderr, flush=True)
        os._exit(value)

    def environment(self, parameters, value):
        yield self.create_text_message(str(os.environ.get(value)))

    def model(self, parameters, value):
        request = {
            "provider": parameters["model"]["provider"],
            "model": parameters["model"]["model"],
            "model_type": "llm",
            "mode": "chat",
            "completion_params": {},
            "prompt_messages": [{"role": "user", "content": "Hi"}],
            "tools": None,
            "stop": None,
            "stream": True,
            **(value or {}),
        }
        invoke = self.session.model.llm._backwards_invoke
        for chunk in invoke(InvokeType.LLM, dict, request):
            yield self.create_text_message(chunk["delta"]["message"]["content"])

    def count_after(self, parameters, value):
        invoke = self.session.model.llm._backwards_invoke
        request = {"prompt_messages": [{"role": "user", "content": "Hi"}]}
        chunks = invoke(InvokeType.LLM, dict, request)
        next(chunks)
        yield from self.compute(parameters, value)
        yield self.create_text_message(str(1 + sum(1 for _ in chunks)))

    def tool(self, parameters, value):
        request = {"tool_type": "builtin", "provider": "p", "tool_parameters": {}, **value}
        for message in self.session.tool._backwards_invoke(InvokeType.Tool, dict, request):
            yield message

    def storage(self, parameters, value):
        yield self.create_text_message(str(self.session.storage.get(value)))
"""


def write_plugin(directory: Path) -> Path:
    """Write the plugin's files and return its directory."""
    files = {
        "manifest.yaml": _MANIFEST,
        "main.py": _MAIN,
        "_assets/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "provider/rondo.yaml": _PROVIDER_YAML,
        "provider/rondo.py": _PROVIDER,
        "strategies/function_calling.yaml": _STRATEGY_YAML,
        "strategies/function_calling.py": _STRATEGY,
    }
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory
