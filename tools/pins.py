"""Print every requirement that pyproject.toml pins: the plugin's, the workbench's, the tests'."""

import sys
import tomllib
from pathlib import Path


def pins(pyproject: Path) -> list[str]:
    """The requirements of the project and of all its groups, each once."""
    asked = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    groups = [asked["project"]["dependencies"], *asked.get("dependency-groups", {}).values()]
    return list(dict.fromkeys(pin for group in groups for pin in group))


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    sys.stdout.write("\n".join(pins(root / "pyproject.toml")) + "\n")
