"""Everything that stands ready for runs: the plugin, models to choose from, tools and files."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strategies.protocols.registry import TEXT_PROTOCOLS
from workbench.base.ports import Json, Model, Toolbox, UsageError, WorkbenchError
from workbench.bench.faults import Fault, FaultyModel, FaultyTools, faulty_storage
from workbench.host.daemon import Host
from workbench.host.file_server import FileServer
from workbench.host.payload import NATIVE, model_value, strategy_parameters
from workbench.host.record import Run
from workbench.model.demo_server import NAME, DemoServer
from workbench.model.endpoint import Endpoint, api_root, check_endpoint
from workbench.model.openai import OpenAIModel
from workbench.runtimes.links import Runtime
from workbench.tools.builtin import BuiltInTools, ToolSource, ToolSources

PROTOCOLS = ("auto", "native", *TEXT_PROTOCOLS)
CALLS_TOOLS = "native"
FEATURES = (CALLS_TOOLS, "none", "vision", "document", "audio", "video")
"""What `--features` takes; `none` is for a model of which Dify knows nothing."""
_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What a bench is to hold."""

    plugin: Path
    runtime: Runtime = "stdio"
    base_url: str | None = None
    """An OpenAI-compatible server; without it there is the demo model alone."""
    models: Sequence[str] = ()
    """Names of models on that server."""
    api_key_env: str | None = None
    """Where the key is; without a name OPENAI_API_KEY, which may be unset."""
    context_size: int = 128_000
    features: Sequence[str] = (CALLS_TOOLS,)
    """What Dify says of the models: `native` when they call tools themselves, vision and so on."""
    mcp: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    files: Sequence[Path] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one run is asked, and how."""

    text: str
    model: str = ""
    """Blank: the first that stands ready."""
    protocol: str | None = None
    strategy: str = "function_calling"
    history: Sequence[Json] = ()
    conversation: str | None = None
    """The id of the conversation that it is a turn of; a Workflow has none."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further parameters of the strategy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSetup:
    """What a run is about to do, for whoever looks at it."""

    question: str
    model: str
    tools: Sequence[str]
    protocol: str
    history: Sequence[Json] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableModel:
    """A model that can be asked."""

    description: str
    """What the person at the terminal should know of it."""
    model: Model
    features: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Takes questions."""

    host: Host
    models: Mapping[str, AvailableModel]
    tools: Toolbox
    entities: Sequence[Json]
    files: Sequence[Json]
    context_size: int

    @property
    def tool_names(self) -> list[str]:
        """The tools that every run is offered."""
        return [str(entity["identity"]["name"]) for entity in self.entities]

    def setup(self, question: Question) -> RunSetup:
        """Say what a run of this question will be."""
        name = question.model or next(iter(self.models))
        return RunSetup(
            question=question.text,
            model=self.models[name].description,
            tools=self.tool_names,
            protocol=question.protocol or "auto",
            history=question.history,
            settings=question.settings,
        )

    def start(self, question: Question) -> Run:
        """Begin a run and return at once."""
        name = question.model or next(iter(self.models))
        asked = self.models[name]
        model = model_value(
            name=name,
            features=declared_features(asked.features, question.protocol),
            context_size=self.context_size,
            history=question.history,
        )
        given: Json = {"files": list(self.files)} if self.files else {}
        given |= {"tool_protocol": question.protocol} if question.protocol else {}
        parameters = strategy_parameters(
            question.text, model=model, tools=self.entities, **(given | dict(question.settings))
        )
        return self.host.start(
            parameters,
            model=asked.model,
            tools=self.tools,
            strategy=question.strategy,
            conversation=question.conversation,
        )


@contextmanager
def open_bench(wanted: BenchOptions) -> Generator[Bench]:
    """Start everything, and stop it in the end."""
    with ExitStack() as stack:
        models = open_models(wanted, stack)
        tools = ToolSources(_sources(wanted.mcp, stack))
        storage = faulty_storage(wanted.faults)
        host = stack.enter_context(Host(wanted.plugin, runtime=wanted.runtime, storage=storage))
        files: list[Json] = []
        if wanted.files:
            server = stack.enter_context(FileServer())
            files, host.files_at = server.add_all(wanted.files), server.origin
        yield Bench(
            host=host,
            models=models,
            tools=FaultyTools(tools, wanted.faults),
            entities=tools.entities,
            files=files,
            context_size=wanted.context_size,
        )


def declared_features(names: Sequence[str], protocol: str | None) -> list[str]:
    """Write what `--features` named as Dify declares it.

    A model that is asked in a text protocol is one that cannot call tools by itself.
    """
    native = CALLS_TOOLS in names and protocol not in TEXT_PROTOCOLS
    others = [name for name in names if name not in (CALLS_TOOLS, "none")]
    return [*(NATIVE if native else ()), *others]


def open_models(wanted: BenchOptions, stack: ExitStack) -> dict[str, AvailableModel]:
    """Start what stands between the host and the models; it stops with the stack."""
    key = _key(wanted)
    if wanted.base_url is None:
        return _demo_model(wanted, stack)
    if not wanted.models:
        raise UsageError("--base-url needs the model's name: add --model NAME.")
    endpoint = Endpoint(base_url=api_root(wanted.base_url), api_key=key)
    check_endpoint(endpoint)
    model = FaultyModel(stack.enter_context(OpenAIModel(endpoint)), wanted.faults)
    return {
        name: AvailableModel(
            description=f"{name} at {endpoint.base_url}{_described(wanted.faults)}",
            model=model,
            features=wanted.features,
        )
        for name in wanted.models
    }


def _demo_model(wanted: BenchOptions, stack: ExitStack) -> dict[str, AvailableModel]:
    if wanted.models:
        raise UsageError(
            f"--model {wanted.models[0]} needs the address of its server: add --base-url URL."
        )
    server = stack.enter_context(DemoServer())
    # Prices of nothing real, so that the totals show.
    endpoint = Endpoint(base_url=server.base_url, input_price="1", output_price="2")
    demo = AvailableModel(
        description=f"{NAME}, rule-based and built in (--base-url names a real one)"
        + _described(wanted.faults),
        model=FaultyModel(stack.enter_context(OpenAIModel(endpoint)), wanted.faults),
        features=("vision", *wanted.features),
    )
    return {NAME: demo}


def _described(faults: Sequence[Fault]) -> str:
    return "".join(f", {each.target} fails ({each.kind}) at call {each.at}" for each in faults)


def _key(wanted: BenchOptions) -> str:
    if wanted.api_key_env is None:
        return os.environ.get(_KEY, "")
    key = os.environ.get(wanted.api_key_env, "")
    if not key:
        raise WorkbenchError(
            f"--api-key-env {wanted.api_key_env}: this variable is not set. Set it to the key,"
            " or leave the option out for a server that wants none."
        )
    return key


def _sources(commands: Sequence[str], stack: ExitStack) -> list[ToolSource]:
    sources: list[ToolSource] = [BuiltInTools()]
    if commands:
        from workbench.tools.mcp import McpTools  # noqa: PLC0415 - half a second that most spare

        sources.append(stack.enter_context(McpTools(commands)))
    return sources
