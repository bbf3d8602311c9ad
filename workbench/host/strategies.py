"""The strategies of a plugin's folder, as their YAML files declare them to Dify's editor."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench.base.ports import Json, is_object, objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One strategy."""

    name: str
    defaults: Mapping[str, Any]
    """Every parameter, with its default or None."""

    @property
    def given(self) -> Json:
        """The parameters that a new node has: those with a default."""
        return {name: value for name, value in self.defaults.items() if value is not None}


def strategies(plugin: Path) -> dict[str, Strategy]:
    """Read the strategies of a folder by name; none where there are no such files."""
    found = (_strategy(path) for path in sorted((plugin / "strategies").glob("*.yaml")))
    return {strategy.name: strategy for strategy in found}


def _strategy(path: Path) -> Strategy:
    declared: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    value: Json = declared if is_object(declared) else {}
    identity: Json = value.get("identity") or {}
    rows = objects(value.get("parameters"))
    return Strategy(
        name=str(identity.get("name") or path.stem),
        defaults={str(row.get("name")): row.get("default") for row in rows},
    )
