"""One run of a strategy: read the parameters, put the engine together, tell what happens."""

from collections.abc import Iterator, Mapping
from typing import Any

from dify_plugin.core.runtime import Session
from dify_plugin.errors.model import InvokeBadRequestError

from strategies.agent.conversation import Conversation
from strategies.agent.dialects import Dialect, NativeDialect, TextDialect
from strategies.agent.events import Event, Noticed, RunFailed
from strategies.agent.fitting import Fitting
from strategies.agent.loop import Run
from strategies.agent.steps import Policy, Speaker
from strategies.agent.wording import wording_for
from strategies.dify.history import clean_history
from strategies.dify.model import DifyModel
from strategies.dify.narrator import Narrator
from strategies.dify.pacing import DifyMessage, paced
from strategies.dify.parameters import ModelConfig, ParameterError, Settings, read_settings
from strategies.dify.toolbox import DifyToolbox
from strategies.protocols.base import Language
from strategies.protocols.language import language_of
from strategies.protocols.registry import TEXT_PROTOCOLS

_NATIVE_FEATURES = frozenset({"tool-call", "multi-tool-call", "stream-tool-call"})
_DEFAULT_TEXT_PROTOCOL = "hermes"


def play(session: Session, parameters: Mapping[str, Any]) -> Iterator[DifyMessage]:
    """Play one run and yield its messages.

    Raises:
        InvokeBadRequestError: the run could not end with an answer; of all exceptions, this is the
            one whose bare text reaches the reader (docs/dify.md, "Errors").
    """
    return paced(_messages(session, parameters))


def _messages(session: Session, parameters: Mapping[str, Any]) -> Iterator[DifyMessage]:
    try:
        settings = read_settings(parameters)
    except ParameterError as error:
        raise InvokeBadRequestError(str(error)) from None
    narrator = Narrator()
    for notice in _notices(settings):
        yield from narrator.messages(notice)
    for event in _engine(session, settings):
        yield from narrator.messages(event)
        if isinstance(event, RunFailed):
            raise InvokeBadRequestError(event.sentence)


def _engine(session: Session, settings: Settings) -> Iterator[Event]:
    language = language_of(settings.query)
    conversation = Conversation(
        instruction=settings.instruction,
        history=clean_history(settings.history),
        question=settings.query,
    )

    def speaker(config: ModelConfig) -> Speaker:
        dialect = _dialect(settings.protocol, config.features, language)
        fitting = Fitting(config.model, config.budget)
        return Speaker(model=DifyModel(session, config), dialect=dialect, fitting=fitting)

    run = Run(
        conversation,
        speaker(settings.model),
        DifyToolbox(session, settings.tools),
        wording_for(language),
        settings.limits,
        fallback=speaker(settings.fallback_model) if settings.fallback_model else None,
        text_dialect=TextDialect(
            protocol=TEXT_PROTOCOLS[_DEFAULT_TEXT_PROTOCOL], language=language
        ),
        policy=Policy(answer_on_error=settings.answer_on_error),
    )
    return run.events()


def _dialect(protocol: str, features: frozenset[str], language: Language) -> Dialect:
    """Choose the way to speak with a model; `auto` goes by what Dify says of the model."""
    if protocol == "auto":
        protocol = "native" if features & _NATIVE_FEATURES else _DEFAULT_TEXT_PROTOCOL
    if protocol == "native":
        return NativeDialect()
    return TextDialect(protocol=TEXT_PROTOCOLS[protocol], language=language)


def _notices(settings: Settings) -> Iterator[Noticed]:
    for tool in settings.skipped_tools:
        yield Noticed(f"TOOL {tool.name} ✗ skipped", {"problem": tool.problem})
    if settings.unknown_allowed_tools:
        names = list(settings.unknown_allowed_tools)
        yield Noticed("ALLOWED TOOLS ✗ unknown name", {"names": names})
