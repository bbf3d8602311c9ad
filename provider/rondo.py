"""The provider that the YAML beside this file names."""

from dify_plugin.interfaces.agent import AgentProvider


class RondoProvider(AgentProvider):
    """Groups the strategies; it holds no credentials and does nothing itself."""
