"""Make what a release needs: `python -m tools.release TAG` writes it into dist/.

The package with its checksum, the changelog's section as notes.txt, and pull-request.txt, the text
for the marketplace. A tag that does not fit the project is refused with what is wrong.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from workbench.package import build, checksum, placeholders

ROOT = Path(__file__).resolve().parent.parent

PULL_REQUEST = """\
# Plugin Submission

## Plugin information

- **Author**: {author}
- **Plugin name**: {name}
- **Version**: {version}
- **Source repository**: {repo}
- **Contact**: {contact}

## What changed

{notes}

## Security and privacy notes

The plugin calls the models and tools of the workspace through Dify's own interfaces. It reads the
files of a run from the addresses that Dify signed for them, and opens no other connection. It runs
no commands and no code of others, and needs no credentials. PRIVACY.md says what it handles.

## Local validation

`make check` and `make package` ended without a failure for {repo}/releases/tag/v{version}.
SHA-256 of the package: {sum}

The boxes of the template are for the person who opens this draft for review.
"""


def problems(root: Path, tag: str) -> Iterator[str]:
    """Name what keeps a tag from being released."""
    version = str(_manifest(root)["version"])
    if tag != f"v{version}":
        yield f"The tag is {tag}, but manifest.yaml says {version}: it has to be v{version}."
    if not notes(root, version):
        yield f"CHANGELOG.md has no section that begins with `## [{version}] - ` and a date."
    for field in placeholders(root):
        yield f"manifest.yaml holds a placeholder ({field}); see docs/releasing.md."


def notes(root: Path, version: str) -> str:
    """The changelog's section of a version that has a date; blank if there is none."""
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def release(root: Path, folder: Path) -> list[Path]:
    """Write the files of a release; the tag has been checked before."""
    manifest = _manifest(root)
    package = build(root, folder)
    said = notes(root, manifest["version"])
    line = checksum(package)
    texts = {
        f"{package.path.name}.sha256": line,
        "notes.txt": f"{said}\n",
        "pull-request.txt": PULL_REQUEST.format(**manifest, notes=said, sum=line.split()[0]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [package.path, *(folder / name for name in texts)]


def _manifest(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "manifest.yaml").read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Write the files and name them; 1 with what is wrong."""
    wrong = list(problems(ROOT, arguments[0])) if arguments else ["Usage: tools.release TAG"]
    if wrong:
        sys.stderr.writelines(f"{line}\n" for line in wrong)
        return 1
    sys.stdout.writelines(f"{path.relative_to(ROOT)}\n" for path in release(ROOT, ROOT / "dist"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
