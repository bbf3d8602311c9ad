"""The provider that the YAML beside this file names."""

from dify_plugin.interfaces import agent


class Provider(agent.AgentProvider):
    """Does nothing itself."""
