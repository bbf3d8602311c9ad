"""One run of a strategy: read the parameters, put the engine together, tell what happens."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.core.runtime import Session
from dify_plugin.errors.model import InvokeBadRequestError

from strategies.agent.interface.events import (
    CallFinished,
    Noticed,
    ReasoningShown,
    RunFailed,
    RunFinished,
    TextShown,
    Within,
)
from strategies.agent.loop import Run
from strategies.agent.planning.run import PlannedRun
from strategies.dify.compose import Composer
from strategies.dify.inputs.files.attachments import Attached
from strategies.dify.inputs.knowledge import cited, resources_message
from strategies.dify.inputs.parameters import Settings, read_settings
from strategies.dify.inputs.values import ParameterError
from strategies.dify.outputs.narrator import Narrator
from strategies.dify.outputs.pacing import DifyMessage, paced
from strategies.dify.outputs.variables import Outputs
from strategies.dify.transport.answers import FrameWriter
from strategies.dify.transport.plain import plain_messages

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)


type Compose = Callable[[Composer, Attached], Run | PlannedRun]
"""Puts a strategy's run together, about the files of its question."""


def play(
    session: Session,
    parameters: Mapping[str, Any],
    user: str = "",
    compose: Compose = Composer.run,
) -> Iterator[DifyMessage]:
    """Play one run of a user and yield its messages.

    Raises:
        InvokeBadRequestError: the run could not end with an answer; of all exceptions, this is the
            one whose bare text reaches the reader (docs/dify.md, "Errors").
    """
    messages = paced(_messages(session, parameters, user, compose))
    return messages if isinstance(session.writer, FrameWriter) else plain_messages(messages)


def _messages(
    session: Session, parameters: Mapping[str, Any], user: str, compose: Compose
) -> Iterator[DifyMessage]:
    try:
        settings = read_settings(parameters)
    except ParameterError as error:
        raise InvokeBadRequestError(str(error)) from None
    narrator = Narrator(
        shows_reasoning=not settings.separate_reasoning,
        titles={tool.spec.name: tool.title for tool in settings.tools},
    )
    try:
        composer = Composer(session, settings, user)
        yield from _run(composer, compose, narrator, settings)
    except InvokeBadRequestError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place where logs can be closed
        # A fault of our own: the reader gets a sentence and closed logs, the daemon's log the rest.
        _log.exception("A run ended with a fault of the plugin")
        sentence = f"The plugin failed with a fault of its own ({type(error).__name__})."
        yield from narrator.messages(RunFailed(sentence, "error", narrator.usage))
        raise InvokeBadRequestError(sentence) from None


def _run(
    composer: Composer, compose: Compose, narrator: Narrator, settings: Settings
) -> Iterator[DifyMessage]:
    attached = composer.read_files()
    for notice in (*settings.notices, *attached.notices):
        yield from narrator.messages(notice)
    passages = settings.passages
    if passages:
        yield resources_message(passages)
    between = composer.between
    outputs = Outputs(partial(cited, passages=passages), pending=lambda: between.pending)
    run = compose(composer, attached)
    seen = TextShown if settings.separate_reasoning else TextShown | ReasoningShown
    shown: list[str] = []
    for event in run.events():
        if isinstance(event, TextShown):
            shown.append(event.text)
        if isinstance(event, seen):
            between.show(event.text)
        if isinstance(event, RunFinished):
            between.end([event.answer, "".join(shown)], run.rounds_with_calls)
        inner = event.event if isinstance(event, Within) else event
        if isinstance(inner, CallFinished):
            # A call that is out of time finishes without what its tool brings later.
            for made in inner.outcome.forwarded:
                composer.files.add_made(made)
        yield from outputs.messages(event)
        yield from narrator.messages(event)
        if isinstance(event, RunFailed):
            raise InvokeBadRequestError(event.sentence)
    between.settle()
    if between.problems:
        problems = {"problems": list(between.problems)}
        yield from narrator.messages(Noticed("✗ STORAGE not all could be used", problems))
