"""Set where the project lives: `python -m tools.addresses REPOSITORY CONTACT`.

Both stand in manifest.yaml. The repository stands in the packed pages too, for their links and for
the marketplace, so it is replaced there as well; a test compares them.
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = "manifest.yaml"
PAGES = ("README.md", "PRIVACY.md", "readme/*.md")
REPOSITORY = re.compile(r"https://(github|gitlab)\.com/[\w.-]+/[\w.-]+")
CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+")


def set_addresses(root: Path, repository: str, contact: str) -> list[str]:
    """Replace both addresses and name the files that changed.

    Raises:
        ValueError: one of them is not of the form that the marketplace takes.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"{repository!r} is not like https://github.com/NAME/rondo")
    if not CONTACT.fullmatch(contact):
        raise ValueError(f"{contact!r} is not an email address")
    manifest: dict[str, Any] = yaml.safe_load((root / MANIFEST).read_text(encoding="utf-8"))
    old = {manifest["repo"]: repository, manifest["contact"]: contact}
    paths = [root / MANIFEST, *(path for each in PAGES for path in sorted(root.glob(each)))]
    return [path.relative_to(root).as_posix() for path in paths if _replace(path, old)]


def _replace(path: Path, old: dict[str, str]) -> bool:
    before = after = path.read_text(encoding="utf-8")
    for was, now in old.items():
        after = after.replace(was, now)
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def main(arguments: list[str]) -> int:
    """Set both; 1 with a sentence when they are not two, or of another form."""
    try:
        repository, contact = arguments
        changed = set_addresses(ROOT, repository, contact)
    except ValueError as error:
        sys.stderr.write(f"{error}\nUsage: python -m tools.addresses REPOSITORY CONTACT\n")
        return 1
    sys.stdout.writelines(f"changed {name}\n" for name in changed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
