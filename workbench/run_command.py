"""`workbench run`: ask a question through the plugin's real process."""

import argparse
import json
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import terminal
from workbench.arguments import Parser
from workbench.demo_server import NAME, DemoServer
from workbench.faults import Fault, FaultyModel, FaultyTools, read_fault
from workbench.host import Host
from workbench.openai_model import Endpoint, OpenAIModel
from workbench.payload import NATIVE, model_value, strategy_parameters
from workbench.ports import Json, Model, Toolshed, UsageError
from workbench.record import Run
from workbench.tools import BuiltInTools, ToolSource, ToolSources

_QUESTION = "What time is it in Tokyo, and what is 23 × 19?"
_PROTOCOLS = ("auto", "native", "hermes", "qwen", "qwen3_coder", "react")
_TEXT_PROTOCOLS = frozenset({"hermes", "qwen", "qwen3_coder", "react"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Everything that stands ready for runs."""

    host: Host
    model: Model
    tools: Toolshed
    parameters: Json
    setting: terminal.Setting


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 when every run went well, else 1."""
    options = _parser().parse_args(arguments)
    view = terminal.view(as_json=options.json)
    with _bench(options) as bench:
        view.open(bench.setting)
        runs = [
            bench.host.start(bench.parameters, model=bench.model, tools=bench.tools)
            for _ in range(options.parallel)
        ]
        _follow(view, runs)
        view.close(runs)
    return 0 if all(run.ok for run in runs) else 1


def _follow(view: terminal.View, runs: Sequence[Run]) -> None:
    # The first run is shown while it goes on; the others go on beside it.
    if isinstance(view, terminal.JsonView):
        followers = [threading.Thread(target=view.follow, args=(run,)) for run in runs[1:]]
        for follower in followers:
            follower.start()
        view.follow(runs[0])
        for follower in followers:
            follower.join()
    else:
        view.follow(runs[0])
        for run in runs[1:]:
            for _ in run.stream():
                pass


@contextmanager
def _bench(options: argparse.Namespace) -> Generator[_Bench]:
    faults = [read_fault(text) for text in options.fault]
    settings = _further_parameters(options)
    with ExitStack() as stack:
        endpoint, name, told = _endpoint(options, stack)
        model = stack.enter_context(OpenAIModel(endpoint))
        tools = ToolSources(_sources(options.mcp, stack))
        host = stack.enter_context(Host(options.plugin))
        yield _Bench(
            host=host,
            model=FaultyModel(model, faults),
            tools=FaultyTools(tools, faults),
            parameters=strategy_parameters(
                options.question,
                model=_model_value(options, name),
                tools=tools.entities,
                **settings,
            ),
            setting=terminal.Setting(
                question=options.question,
                model=told + _told_faults(faults),
                tools=[str(entity["identity"]["name"]) for entity in tools.entities],
                protocol=options.protocol or "auto",
            ),
        )


def _endpoint(options: argparse.Namespace, stack: ExitStack) -> tuple[Endpoint, str, str]:
    if options.base_url is None:
        if options.model is not None:
            raise UsageError(
                f"--model {options.model} needs the address of its server: add --base-url URL."
            )
        server = stack.enter_context(DemoServer())
        # Prices of nothing real, so that the totals show.
        endpoint = Endpoint(base_url=server.base_url, input_price="1", output_price="2")
        return endpoint, NAME, f"{NAME}, rule-based and built in (--base-url names a real one)"
    if options.model is None:
        raise UsageError("--base-url needs the model's name: add --model NAME.")
    key = os.environ.get(options.api_key_env, "")
    endpoint = Endpoint(base_url=options.base_url, api_key=key)
    return endpoint, options.model, f"{options.model} at {options.base_url}"


def _sources(commands: Sequence[str], stack: ExitStack) -> list[ToolSource]:
    sources: list[ToolSource] = [BuiltInTools()]
    if commands:
        from workbench.mcp_tools import McpTools  # noqa: PLC0415 - half a second that most spare

        sources.append(stack.enter_context(McpTools(commands)))
    return sources


def _model_value(options: argparse.Namespace, name: str) -> Json:
    features = () if options.protocol in _TEXT_PROTOCOLS else NATIVE
    return model_value(name=name, features=features, context_size=options.context_size)


def _further_parameters(options: argparse.Namespace) -> Json:
    named: Json = {
        "instruction": options.instruction,
        "maximum_iterations": options.max_iterations,
        "tool_protocol": options.protocol,
    }
    given = {name: value for name, value in named.items() if value is not None}
    return given | dict(_assignment(text) for text in options.set)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text!r} sets nothing: write NAME=VALUE, such as time_limit=60.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word without quotes is meant as text


def _told_faults(faults: Sequence[Fault]) -> str:
    return "".join(f", {fault.target} fails ({fault.kind}) at call {fault.at}" for fault in faults)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="workbench run",
        description="Ask a question through the plugin's real process, with Dify's daemon played.",
    )
    parser.add_argument("question", nargs="?", default=_QUESTION, help=f"default: {_QUESTION}")
    parser.add_argument(
        "--plugin", type=Path, default=Path.cwd(), metavar="DIR", help="default: this directory"
    )
    parser.add_argument("--protocol", choices=_PROTOCOLS, help="how the model calls tools")
    parser.add_argument("--instruction", metavar="TEXT", help="the agent's instruction")
    parser.add_argument("--max-iterations", type=int, metavar="N", help="at most N model calls")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="any further parameter of the strategy",
    )
    parser.add_argument("--parallel", type=_count, default=1, metavar="N", help="N runs at once")
    parser.add_argument("--json", action="store_true", help="every message as a JSON line")
    _add_models(parser)
    parser.add_argument(
        "--mcp", action="append", default=[], metavar="COMMAND", help="an MCP server to start"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="TARGET:KIND@CALL",
        help="a failure to inject, such as model:429@2 or tool:slow@1",
    )
    return parser


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base-url", metavar="URL", help="an OpenAI-compatible server; default: the demo model"
    )
    parser.add_argument("--model", metavar="NAME", help="the model's name on that server")
    parser.add_argument(
        "--api-key-env",
        default="OPENAI_API_KEY",
        metavar="VARIABLE",
        help="where the key is; default: OPENAI_API_KEY",
    )
    parser.add_argument(
        "--context-size", type=_count, default=128_000, metavar="N", help="tokens of its window"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
