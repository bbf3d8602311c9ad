"""Serverless: one TLS context for all calls back to Dify.

The SDK opens an HTTP client for each call, and each client reads all certificates that the system
trusts: some 30 ms of CPU, in which the process hears nobody, for every model and tool call. The
context holds no connection and nothing of any run, so all calls may share one.
"""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import httpx
from dify_plugin import DifyPluginEnv
from dify_plugin.config.config import InstallMethod
from dify_plugin.core import runtime


def share_tls(settings: DifyPluginEnv) -> None:
    """Give the SDK's clients a context that is ready, where it calls back over HTTP."""
    if settings.INSTALL_METHOD is InstallMethod.Serverless:
        client = partial(httpx.Client, verify=httpx.create_ssl_context())
        # All that the SDK's module takes from httpx; requirements.txt pins the SDK.
        cast("Any", runtime).httpx = SimpleNamespace(Client=client)
