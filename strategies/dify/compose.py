"""One run put together: from the parameters and the session to the engine that plays it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.loop import Run
from strategies.agent.outcomes import Limits, ModelBinding, Policy
from strategies.agent.planning.equipment import ChosenTools, MakeRun, Part, ToolsFor
from strategies.agent.planning.run import Manner, PlannedRun
from strategies.agent.ports import Message, Toolbox
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.formats import (
    NativeFormat,
    PromptFormat,
    TextFormat,
)
from strategies.agent.prompt.wording import wording_for
from strategies.agent.schema.answer import AnswerShape
from strategies.agent.tools.search import SearchedToolbox, is_too_many, opening
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.tokens import estimator_for
from strategies.dify.calls.callback import call_back
from strategies.dify.calls.model import DifyModel
from strategies.dify.calls.toolbox import DifyToolbox
from strategies.dify.inputs.files.addresses import DifyFiles
from strategies.dify.inputs.files.attachments import Attached, content_parts
from strategies.dify.inputs.files.contents import Audience
from strategies.dify.inputs.files.fetching import FileReader
from strategies.dify.inputs.files.run_file import read_written
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.history import clean_history, with_media_for
from strategies.dify.inputs.knowledge import prompt
from strategies.dify.inputs.model_config import ModelConfig
from strategies.dify.inputs.parameters import Settings
from strategies.dify.loose_json import text
from strategies.dify.outputs.pacing import TEXT_PAUSE
from strategies.dify.storage.between_turns import BetweenTurns, Turn
from strategies.protocols.registry import USUAL, protocol_of, text_protocol
from strategies.protocols.writing.language import language_of

type Compose = Callable[[Session, Settings, Attached, RunFiles, BetweenTurns], Run | PlannedRun]
"""Puts a run together."""

_NATIVE_FEATURES = frozenset({"tool-call", "multi-tool-call", "stream-tool-call"})
_KNOWLEDGE_SHARE = 0.3
# Few characters, because a token of Chinese has some one and a half: the share is kept anyway.
_CHARACTERS_PER_TOKEN = 2
_FILES_SHARE = 0.25
"""Of the window, as a tool's result may have, and of the time."""
_FILES_SECONDS = 20.0
_TAKE_ADDRESSES = frozenset({"langgenius/openai/openai", "langgenius/azure_openai/azure_openai"})
"""Providers whose plugins hand a picture's address on to the provider, as their code shows. Others
read it themselves, inside of Dify's network, or fail."""


def attach(session: Session, settings: Settings) -> Attached:
    """Read the question's files for the model; what it cannot take is named in the text."""
    audience = Audience(
        features=settings.model.features,
        text_room=_characters(settings, _FILES_SHARE),
        language=language_of(settings.query),
        takes_addresses={config.provider for config in _models(settings)} <= _TAKE_ADDRESSES,
        has_file_tools=any(tool.file_parameters for tool in settings.tools),
    )
    seconds = min(_FILES_SECONDS, settings.limits.seconds * _FILES_SHARE)
    return content_parts(settings.files, audience, _reader(session, seconds))


def _reader(session: Session, seconds: float) -> FileReader:
    def upload_address() -> str:
        """Let Dify sign an address, at which nothing is uploaded."""
        asked = {"filename": "where.txt", "mimetype": "text/plain"}
        answers = call_back(session, InvokeType.UploadFile, asked)
        return next((text(answer.get("url")) for answer in answers), "")

    return FileReader(DifyFiles(upload_address, os.environ), seconds=seconds)


def files_of(session: Session, settings: Settings, between: BetweenTurns) -> RunFiles:
    """Put together the files that tools can be given; those that tools make may join them."""

    def upload(name: str, content: bytes, mime_type: str) -> str:
        return session.file.upload(name, content, mime_type).preview_url or ""

    # The addresses of files are good for some minutes alone, and an approval may take longer.
    kept, reader = read_written(between.approved_files), _reader(session, _FILES_SECONDS)
    expired = [file.name for file in kept if reader.is_gone(file.url)]
    return RunFiles([*kept, *settings.files], upload=upload, expired=expired)


def between_turns(session: Session, settings: Settings, user: str) -> BetweenTurns:
    """Put together what the run shares with the turns before and after it."""
    turn = Turn(
        app=session.app_id or "",
        conversation=session.conversation_id or "",
        user=user,
        tools=tuple(tool.spec.name for tool in settings.tools),
    )
    access = partial(call_back, session, InvokeType.Storage)
    return BetweenTurns(access, turn, settings.wishes, settings.query)


def compose(
    session: Session,
    settings: Settings,
    attached: Attached,
    files: RunFiles,
    between: BetweenTurns,
) -> Run:
    """Put one run together."""
    conversation = _conversation(settings, attached, between)
    if settings.shape:
        asked = settings.shape.request(language_of(settings.query))
        conversation = replace(conversation, instruction=_joined(conversation.instruction, asked))
    part = Part(
        conversation=conversation,
        toolbox=_tools_for(session, settings, files)(conversation, ()),
        limits=_limits(settings, attached),
        policy=_policy(settings),
        approvals=between,
        approved=between.decided.approved,
        must_call=True,
    )
    return _make(session, settings, between)(part)


