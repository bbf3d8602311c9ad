"""A run put together: from the parameters and the session to the engine that plays it."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.config import Limits, ModelBinding, Policy, RunRequest
from strategies.agent.interface.ports import Toolbox
from strategies.agent.loop import Run
from strategies.agent.planning.parts import Setting
from strategies.agent.planning.run import PlannedRun
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.formats import NativeFormat, PromptFormat, TextFormat
from strategies.agent.prompt.language import language_of
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.prompt.wording import wording_for
from strategies.agent.schema.answer import AnswerShape
from strategies.agent.tools.search import SearchedToolbox, is_too_many, opening
from strategies.agent.tools.shown import ChosenTools, ToolsFor
from strategies.agent.window.context import ContextWindow
from strategies.agent.window.tokens import estimator_for
from strategies.dify.calls.callback import call_back
from strategies.dify.calls.model import DifyModel
from strategies.dify.calls.toolbox import DifyToolbox
from strategies.dify.inputs.files.addresses import DifyFiles
from strategies.dify.inputs.files.attachments import Attached, content_parts
from strategies.dify.inputs.files.contents import Audience
from strategies.dify.inputs.files.fetching import FileReader
from strategies.dify.inputs.files.run_file import RunFile, read_written, renamed
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.history import clean_history, last_answer, with_media_for
from strategies.dify.inputs.knowledge import passages_prompt
from strategies.dify.inputs.model_config import ModelConfig
from strategies.dify.inputs.parameters import Settings
from strategies.dify.outputs.pacing import TEXT_PAUSE
from strategies.dify.storage.between_turns import BetweenTurns, TurnOwner, TurnStorage
from strategies.dify.wire_values import text_of
from strategies.protocols.base import Language
from strategies.protocols.registry import USUAL, protocol_of, text_protocol

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


class Composer:
    """Puts the run of one request together."""

    def __init__(self, session: Session, settings: Settings, user: str) -> None:
        """Read what the turn before has left, and name the question's files beside its own."""
        storage = _storage(session, settings, user)
        before = storage.read(settings.query, last_answer(settings.history))
        # A call runs with the very file that the reader saw the name of.
        kept = read_written(before.approved_files)
        settings = replace(settings, files=renamed(settings.files, kept))
        self._session = session
        self._settings = settings
        self.files: RunFiles = _files(session, settings, kept)
        """The files that tools can be given; those that tools make may join them."""
        self.between = BetweenTurns(storage, before, settings.query, self.files.named_in)
        self._language: Language = language_of(settings.query)
        self._wording = wording_for(self._language)
        self._estimator = estimator_for(settings.model.model)
        self._window = settings.model.budget.window
        """Tokens of the model that is asked first."""

    def read_files(self) -> Attached:
        """Download the question's files for the model; what it cannot take is named in words."""
        settings = self._settings
        asked = [config for config in (settings.model, settings.fallback_model) if config]
        audience = Audience(
            features=settings.model.features,
            text_room=self._characters(_FILES_SHARE),
            language=self._language,
            takes_addresses={config.provider for config in asked} <= _TAKE_ADDRESSES,
            has_file_tools=any(tool.file_parameters for tool in settings.tools),
        )
        seconds = min(_FILES_SECONDS, settings.limits.seconds * _FILES_SHARE)
        return content_parts(settings.files, audience, _reader(self._session, seconds))

    def run(self, attached: Attached) -> Run:
        """Put a run of rounds together, about the files that were read for it."""
        settings, conversation = self._settings, self._conversation(attached)
        if settings.shape:
            asked = settings.shape.request(self._language)
            told = _joined(conversation.instruction, asked)
            conversation = replace(conversation, instruction=told)
        request = RunRequest(
            conversation=conversation,
            toolbox=self._tools_for()(conversation),
            limits=self._limits(attached),
            policy=_policy(settings),
            approvals=self.between,
            approved=self.between.before.decided.approved,
            makes_demanded_call=True,
        )
        return self._make(request)

    def planned_run(self, attached: Attached) -> PlannedRun:
        """Put a run together that plans first, about the files that were read for it."""
        settings = self._settings
        setting = Setting(
            conversation=self._conversation(attached),
            tools_for=self._tools_for(),
            make=self._make,
            limits=self._limits(attached),
            language=self._language,
            policy=_policy(settings),
            shows_plan=not settings.hide_plan,
            calls_at_least_once=settings.must_call is not None,
            approvals=self.between,
            approved=self.between.before.decided.approved,
        )
        return PlannedRun(setting)

    def _make(self, request: RunRequest) -> Run:
        """Make a run that asks the models of the node."""
        settings = self._settings
        must_call = settings.must_call if request.makes_demanded_call else None
        format_of = partial(self._format, request.policy.shape, must_call)

        def binding(config: ModelConfig) -> ModelBinding:
            model = DifyModel(self._session, config)
            return ModelBinding(
                model=self.between.cached(model, model.written),
                format=format_of(_protocol(settings, config)),
                window=ContextWindow(config.model, config.budget),
            )

        return Run(
            request,
            binding(settings.model),
            self._wording,
            fallback=binding(settings.fallback_model) if settings.fallback_model else None,
            text_formats=lambda reply: format_of(protocol_of(reply)),
        )

    def _conversation(self, attached: Attached) -> Conversation:
        """Write what the run is about, without the form that the answer is to have."""
        settings, before = self._settings, self.between.before
        room = self._characters(_KNOWLEDGE_SHARE)
        known = passages_prompt(settings.passages, self._language, room)
        told = before.told(self._wording)
        turns = clean_history(settings.history)
        fitting = with_media_for(turns, settings.model.features, beside=attached.parts)
        history, recalled = before.recalled(fitting)
        return Conversation(
            instruction=_joined(settings.instruction, known),
            history=history,
            question=_joined(settings.query, *told, attached.text),
            material=(known, attached.text),
            attachments=attached.parts,
            recalled=recalled,
        )

    def _characters(self, share: float) -> int:
        """Turn a share of the window into characters."""
        return int(self._window * share) * _CHARACTERS_PER_TOKEN

    def _limits(self, attached: Attached) -> Limits:
        """Take off the time that reading files has cost."""
        limits = self._settings.limits
        seconds = limits.seconds - attached.seconds
        return replace(limits, seconds=seconds, text_pause=TEXT_PAUSE)

    def _tools_for(self) -> ToolsFor:
        """Choose the tools for a conversation: all, those that are named, or those that fit."""
        settings = self._settings
        toolbox = DifyToolbox(self._session, settings.tools, self.files)
        searched = self._searched(toolbox)
        forced = [settings.must_call.name] if settings.must_call else []

        def choose(
            conversation: Conversation, names: Sequence[str] = (), *, searches: bool = True
        ) -> Toolbox:
            always = [*forced, *names]
            if searched:
                shown = opening(searched, conversation, self._estimator, self._window, always)
                return searched.opened(shown) if searches else ChosenTools(toolbox, shown)
            return ChosenTools(toolbox, always) if names else toolbox

        return choose

    def _searched(self, toolbox: Toolbox) -> SearchedToolbox | None:
        """Let the model search for tools where it is wanted; None where all are shown."""
        settings = self._settings
        # With one round, a tool that was found could no longer be called.
        if settings.tool_search == "off" or not toolbox.specs or settings.limits.rounds == 1:
            return None
        wanted = settings.tool_search == "on"
        if not wanted and not is_too_many(toolbox.specs, self._estimator, self._window):
            return None
        declares = _protocol(settings, settings.model) == "native"
        return SearchedToolbox(toolbox, self._wording, declares=declares)

    def _format(
        self, shape: AnswerShape | None, must_call: MustCall | None, protocol: str
    ) -> PromptFormat:
        if protocol == "native":
            return NativeFormat(wording=self._wording, must_call=must_call)
        return TextFormat(
            protocol=text_protocol(protocol, shape.of_object if shape else None),
            language=self._language,
            must_call=must_call,
        )


