"""Start the plugin: over stdin and stdout, remotely for debugging, or serverless.

`dify_plugin` comes first: importing it makes sockets and threads cooperative.
Nothing may be printed here, standard output is the wire to Dify.
"""

from dify_plugin import DifyPluginEnv, Plugin  # isort: split

import importlib
import threading

from strategies.dify.transport.install import use_links
from strategies.dify.transport.tls import share_tls


class Settings(DifyPluginEnv):
    """The SDK's settings with longer limits; the environment and `.env` still win."""

    MAX_REQUEST_TIMEOUT: int = 300
    MAX_INVOCATION_TIMEOUT: int = 900


settings = Settings()
share_tls(settings)
use_links()
plugin = Plugin(settings)


def warm_up() -> None:
    """Import what every run needs, so that the first one need not wait for it."""
    importlib.import_module("strategies.dify.run")


if __name__ == "__main__":
    # Once the first heartbeat has told Dify that the plugin is there.
    threading.Timer(0.1, warm_up).start()
    plugin.run()
