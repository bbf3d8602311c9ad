"""The strategy's parameters, read from what Dify's core sends (docs/dify.md, "Parameters").

How a single value is read, refused or bounded is told in `values`. Everything here happens before
any model call.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from strategies.agent.config import Limits
from strategies.agent.interface.events import Noticed
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.schema.answer import AnswerShape, ShapeError, read_shape
from strategies.agent.tools.search import search_name
from strategies.dify.inputs.files.run_file import RunFile, read_files
from strategies.dify.inputs.knowledge import Passage, read_context
from strategies.dify.inputs.model_config import ModelConfig, read_fallback, read_model
from strategies.dify.inputs.tools import DifyTool, only_allowed, read_tools
from strategies.dify.inputs.values import ParameterError, Values, refused
from strategies.dify.storage.between_turns import TurnPolicy
from strategies.dify.wire_values import Json, decoded, mapping, number_of, sequence, text_of
from strategies.protocols.registry import TEXT_PROTOCOLS

# A name that is alone may be written as JSON text; Chinese keyboards have commas of their own.
_PARTED = re.compile(r"[,，、;；\n\"\[\]]")
_NAMES = "names of tools, as a list or separated by commas"
type ToolSearch = Literal["auto", "on", "off"]
_TOOL_SEARCH: Mapping[str, ToolSearch] = {
    "auto": "auto",
    "on": "on",
    "off": "off",
    "true": "on",
    "false": "off",
}
"""What the parameter may be; the output of another node may be a truth value."""
PROTOCOLS = ("auto", "native", *TEXT_PROTOCOLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run's parameters."""

    model: ModelConfig
    history: Sequence[Json]
    instruction: str
    query: str
    tools: Sequence[DifyTool]
    limits: Limits
    protocol: str
    """`auto`, `native` or the name of a text protocol."""
    fallback_model: ModelConfig | None
    files: Sequence[RunFile]
    passages: Sequence[Passage]
    """What `context` holds."""
    direct_tools: frozenset[str]
    """Tools whose result is the answer, by the names that the model knows."""
    must_call: MustCall | None
    tool_search: ToolSearch
    shape: AnswerShape | None
    answer_on_error: bool
    separate_reasoning: bool
    hide_plan: bool
    """Read by the strategy that makes one."""
    turn_policy: TurnPolicy
    """What is to outlive the run."""
    notices: Sequence[Noticed]
    """What the builder should know of how the parameters were read."""


def read_settings(parameters: Json) -> Settings:
    """Read all parameters.

    Raises:
        ParameterError: one of them cannot be used.
    """
    values = Values(parameters)
    given = mapping(parameters.get("model"))
    model = read_model(given)
    all_tools = _tools(parameters.get("tools"), values)
    tools = _allowed(parameters.get("allowed_tools"), all_tools, values)
    choice = _tool_choice(parameters.get("tool_choice"), tools)
    return Settings(
        model=model,
        history=[mapping(item) for item in sequence(given.get("history_prompt_messages"))],
        instruction=text_of(parameters.get("instruction")),
        query=_query(parameters.get("query")),
        tools=() if choice == "none" else tools,
        limits=_limits(parameters, values),
        protocol=values.choice("tool_protocol", PROTOCOLS),
        fallback_model=read_fallback(values, model),
        files=_files(parameters.get("files"), values),
        passages=_passages(parameters.get("context")),
        direct_tools=_direct(parameters.get("return_direct"), tools, values),
        must_call=choice if isinstance(choice, MustCall) else None,
        tool_search=_TOOL_SEARCH[values.choice("tool_search", tuple(_TOOL_SEARCH))],
        shape=_shape(parameters.get("answer_schema")),
        answer_on_error=values.yes("answer_on_error"),
        separate_reasoning=values.yes("separate_reasoning"),
        hide_plan=values.yes("hide_plan"),
        turn_policy=TurnPolicy(
            remembers=values.yes("remember_results", default=True),
            asks_before=_asks_before(parameters.get("ask_before"), all_tools, values),
            approval=parameters.get("approval"),
            cache_minutes=values.amount(
                "cache_minutes", "minutes", default=0, lowest=0, highest=10_080
            ),
            titles={tool.spec.name: tool.title for tool in tools},
        ),
        notices=values.notices,
    )


def _query(value: object) -> str:
    query = text_of(value)
    if not query.strip():
        raise ParameterError(
            "The parameter `query` is missing: enter what the agent is to answer, "
            "such as the variable sys.query, in the settings of the Agent node."
        )
    return query


