"""Build the plugin's package: `python -m workbench.package` writes dist/<name>-<version>.difypkg.

A package is a plain zip of the project's folder less what .difyignore names. Dify reads patterns
that begin with "!" and does nothing with them, so neither does this. Entries are sorted, bear one
fixed date and are stored as they are: the same files make the same bytes.

In a git checkout only what git tracks is packed, and what else would have been is named. Elsewhere,
as in an unpacked source archive, a file that is not of the kind of its folder is refused by name.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pathspec
import yaml

ROOT = Path(__file__).resolve().parent.parent
IGNORE_FILE = ".difyignore"
LARGEST_PACKAGE = 50 * 1024 * 1024
LONG_AGO = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16
GIT_SECONDS = 30
ALWAYS_REQUIRED = ("LICENSE", "PRIVACY.md", "README.md", "main.py", "requirements.txt")

KINDS = {
    "_assets": {".png", ".svg"},
    "provider": {".py", ".yaml"},
    "readme": {".md"},
    "strategies": {".py", ".yaml"},
    "": {*ALWAYS_REQUIRED, "CHANGELOG.md", "manifest.yaml"},
}
"""What may lie in each folder of a plugin, by its ending; at the root by its whole name."""


class IncompletePackageError(Exception):
    """The folder lacks something that Dify or its marketplace asks for, or holds too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was written, and what went into it."""

    path: Path
    sizes: Mapping[str, int]
    """Bytes of each packed file, by its path within the package."""
    left_out: tuple[str, ...]
    """What .difyignore allows and git does not track."""


def build(root: Path, folder: Path) -> Package:
    """Pack the plugin in `root` into `folder`.

    Raises:
        IncompletePackageError: Something required is missing, or the files are too large.
    """
    names, left_out = _chosen(root)
    lacking = missing(root, names)
    if lacking:
        raise IncompletePackageError(f"Missing from the package: {', '.join(lacking)}")
    contents = {name: (root / name).read_bytes() for name in names}
    sizes = {name: len(content) for name, content in contents.items()}
    if sum(sizes.values()) > LARGEST_PACKAGE:
        raise IncompletePackageError(f"{sum(sizes.values()):,} bytes are over Dify's 50 MB")
    manifest = _load(root / "manifest.yaml")
    path = folder / f"{manifest['name']}-{manifest['version']}.difypkg"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = PLAIN_FILE
            archive.writestr(entry, content)
    return Package(path=path, sizes=sizes, left_out=tuple(left_out))


def packed_files(root: Path) -> list[str]:
    """The paths that go into the package, sorted."""
    return _chosen(root)[0]


def placeholders(root: Path) -> list[str]:
    """The fields of the manifest that still hold what stands there until there is an address."""
    manifest = _load(root / "manifest.yaml")
    contact, repo = str(manifest.get("contact")), str(manifest.get("repo"))
    found = {"contact": contact.endswith(".example"), "repo": "/OWNER/" in repo}
    return [f"{name}: {manifest[name]}" for name, is_one in found.items() if is_one]


def checksum(package: Package) -> str:
    """The line of SHA-256 that `sha256sum --check` reads."""
    return f"{hashlib.sha256(package.path.read_bytes()).hexdigest()}  {package.path.name}\n"


def _chosen(root: Path) -> tuple[list[str], list[str]]:
    """What is packed, and what is left out because git does not track it; both sorted."""
    allowed, tracked = _allowed(root), _tracked(root)
    if tracked is not None:
        return [n for n in allowed if n in tracked], [n for n in allowed if n not in tracked]
    odd = [name for name in allowed if not _is_of_its_kind(name)]
    if odd:
        raise IncompletePackageError(
            f"Not of a plugin: {', '.join(odd)}. Move it away, or name it in {IGNORE_FILE}."
        )
    return allowed, []


def _allowed(root: Path) -> list[str]:
    lines = (root / IGNORE_FILE).read_text(encoding="utf-8").splitlines()
    ignored = pathspec.GitIgnoreSpec.from_lines(
        line.strip() for line in lines if not line.lstrip().startswith("!")
    )
    return sorted(_walk(root, root, ignored))


def _tracked(root: Path) -> set[str] | None:
    """What git tracks of the folder; None where it is no checkout, or there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"],  # noqa: S607 - git stands where its user has put it
            cwd=root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = set(listed.stdout.split("\0"))
    return names if "manifest.yaml" in names else None


def _is_of_its_kind(name: str) -> bool:
    folder, _, rest = name.rpartition("/")
    kinds = KINDS.get(folder.split("/")[0], set[str]())
    return (Path(rest).suffix if folder else rest) in kinds


def missing(root: Path, names: list[str]) -> list[str]:
    """What is required and not among `names`: fixed files and all that the YAML files name."""
    if "manifest.yaml" not in names:
        return ["manifest.yaml"]
    required = [*ALWAYS_REQUIRED, *_named_by_the_manifest(root)]
    return sorted({name for name in required if name not in names})


def report(package: Package) -> str:
    """A line for each packed file, and a last one for the package."""
    lines = [f"{size:>9,}  {name}" for name, size in package.sizes.items()]
    total = sum(package.sizes.values())
    lines.append(f"{total:>9,}  bytes in {len(package.sizes)} files → {package.path}")
    return "\n".join(lines)


def warnings(root: Path, package: Package) -> list[str]:
    """What whoever publishes the package should know, a line each."""
    lines = [f"Left out, because git does not track it: {name}" for name in package.left_out]
    lines += [
        f"Not to be published yet, a placeholder in manifest.yaml: {field}"
        ' (docs/releasing.md, "Addresses")'
        for field in placeholders(root)
    ]
    return lines


def _walk(root: Path, folder: Path, ignored: pathspec.GitIgnoreSpec) -> Iterator[str]:
    """Every file below `folder` that is not ignored; ignored folders are not entered."""
    for path in folder.iterdir():
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            if not ignored.match_file(f"{name}/"):
                yield from _walk(root, path, ignored)
        elif not ignored.match_file(name):
            yield name


def _named_by_the_manifest(root: Path) -> Iterator[str]:
    """Icons, providers, strategies and their sources, as far as the files that name them exist."""
    manifest = _load(root / "manifest.yaml")
    yield f"_assets/{manifest['icon']}"
    yield f"_assets/{manifest['icon_dark']}"
    yield manifest["privacy"]
    for provider in manifest["plugins"]["agent_strategies"]:
        yield provider
        yield from _named_by_a_provider(root, provider)


def _named_by_a_provider(root: Path, provider: str) -> Iterator[str]:
    if not (root / provider).is_file():
        return
    declared = _load(root / provider)
    yield f"_assets/{declared['identity']['icon']}"
    yield declared["extra"]["python"]["source"]
    for strategy in declared["strategies"]:
        yield strategy
        if (root / strategy).is_file():
            yield _load(root / strategy)["extra"]["python"]["source"]


def _load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def main() -> int:
    """Build into dist/ and say what was packed; 1 when the package would be incomplete."""
    try:
        package = build(ROOT, ROOT / "dist")
    except IncompletePackageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sums = package.path.with_name(f"{package.path.name}.sha256")
    sums.write_text(checksum(package), encoding="utf-8")
    sys.stdout.write(f"{report(package)}\n")
    sys.stderr.writelines(f"{line}\n" for line in warnings(ROOT, package))
    return 0


if __name__ == "__main__":
    sys.exit(main())