def _storage(session: Session, settings: Settings, user: str) -> TurnStorage:
    turn = TurnOwner(
        app=session.app_id or "",
        conversation=session.conversation_id or "",
        user=user,
        tools=tuple(tool.spec.name for tool in settings.tools),
    )
    return TurnStorage(partial(call_back, session, InvokeType.Storage), turn, settings.turn_policy)


def _files(session: Session, settings: Settings, kept: Sequence[RunFile]) -> RunFiles:
    """Gather the files that tools can be given: those of the calls approved, and the question's."""

    def upload(name: str, content: bytes, mime_type: str) -> str:
        return session.file.upload(name, content, mime_type).preview_url or ""

    # The addresses of files are good for some minutes alone, and an approval may take longer.
    reader = _reader(session, _FILES_SECONDS)
    expired = [file.name for file in kept if reader.is_gone(file.url)]
    return RunFiles([*kept, *settings.files], upload=upload, expired=expired)


def _reader(session: Session, seconds: float) -> FileReader:
    def upload_address() -> str:
        """Let Dify sign an address, at which nothing is uploaded."""
        asked = {"filename": "where.txt", "mimetype": "text/plain"}
        answers = call_back(session, InvokeType.UploadFile, asked)
        return next((text_of(answer.get("url")) for answer in answers), "")

    return FileReader(DifyFiles(upload_address, os.environ), seconds=seconds)


def _policy(settings: Settings) -> Policy:
    return Policy(
        answer_on_error=settings.answer_on_error,
        direct_tools=settings.direct_tools,
        shape=settings.shape,
    )


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part.strip())


def _protocol(settings: Settings, config: ModelConfig) -> str:
    """Choose the protocol; `auto` goes by what Dify says of the model."""
    if settings.protocol != "auto":
        return settings.protocol
    return "native" if config.features & _NATIVE_FEATURES else USUAL
