"""A run put together: from the parameters and the session to the engine that plays it."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.config import Limits, ModelBinding, Policy
from strategies.agent.events import Noticed
from strategies.agent.loop import Run
from strategies.agent.planning.parts import ChosenTools, Manner, RunPart, ToolsFor
from strategies.agent.planning.run import PlannedRun
from strategies.agent.ports import Message, Toolbox
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.formats import NativeFormat, PromptFormat, TextFormat
from strategies.agent.prompt.language import language_of
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
from strategies.dify.inputs.files.run_file import RunFile, read_written, renamed
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.history import clean_history, last_answer, with_media_for
from strategies.dify.inputs.knowledge import prompt
from strategies.dify.inputs.model_config import ModelConfig
from strategies.dify.inputs.parameters import Settings
from strategies.dify.loose_json import text
from strategies.dify.outputs.pacing import TEXT_PAUSE
from strategies.dify.storage.between_turns import BetweenTurns, TurnOwner
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
    """Puts the run of one request together; what the turn before has left is read at once."""

    def __init__(self, session: Session, settings: Settings, user: str) -> None:
        self._session = session
        self.between = self._between_turns(settings, user)
        self.between.begin(last_answer(settings.history))
        # A call runs with the very file that the reader saw the name of.
        self._settings = replace(settings, files=renamed(settings.files, self._kept))
        self.between.files_named_in = self.files.named_in

    @property
    def notices(self) -> Sequence[Noticed]:
        """What is to be told of the parameters and files before anything is asked."""
        return (*self._settings.notices, *self._attached.notices)

    @cached_property
    def files(self) -> RunFiles:
        """The files that tools can be given; those that tools make may join them."""

        def upload(name: str, content: bytes, mime_type: str) -> str:
            return self._session.file.upload(name, content, mime_type).preview_url or ""

        # The addresses of files are good for some minutes alone, and an approval may take longer.
        kept, reader = self._kept, self._reader(_FILES_SECONDS)
        expired = [file.name for file in kept if reader.is_gone(file.url)]
        return RunFiles([*kept, *self._settings.files], upload=upload, expired=expired)

    def run(self) -> Run:
        """Put a run of rounds together."""
        settings, conversation = self._settings, self._conversation()
        if settings.shape:
            asked = settings.shape.request(language_of(settings.query))
            told = _joined(conversation.instruction, asked)
            conversation = replace(conversation, instruction=told)
        part = RunPart(
            conversation=conversation,
            toolbox=self._tools_for()(conversation),
            limits=self._limits(),
            policy=_policy(settings),
            approvals=self.between,
            approved=self.between.decided.approved,
            demands_call=True,
        )
        return self._make(part)

    def planned_run(self) -> PlannedRun:
        """Put a run together that plans first."""
        settings = self._settings
        return PlannedRun(
            self._conversation(),
            self._tools_for(),
            self._make,
            self._limits(),
            language=language_of(settings.query),
            manner=Manner(
                policy=_policy(settings),
                shows_plan=not settings.hide_plan,
                demands_call=settings.must_call is not None,
            ),
            approvals=self.between,
            approved=self.between.decided.approved,
        )

    def _between_turns(self, settings: Settings, user: str) -> BetweenTurns:
        turn = TurnOwner(
            app=self._session.app_id or "",
            conversation=self._session.conversation_id or "",
            user=user,
            tools=tuple(tool.spec.name for tool in settings.tools),
        )
        access = partial(call_back, self._session, InvokeType.Storage)
        return BetweenTurns(access, turn, settings.wishes, settings.query)

    @property
    def _kept(self) -> Sequence[RunFile]:
        """The files of the calls that the reader has approved."""
        return read_written(self.between.approved_files)

    @cached_property
    def _attached(self) -> Attached:
        """The question's files for the model; what it cannot take is named in the text."""
        settings = self._settings
        audience = Audience(
            features=settings.model.features,
            text_room=_characters(settings, _FILES_SHARE),
            language=language_of(settings.query),
            takes_addresses={config.provider for config in _models(settings)} <= _TAKE_ADDRESSES,
            has_file_tools=any(tool.file_parameters for tool in settings.tools),
        )
        seconds = min(_FILES_SECONDS, settings.limits.seconds * _FILES_SHARE)
        return content_parts(settings.files, audience, self._reader(seconds))

    def _reader(self, seconds: float) -> FileReader:
        def upload_address() -> str:
            """Let Dify sign an address, at which nothing is uploaded."""
            asked = {"filename": "where.txt", "mimetype": "text/plain"}
            answers = call_back(self._session, InvokeType.UploadFile, asked)
            return next((text(answer.get("url")) for answer in answers), "")

        return FileReader(DifyFiles(upload_address, os.environ), seconds=seconds)

    def _make(self, part: RunPart) -> Run:
        """Make a run that asks the models of the node."""
        settings = self._settings
        asks = settings if part.demands_call else replace(settings, must_call=None)

        def binding(config: ModelConfig) -> ModelBinding:
            model = DifyModel(self._session, config)
            return ModelBinding(
                model=self.between.cached(model, model.written),
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

    def _conversation(self) -> Conversation:
        """Write what the run is about, without the form that the answer is to have."""
        settings, attached = self._settings, self._attached
        known = _knowledge(settings)
        told = self.between.told(wording_for(language_of(settings.query)))
        history, recalled = self.between.recalled(_history(settings, attached))
        return Conversation(
            instruction=_joined(settings.instruction, known),
            history=history,
            question=_joined(settings.query, *told, attached.text),
            material=(known, attached.text),
            attachments=attached.parts,
            recalled=recalled,
        )

    def _limits(self) -> Limits:
        """Take off the time that reading files has cost."""
        limits = self._settings.limits
        seconds = limits.seconds - self._attached.seconds
        return replace(limits, seconds=seconds, text_pause=TEXT_PAUSE)

    def _tools_for(self) -> ToolsFor:
        """Choose the tools for a conversation: all, those that are named, or those that fit."""
        settings = self._settings
        estimator, window = estimator_for(settings.model.model), settings.model.budget.window
        toolbox = DifyToolbox(self._session, settings.tools, self.files)
        searched = _searched(toolbox, settings)
        forced = [settings.must_call.name] if settings.must_call else []

        def choose(
            conversation: Conversation, names: Sequence[str] = (), *, searches: bool = True
        ) -> Toolbox:
            if searched:
                shown = opening(searched, conversation, estimator, window, [*forced, *names])
                return searched.opened(shown) if searches else ChosenTools(toolbox, shown)
            return ChosenTools(toolbox, [*forced, *names]) if names else toolbox

        return choose


def _policy(settings: Settings) -> Policy:
    return Policy(
        answer_on_error=settings.answer_on_error,
        direct_tools=settings.direct_tools,
        shape=settings.shape,
    )


def _searched(toolbox: Toolbox, settings: Settings) -> SearchedToolbox | None:
    """Let the model search for tools where it is wanted; None where all are shown."""
    estimator, window = estimator_for(settings.model.model), settings.model.budget.window
    many = settings.tool_search == "on" or is_too_many(toolbox.specs, estimator, window)
    # With one round, a tool that was found could no longer be called.
    if settings.tool_search == "off" or not (many and toolbox.specs) or settings.limits.rounds == 1:
        return None
    declares = _protocol(settings, settings.model) == "native"
    return SearchedToolbox(toolbox, wording_for(language_of(settings.query)), declares=declares)


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
