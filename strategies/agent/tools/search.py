"""Hundreds of tools: the model sees a few that fit the question, and one tool that finds more.

`SearchedToolbox` stands between a run and its toolbox. Whatever the model names is run, shown or
not: searching only decides what it reads. What a search has found stays for the rest of the run.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence

from strategies.agent.interface.ports import Toolbox, ToolOutcome
from strategies.agent.prompt.conversation import Conversation, text_in
from strategies.agent.prompt.shortening import shortened_line
from strategies.agent.prompt.wording import Wording
from strategies.agent.tools.index import ToolIndex
from strategies.agent.window.tokens import Estimator
from strategies.protocols.base import ToolSpec
from strategies.protocols.writing.rendering import function_of

MOST_TOOLS = 40
"""Tools from which on models choose badly: they take a tool that only sounds right."""
_SHARE = 0.2
"""Share of the window that the descriptions of all tools may take."""
_OPENING, _FOUND = 8, 5
"""Tools that are shown at once, and by one search."""
_CALLED = 4
"""Tools of earlier turns among those, so that places are left for what fits the question."""
_OPENING_SHARE = 0.1
_WORDS = "words"
_MOST_PROVIDERS = 30
_LINE = 120


def is_too_many(tools: Sequence[ToolSpec], estimator: Estimator, window: int) -> bool:
    """Tell whether a window of so many tokens is better spent than on all of these tools."""
    return len(tools) > MOST_TOOLS or estimator.of_tools(tools) > window * _SHARE


def search_name(names: Iterable[str]) -> str:
    """Name the tool that finds others; a tool of the builder's keeps its name."""
    taken, name = set(names), "find_tools"
    while name in taken:
        name += "_"
    return name


class SearchedToolbox:
    """A `Toolbox` that shows some tools of another one.

    Where tools are declared to the provider, those found go to the end of the list. Where the text
    tells of them, the result of the search describes them, and what was sent before stays as it is.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        wording: Wording,
        *,
        declares: bool,
        index: ToolIndex | None = None,
        opening: Iterable[str] = (),
    ) -> None:
        """Take the tools; `opening` names those that are shown at once."""
        self._toolbox = toolbox
        self._wording = wording
        self._declares = declares
        names = tuple(toolbox.known)
        self.index = index or ToolIndex(
            toolbox.known.values(), {name: toolbox.provider(name) for name in names}
        )
        self.finder = _finder(toolbox, names, wording)
        self._shown = [name for name in dict.fromkeys(opening) if name in toolbox.known]
        self._lock = threading.Lock()

    def opened(self, opening: Iterable[str]) -> "SearchedToolbox":
        """Return the same tools, of which these are shown at once; what was found is not."""
        return SearchedToolbox(
            self._toolbox,
            self._wording,
            declares=self._declares,
            index=self.index,
            opening=opening,
        )

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that are shown now: those of the beginning, the finder, and those found."""
        known = self._toolbox.known
        with self._lock:
            shown = [known[name] for name in self._shown]
        # The finder stands first: the place of nothing changes when tools are found.
        return (self.finder, *shown)

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """All tools."""
        return {**self._toolbox.known, self.finder.name: self.finder}

    def provider(self, name: str) -> str:
        """Say which provider a tool belongs to; blank for the finder."""
        return self._toolbox.provider(name)

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Search, or run a tool."""
        if name != self.finder.name:
            self._show([name])
            return self._toolbox.call(name, arguments)
        found = self.index.best(str(arguments.get(_WORDS) or ""), _FOUND)
        remark = "" if found else self._wording.no_tool_found
        # Blank for a reader: what was found is no answer to anybody.
        return ToolOutcome(
            text=remark or self._described(found), remark=remark, shown="", describes_tools=True
        )

    def _described(self, found: Sequence[str]) -> str:
        known, shown = self._toolbox.known, set(self._show(found))
        lines = [_line(known[name]) if name in shown else _whole(known[name]) for name in found]
        return "\n".join([self._wording.tools_found, *lines])

    def _show(self, names: Sequence[str]) -> Sequence[str]:
        """Declare tools for the rest of the run, where they are declared; return those shown."""
        with self._lock:
            if self._declares:
                self._shown += [name for name in names if name not in self._shown]
            return tuple(self._shown)


def opening(
    toolbox: SearchedToolbox,
    conversation: Conversation,
    estimator: Estimator,
    window: int,
    always: Iterable[str] = (),
) -> list[str]:
    """Choose the tools that are shown at once, within a share of the window.

    Those that must be there come first: the ones in `always`, those that the texts name, and those
    that earlier turns have called last, which the model reads of and will call again.
    """
    known = toolbox.known
    named = [*always, *_called(known, conversation), *_named(known, conversation)]
    asked = [text_in(turn) for turn in conversation.history if turn.get("role") == "user"][-1:]
    fitting = toolbox.index.best("\n".join([conversation.question, *asked]), _OPENING)
    chosen = [name for name in dict.fromkeys(named) if name in known]
    room = window * _OPENING_SHARE - estimator.of_tools([known[name] for name in chosen])
    for name in [name for name in fitting if name not in chosen]:
        room -= estimator.of_tools([known[name]])
        if len(chosen) >= _OPENING or (room < 0 and chosen):
            break
        chosen.append(name)
    return chosen


def _called(known: Mapping[str, ToolSpec], conversation: Conversation) -> list[str]:
    """List the tools that earlier turns called, the latest first."""
    turns = (conversation.recalled[place] for place in sorted(conversation.recalled))
    names = [one.call.name for rounds in turns for record in rounds for one in record.done]
    return [name for name in dict.fromkeys(reversed(names)) if name in known][:_CALLED]


def _named(known: Mapping[str, ToolSpec], conversation: Conversation) -> list[str]:
    """Find the tools whose names stand in the instruction or the question."""
    said = f"{conversation.instruction}\n{conversation.question}"
    # A name of one word, such as `search`, stands in many a sentence that means no tool.
    return [name for name in known if ("_" in name or "-" in name) and name in said][:_OPENING]


def _finder(toolbox: Toolbox, names: Sequence[str], wording: Wording) -> ToolSpec:
    providers = [toolbox.provider(name).rsplit("/", 1)[-1] for name in names]
    short = [one for one in dict.fromkeys(providers) if one and not any(map(str.isdigit, one))]
    of = f" ({', '.join(short)})" if 1 < len(short) <= _MOST_PROVIDERS else ""
    return ToolSpec(
        name=search_name(names),
        description=wording.find_tools.format(count=len(names), of=of),
        parameters={
            "type": "object",
            "properties": {_WORDS: {"type": "string", "description": wording.find_tools_words}},
            "required": [_WORDS],
        },
    )


def _line(tool: ToolSpec) -> str:
    return f"- {tool.name}: {shortened_line(tool.description, _LINE)}"


def _whole(tool: ToolSpec) -> str:
    return json.dumps(function_of(tool), ensure_ascii=False, default=str)
