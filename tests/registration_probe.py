"""Load the plugin as Dify starts it and print what the SDK made of it, as one line of JSON.

Run as `python -m tests.registration_probe` from the plugin's root: importing the SDK changes the
process for good, and the loader's rules show only in a process that has loaded nothing before.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dify_plugin.core.utils.class_loader import (
    get_subclasses_from_module,
    import_module_from_source,
)
from dify_plugin.interfaces.agent import AgentProvider, AgentStrategy

import main as plugin_main


def classes_bound_in(source: str, parent: type[object]) -> list[str]:
    """The names of the subclasses of `parent` that the file `source` binds."""
    module_name = Path(source).with_suffix("").as_posix().replace("/", ".")
    module = import_module_from_source(module_name=module_name, py_file_path=source)
    return [found.__name__ for found in get_subclasses_from_module(module, parent)]


def main() -> None:
    """Print the probe's findings."""
    settings = plugin_main.plugin.config
    registration: Any = plugin_main.plugin.registration
    strategies = {
        strategy.identity.name: {
            "features": strategy.features,
            "parameters": [p.model_dump(mode="json") for p in strategy.parameters],
            "classes": classes_bound_in(strategy.extra.python.source, AgentStrategy),
        }
        for provider in registration.agent_strategies_configuration
        for strategy in provider.strategies
    }
    found = {
        "manifest": registration.configuration.model_dump(mode="json"),
        "providers": list(registration.agent_strategies_mapping),
        "provider_classes": classes_bound_in("provider/rondo.py", AgentProvider),
        "strategies": strategies,
        "assets": sorted(asset.filename for asset in registration.files),
        "settings": settings.model_dump(mode="json"),
    }
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
