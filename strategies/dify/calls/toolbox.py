"""The node's tools as the engine's `Toolbox` port.

`ToolResult` sorts what a tool sends into what the model reads and what goes on to the reader.
The model names files; the tool gets the files themselves. What it makes gets a name, and joins them
once the run has taken the call's result: a result that comes too late brings nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dify_plugin.core.entities.invocation import InvokeType
from dify_plugin.core.runtime import Session

from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.tools.validation import failure
from strategies.dify.calls.callback import call_back
from strategies.dify.calls.tool_result import ToolResult
from strategies.dify.inputs.files.run_files import RunFiles
from strategies.dify.inputs.tools import DifyTool, spec_with_files
from strategies.protocols.base import ToolSpec


class DifyToolbox:
    """The tools of one run, called through its session."""

    def __init__(self, session: Session, tools: Sequence[DifyTool], files: RunFiles) -> None:
        self._session = session
        self._tools = {tool.spec.name: tool for tool in tools}
        self._files = files
        self._take_files = any(tool.file_parameters for tool in tools)
        self._specs = self._specs_for(self._files.names)

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as the model sees them now, with the files that there are."""
        if self._take_files and (names := self._files.names) != self._specs[0]:
            self._specs = self._specs_for(names)
        return self._specs[1]

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """The same tools by their names."""
        return {spec.name: spec for spec in self.specs}

    def provider(self, name: str) -> str:
        """Say which provider a tool belongs to; blank for an unknown tool."""
        tool = self._tools.get(name)
        return tool.provider if tool else ""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run one tool to its end; see `Toolbox.call`."""
        tool = self._tools[name]
        files, problem = self._files_for(tool, arguments)
        if problem:
            return failure(problem)
        named = {parameter.name for parameter in tool.file_parameters}
        arguments = {key: value for key, value in arguments.items() if key not in named} | files
        result = ToolResult(
            self._files.name_made, repeats_text_as_json=tool.provider_type == "workflow"
        )
        try:
            request = self._request(tool, arguments)
            for message in call_back(self._session, InvokeType.Tool, request):
                result.add(message)
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for any failure
            return self._with_names(result.failed(str(error)))
        return self._with_names(result.outcome())

    def _specs_for(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[ToolSpec, ...]]:
        return names, tuple(spec_with_files(tool, names) for tool in self._tools.values())

    def _files_for(
        self, tool: DifyTool, arguments: Mapping[str, object]
    ) -> tuple[dict[str, object], str]:
        """Return the files that the arguments name, or a sentence about a name that is none."""
        found: dict[str, object] = {}
        for parameter in tool.file_parameters:
            files, unknown = self._files.wires(arguments.get(parameter.name))
            if unknown:
                return {}, self._no_such_file(unknown)
            if len(files) > 1 and not parameter.many:
                return {}, f"The tool was not run: `{parameter.name}` takes one file, not several."
            if parameter.required and not files:
                return {}, self._no_such_file([f"for `{parameter.name}`"])
            if files:
                found[parameter.name] = files if parameter.many else files[0]
        return found, ""

    def _no_such_file(self, unknown: Sequence[str]) -> str:
        there = ", ".join(self._files.names)
        known = f"The files are: {there}." if there else "There is no file in this run."
        if old := [name for name in unknown if name in self._files.expired]:
            return (
                f"The tool was not run: the file {', '.join(old)} of the message before can no "
                "longer be read. Ask the user to upload it again, and begin anew with it."
            )
        return f"The tool was not run: there is no file {', '.join(unknown)}. {known}"

    def _with_names(self, outcome: ToolOutcome) -> ToolOutcome:
        """Say the names by which the following calls can use the files that this one made."""
        made = [name for one in outcome.forwarded if (name := self._files.name_made(one))]
        if not made or not self._take_files:
            return outcome
        note = f"\nTools that take a file know it as: {', '.join(made)}"
        remark = f"{outcome.remark}{note}".strip()
        return replace(outcome, text=f"{outcome.text}{note}", remark=remark)

    def _request(self, tool: DifyTool, arguments: Mapping[str, object]) -> dict[str, Any]:
        request: dict[str, Any] = {
            "tool_type": tool.provider_type,
            "provider": tool.provider,
            "tool": tool.name,
            # What the builder fixed wins: the model must not be able to override it.
            "tool_parameters": {**arguments, **tool.runtime_parameters},
        }
        if self._session.app_id:
            request["app_id"] = self._session.app_id
        credential_id = tool.credential_id or self._session.context.credentials.get_credential_id(
            tool.provider
        )
        if credential_id:
            request["credential_id"] = credential_id
        return request