def compose_planned(
    session: Session,
    settings: Settings,
    attached: Attached,
    files: RunFiles,
    between: BetweenTurns,
) -> PlannedRun:
    """Put a run together that plans first."""
    return PlannedRun(
        _conversation(settings, attached, between),
        _tools_for(session, settings, files),
        _make(session, settings, between),
        _limits(settings, attached),
        language=language_of(settings.query),
        manner=Manner(
            policy=_policy(settings),
            shows_plan=not settings.hide_plan,
            demands_call=settings.must_call is not None,
        ),
        approvals=between,
        approved=between.decided.approved,
    )


def _make(session: Session, settings: Settings, between: BetweenTurns) -> MakeRun:
    """Make runs that ask the models of the node."""

    def make(part: Part) -> Run:
        asks = settings if part.must_call else replace(settings, must_call=None)

        def binding(config: ModelConfig) -> ModelBinding:
            model = DifyModel(session, config)
            return ModelBinding(
                model=between.remembering(model, model.written),
                format=_format(asks, _protocol(settings, config), part.policy.shape),
                window=ContextWindow(config.model, config.budget),
            )

        return Run(
            part.conversation,
            binding(settings.model),
            part.toolbox,
            wording_for(language_of(settings.query)),
            part.limits,
            fallback=binding(settings.fallback_model) if settings.fallback_model else None,
            text_formats=lambda reply: _format(asks, protocol_of(reply), part.policy.shape),
            policy=part.policy,
            approvals=part.approvals,
            approved=part.approved,
        )

    return make


def _conversation(settings: Settings, attached: Attached, between: BetweenTurns) -> Conversation:
    """Write what the run is about, without the form that the answer is to have."""
    known = _knowledge(settings)
    told = between.told(wording_for(language_of(settings.query)))
    history, recalled = between.recalled(_history(settings, attached))
    return Conversation(
        instruction=_joined(settings.instruction, known),
        history=history,
        question=_joined(settings.query, *told, attached.text),
        material=(known, attached.text),
        attachments=attached.parts,
        recalled=recalled,
    )


def _limits(settings: Settings, attached: Attached) -> Limits:
    seconds = settings.limits.seconds - attached.seconds
    return replace(settings.limits, seconds=seconds, text_pause=TEXT_PAUSE)


def _policy(settings: Settings) -> Policy:
    return Policy(
        answer_on_error=settings.answer_on_error,
        direct_tools=settings.direct_tools,
        shape=settings.shape,
    )


def _tools_for(session: Session, settings: Settings, files: RunFiles) -> ToolsFor:
    """Choose the tools for a conversation: all, those that are named, or those that fit."""
    toolbox = DifyToolbox(session, settings.tools, files)
    searched = _searched(toolbox, settings)
    forced = [settings.must_call.name] if settings.must_call else []

    def choose(conversation: Conversation, names: Sequence[str]) -> Toolbox:
        if searched:
            return _opened(searched, conversation, settings, [*forced, *names])
        return ChosenTools(toolbox, [*forced, *names]) if names else toolbox

    return choose


def _searched(toolbox: Toolbox, settings: Settings) -> SearchedToolbox | None:
    """Let the model search for tools where it is wanted; None where all are shown."""
    estimator, window = estimator_for(settings.model.model), settings.model.budget.window
    many = settings.tool_search == "on" or is_too_many(toolbox.specs, estimator, window)
    # With one round, a tool that was found could no longer be called.
    if settings.tool_search == "off" or not (many and toolbox.specs) or settings.limits.rounds == 1:
        return None
    declares = _protocol(settings, settings.model) == "native"
    return SearchedToolbox(toolbox, wording_for(language_of(settings.query)), declares=declares)


def _opened(
    searched: SearchedToolbox,
    conversation: Conversation,
    settings: Settings,
    names: Sequence[str],
) -> SearchedToolbox:
    estimator, window = estimator_for(settings.model.model), settings.model.budget.window
    return searched.opened(opening(searched, conversation, estimator, window, names))


def _knowledge(settings: Settings) -> str:
    """Write the passages of the context for the system prompt; blank without passages."""
    room = _characters(settings, _KNOWLEDGE_SHARE)
    return prompt(settings.passages, language_of(settings.query), room)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part.strip())


def _models(settings: Settings) -> list[ModelConfig]:
    """Return the models that may be asked the question."""
    return [config for config in (settings.model, settings.fallback_model) if config]


def _characters(settings: Settings, share: float) -> int:
    return int(settings.model.budget.window * share) * _CHARACTERS_PER_TOKEN


def _history(settings: Settings, attached: Attached) -> list[Message]:
    turns = clean_history(settings.history)
    return with_media_for(turns, settings.model.features, beside=attached.parts)


def _protocol(settings: Settings, config: ModelConfig) -> str:
    """Choose the protocol; `auto` goes by what Dify says of the model."""
    if settings.protocol != "auto":
        return settings.protocol
    return "native" if config.features & _NATIVE_FEATURES else USUAL


def _format(settings: Settings, protocol: str, shape: AnswerShape | None) -> PromptFormat:
    language = language_of(settings.query)
    if protocol == "native":
        return NativeFormat(wording=wording_for(language), must_call=settings.must_call)
    return TextFormat(
        protocol=text_protocol(protocol, shape.of_object if shape else None),
        language=language,
        must_call=settings.must_call,
    )
