"""An SDK that is not as our links expect it, run by test_sdk.py in a process of their own."""

import sys
from typing import Any

import pytest
from dify_plugin import plugin
from dify_plugin.core import runtime
from dify_plugin.core.server.__base import response_writer
from dify_plugin.core.server.__base.request_reader import RequestReader
from dify_plugin.core.server.serverless import request_reader as serverless
from dify_plugin.core.server.stdio.request_reader import StdioRequestReader
from dify_plugin.core.server.tcp import request_reader as tcp

from strategies.dify import transport
from strategies.dify.transport.install import use_links


@pytest.fixture(autouse=True)
def put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the SDK as it was, should anything be replaced."""
    for module, name in (
        *((plugin, name) for name in ("StdioRequestReader", "StdioResponseWriter")),
        *((module, "TypeAdapter") for module in (tcp, runtime)),
        (plugin, "TCPReaderWriter"),
        (serverless, "ServerlessResponseWriter"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))


def assert_refused(reason: str) -> None:
    """The plugin's log says why, and the SDK makes its own links."""
    before = (plugin.StdioRequestReader, plugin.TCPReaderWriter, runtime.TypeAdapter)
    said = use_links("local")

    assert said.startswith("dify_plugin 0.")
    assert reason in said
    assert "\n" not in said
    assert (plugin.StdioRequestReader, plugin.TCPReaderWriter, runtime.TypeAdapter) == before
    assert plugin.StdioRequestReader.__module__.startswith("dify_plugin.")


@pytest.mark.parametrize("name", ["_process_line", "event_loop"])
def test_a_method_that_ours_overrides_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would call ours."""
    monkeypatch.delattr(RequestReader, name)

    assert_refused(f"overrides {name}, which is missing")


@pytest.mark.parametrize(
    "name", ["put", "session_message_text", "stream_object", "stream_invoke_object"]
)
def test_a_method_takes_other_parameters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls it would give ours what it does not take."""

    def other(self: Any, message: Any) -> None:
        raise AssertionError(self, message)

    monkeypatch.setattr(response_writer.ResponseWriter, name, other)

    assert_refused(f"ResponseWriter.{name} takes other parameters")


def test_a_link_is_made_by_another_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours are derived from the one that is known."""
    monkeypatch.setattr(plugin, "StdioRequestReader", type("Other", (StdioRequestReader,), {}))
    said = use_links("local")

    assert "does not make its link by StdioRequestReader" in said


def test_a_name_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines would be read by something else."""
    monkeypatch.delattr(tcp, "TypeAdapter")

    assert_refused("reads lines by another parser")


def test_frames_have_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon that belongs to that SDK may read no other."""

    class Message(response_writer.StreamOutputMessage):
        version: int = 2

    monkeypatch.setattr(response_writer, "StreamOutputMessage", Message)

    assert_refused("frames have another form")


def test_a_module_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours cannot even be imported."""
    for name in ("sdk_links", "links", "stdio"):
        monkeypatch.delitem(sys.modules, f"strategies.dify.transport.{name}", raising=False)
        monkeypatch.delattr(transport, name, raising=False)
    monkeypatch.setitem(sys.modules, "dify_plugin.core.server.serverless.response_writer", None)

    assert_refused("ModuleNotFoundError")


def test_a_link_is_made_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would make ours with it."""

    def made(self: Any, size: int) -> None:
        raise AssertionError(self, size)

    monkeypatch.setattr(StdioRequestReader, "__init__", made)

    assert_refused("StdioRequestReader is made with other parameters")


def test_the_environment_can_choose_the_links_of_the_sdk() -> None:
    """And a word that nobody knows is told."""
    assert "RONDO_LINKS is sdk" in use_links("local", "sdk")
    assert plugin.StdioRequestReader is StdioRequestReader


def test_an_unknown_word_is_told() -> None:
    """And ours are used."""
    assert use_links("local", "off") == "RONDO_LINKS is 'off', but can only be sdk or blank."
    assert plugin.StdioRequestReader is not StdioRequestReader