def _limits(parameters: Json, values: Values) -> Limits:
    rounds = number_of(parameters.get("maximum_iterations"))
    if rounds is not None and rounds < 1:
        # The nearest bound would be a round that was forbidden.
        raise refused("maximum_iterations", rounds, "a whole number from 1 to 500")
    return Limits(
        rounds=values.whole("maximum_iterations", default=10, highest=500),
        parallel_tools=values.whole("parallel_tools", default=8, highest=16),
        seconds=values.amount("time_limit", "seconds", default=540, lowest=10, highest=3600),
        tool_seconds=values.amount("tool_timeout", "seconds", default=120, lowest=1, highest=3600),
    )


def _files(value: object, values: Values) -> Sequence[RunFile]:
    files, odd = read_files(value)
    if odd:
        values.notice("✗ FILES not all are files", problems=odd)
    return files


def _passages(value: object) -> Sequence[Passage]:
    if value is not None and not isinstance(value, str | list | tuple | Mapping):
        raise refused("context", value, "passages, such as the result of Knowledge Retrieval")
    return read_context(cast("object", value))


# -- tools


def _tools(value: object, values: Values) -> list[DifyTool]:
    tools, unreadable = read_tools(_tool_items(value))
    for tool in unreadable:
        values.notice(f"✗ TOOL {tool.name} skipped", problem=tool.problem)
    return tools


def _tool_items(value: object) -> Sequence[object]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return ()
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    raise refused("tools", value, "a list of tools")


def _allowed(value: object, tools: list[DifyTool], values: Values) -> list[DifyTool]:
    """Leave the tools that the builder allows; a list that cannot be read allows none of them.

    An agent with too few tools says so; one with too many may do harm.
    """
    names = _names(value)
    if names is None:
        values.notice("✗ ALLOWED TOOLS unreadable, none is allowed", valid=_NAMES, given=value)
        return []
    _tell_unknown("ALLOWED TOOLS", names, tools, values)
    return only_allowed(tools, names) if names else tools


def _direct(value: object, tools: Sequence[DifyTool], values: Values) -> frozenset[str]:
    names = _names(value)
    if names is None:
        raise refused("return_direct", value, _NAMES)
    _tell_unknown("DIRECT TOOLS", names, tools, values)
    return frozenset(tool.spec.name for tool in only_allowed(tools, names))


def _asks_before(value: object, tools: Sequence[DifyTool], values: Values) -> frozenset[str]:
    """Read which tools ask first; where a name fits no tool, a wrong one might run unasked."""
    names = _names(value)
    every = frozenset(tool.spec.name for tool in tools)
    unknown = [name for name in names or () if not only_allowed(tools, [name])]
    if names is not None and (not unknown or unknown == ["*"]):
        asking = only_allowed(tools, names) if names else []
        return every if unknown else frozenset(tool.spec.name for tool in asking)
    values.notice("✗ ASK BEFORE unknown name, every tool asks", valid=_NAMES, given=value)
    return every


def _tell_unknown(
    what: str, names: Sequence[str], tools: Sequence[DifyTool], values: Values
) -> None:
    unknown = [name for name in names if not only_allowed(tools, [name])]
    if unknown:
        values.notice(f"✗ {what} unknown name", names=unknown)


def _names(value: object) -> list[str] | None:
    """Read a list of names: a list, JSON text of one, or names parted by commas.

    Nothing and an empty list are no names; None is what cannot be read, or has blanks alone.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    if isinstance(value, str):
        read = decoded(value)
        value = _PARTED.split(value) if read is None or isinstance(read, str) else read
    if not isinstance(value, list | tuple):
        return None
    items = sequence(cast("object", value))
    return [name for item in items if (name := text_of(item).strip())] or (
        [] if not items else None
    )


def _tool_choice(value: object, tools: Sequence[DifyTool]) -> Literal["auto", "none"] | MustCall:
    choice, finder = text_of(value).strip(), search_name(tool.spec.name for tool in tools)
    match choice.lower():
        case "" | "auto":
            return "auto"
        case "none":
            return "none"
        case "required":
            return MustCall(search_tool=finder)
        case _:
            named = only_allowed(tools, [choice])
    if not named:
        valid = "auto, none, required or the name of one of the chosen tools"
        raise refused("tool_choice", value, valid)
    return MustCall(named[0].spec.name, search_tool=finder)


# -- the rest


def _shape(value: object) -> AnswerShape | None:
    try:
        return read_shape(value)
    except ShapeError as error:
        raise ParameterError(str(error)) from None
