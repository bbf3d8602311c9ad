"""Start the plugin: over stdin and stdout, remotely for debugging, or serverless.

`dify_plugin` comes first: importing it makes sockets and threads cooperative.
Nothing may be printed here, standard output is the wire to Dify.
"""

from dify_plugin import DifyPluginEnv, Plugin

from strategies.dify.frames import send_frames_whole


class Settings(DifyPluginEnv):
    """The SDK's settings with longer limits; the environment and `.env` still win."""

    MAX_REQUEST_TIMEOUT: int = 300
    MAX_INVOCATION_TIMEOUT: int = 900


plugin = Plugin(Settings())
send_frames_whole(plugin.default_response_writer)

if __name__ == "__main__":
    plugin.run()
