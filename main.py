"""Start the plugin: over stdin and stdout, remotely for debugging, or serverless.

`dify_plugin` comes first: importing it makes sockets and threads cooperative.
Nothing may be printed here, standard output is the wire to Dify.
"""

from dify_plugin import DifyPluginEnv, Plugin  # isort: split

import gc
import importlib
import logging
import threading

from dify_plugin.config.logger_format import plugin_logger_handler

from strategies.dify.transport.install import use_links

log = logging.getLogger("rondo")
log.addHandler(plugin_logger_handler)


class Settings(DifyPluginEnv):
    """The SDK's settings with longer limits; the environment and `.env` still win."""

    MAX_REQUEST_TIMEOUT: int = 300
    MAX_INVOCATION_TIMEOUT: int = 900
    RONDO_LINKS: str = ""
    """`sdk` switches our links to Dify off (docs/dify.md, "The SDK's links")."""


settings = Settings()
links = use_links(settings.INSTALL_METHOD.value, settings.RONDO_LINKS)
plugin = Plugin(settings)


def warm_up() -> None:
    """Say which links are in use, and import what every run needs, before the first one."""
    if links:
        log.warning(links)
    importlib.import_module("strategies.dify.run")
    # What is imported stays: walking through it would halt every run for some 30 ms now and then.
    gc.freeze()


if __name__ == "__main__":
    # Once the first heartbeat has told Dify that the plugin is there.
    threading.Timer(0.1, warm_up).start()
    plugin.run()
