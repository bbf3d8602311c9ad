"""The rival: rounds of asking and calling one tool after the other, with the SDK's own means.

Written from the description of Dify's tutorial for agent strategies: typed parameters, a log for
each round, each model call and each tool call with `provider` at start and finish, one text message
per chunk, tools in sequence once the reply is complete. Kinder than that in two points: it always
streams, and it does not count the prompt's tokens with a tokenizer in every round.
"""

import json
import time
from collections.abc import Generator
from typing import Any

from dify_plugin.entities.model.llm import LLMUsage
from dify_plugin.entities.model.message import (
    AssistantPromptMessage,
    PromptMessage,
    PromptMessageTool,
    SystemPromptMessage,
    ToolPromptMessage,
    UserPromptMessage,
)
from dify_plugin.entities.provider_config import LogMetadata
from dify_plugin.entities.tool import ToolInvokeMessage
from dify_plugin.interfaces import agent
from pydantic import BaseModel

type Messages = Generator[agent.AgentInvokeMessage, None, Any]
type ToolCall = AssistantPromptMessage.ToolCall


class Parameters(BaseModel):
    """The node's parameters."""

    query: str
    instruction: str | None = None
    model: agent.AgentModelConfig
    tools: list[agent.ToolEntity] | None = None
    maximum_iterations: int = 3


class Rival(agent.AgentStrategy):
    """A sequential loop."""

    def _invoke(self, parameters: dict[str, Any]) -> Messages:
        given = Parameters(**parameters)
        thoughts: list[PromptMessage] = []
        totals: dict[str, LLMUsage | None] = {"usage": None}
        for number in range(1, given.maximum_iterations + 1):
            offered = [] if number == given.maximum_iterations > 1 else given.tools or []
            calls = yield from self._round(number, given, offered, thoughts, totals)
            if not calls:
                break
        usage = totals["usage"]
        spent = {
            "total_price": str(usage.total_price) if usage else "0",
            "currency": usage.currency if usage else "",
            "total_tokens": usage.total_tokens if usage else 0,
        }
        yield self.create_json_message({"execution_metadata": spent})

    def _round(
        self,
        number: int,
        given: Parameters,
        offered: list[agent.ToolEntity],
        thoughts: list[PromptMessage],
        totals: dict[str, LLMUsage | None],
    ) -> Messages:
        began = time.perf_counter()
        log = self.create_log_message(
            label=f"ROUND {number}",
            data={},
            metadata={LogMetadata.STARTED_AT: began},
            status=ToolInvokeMessage.LogMessage.LogStatus.START,
        )
        yield log
        said, calls = yield from self._think(given, offered, thoughts, totals, log)
        thoughts.append(AssistantPromptMessage(content=said, tool_calls=calls))
        responses: list[dict[str, Any]] = []
        for call in calls:
            response = yield from self._call(call, offered, log)
            responses.append(response)
            thoughts.append(
                ToolPromptMessage(
                    content=response["tool_response"],
                    tool_call_id=call.id,
                    name=call.function.name,
                )
            )
        yield self.finish_log_message(
            log=log,
            data={"output": {"llm_response": said, "tool_responses": responses}},
            metadata=_times(began),
        )
        return calls

    def _think(
        self,
        given: Parameters,
        offered: list[agent.ToolEntity],
        thoughts: list[PromptMessage],
        totals: dict[str, LLMUsage | None],
        parent: agent.AgentInvokeMessage,
    ) -> Messages:
        began = time.perf_counter()
        log = self.create_log_message(
            label=f"{given.model.model} Thought",
            data={},
            metadata={LogMetadata.STARTED_AT: began, LogMetadata.PROVIDER: given.model.provider},
            parent=parent,
            status=ToolInvokeMessage.LogMessage.LogStatus.START,
        )
        yield log
        said = ""
        calls: list[ToolCall] = []
        for chunk in self.session.model.llm.invoke(
            model_config=given.model,
            prompt_messages=_prompt(given, thoughts),
            tools=self._offers(offered),
            stream=True,
        ):
            calls += chunk.delta.message.tool_calls or []
            if chunk.delta.message.content:
                said += str(chunk.delta.message.content)
                yield self.create_text_message(str(chunk.delta.message.content))
            if chunk.delta.usage:
                self.increase_usage(totals, chunk.delta.usage)
        yield self.finish_log_message(
            log=log,
            data={
                "output": said,
                "tool_name": ";".join(call.function.name for call in calls),
                "tool_input": [json.loads(call.function.arguments) for call in calls],
            },
            metadata={**_times(began), LogMetadata.PROVIDER: given.model.provider},
        )
        return said, calls

    def _offers(self, tools: list[agent.ToolEntity]) -> list[PromptMessageTool]:
        return self._init_prompt_tools(tools)

    def _call(
        self,
        call: "ToolCall",
        offered: list[agent.ToolEntity],
        parent: agent.AgentInvokeMessage,
    ) -> Messages:
        began = time.perf_counter()
        tool = next(tool for tool in offered if tool.identity.name == call.function.name)
        provider = {LogMetadata.PROVIDER: tool.identity.provider}
        log = self.create_log_message(
            label=f"CALL {call.function.name}",
            data={},
            metadata={LogMetadata.STARTED_AT: began, **provider},
            parent=parent,
            status=ToolInvokeMessage.LogMessage.LogStatus.START,
        )
        yield log
        output = self.session.tool.invoke(
            provider_type=tool.provider_type,
            provider=tool.identity.provider,
            tool_name=tool.identity.name,
            parameters={**json.loads(call.function.arguments), **tool.runtime_parameters},
        )
        result = "".join(str(getattr(message.message, "text", "")) for message in output)
        response = {
            "tool_call_id": call.id,
            "tool_call_name": call.function.name,
            "tool_response": result,
        }
        yield self.finish_log_message(
            log=log, data={"output": response}, metadata={**_times(began), **provider}
        )
        return response


def _prompt(given: Parameters, thoughts: list[PromptMessage]) -> list[PromptMessage]:
    return [
        SystemPromptMessage(content=given.instruction or ""),
        *given.model.history_prompt_messages,
        UserPromptMessage(content=given.query),
        *thoughts,
    ]


def _times(began: float) -> dict[LogMetadata, Any]:
    now = time.perf_counter()
    return {
        LogMetadata.STARTED_AT: began,
        LogMetadata.FINISHED_AT: now,
        LogMetadata.ELAPSED_TIME: now - began,
    }
