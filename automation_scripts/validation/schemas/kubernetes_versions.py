"""The versions of Kubernetes whose definitions are here, and which of them a file is for.

The newest is a schema of its own; each older one is stored as what differs from the next newer one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.documents.tree import Kind, ParsedFile
from automation_scripts.validation.schemas import archive
from automation_scripts.validation.schemas.store import (
    Schema,
    apply_overlay,
    at_pointer,
    entry,
    load,
    overlay_of,
)

_ID = "kubernetes"
_FILE = "kubernetes-versions.zip"
NEWEST = "1.37"
"""The version of the schema `kubernetes` of the catalogue."""

_MODELINE = re.compile(r"(?m)^[ \t]*#[ \t]*kubernetes-version:[ \t]*v?(1\.[0-9]+)\b")
_BY_ADDRESS = re.compile(r"/v(1\.[0-9]+)\.[0-9]+(?:-standalone|-local)?(?:-strict)?/[a-z0-9.-]+\.json$")
_COMPARISON = re.compile(r"(>=|<=|!=|>|<|=|~|\^)?\s*v?1\.([0-9]+)(\.[0-9xX*]+)?(?:-[0-9A-Za-z.]+)?")


@lru_cache(maxsize=1)
def known_versions() -> tuple[str, ...]:
    """The versions by age, the newest first: `("1.37", "1.36", ...)`."""
    older = [name.removesuffix(".json") for name in archive.names(_FILE)]
    return tuple(sorted([NEWEST, *older], key=_minor, reverse=True))


def required_version(text: str) -> str:
    """The version that a caller asks for (`1.29`, `v1.29.3`).

    Raises:
        InvalidParameters: when its definitions are not here.
    """
    match = re.fullmatch(r"v?(1\.[0-9]+)(\.[0-9]+)?", text.strip())
    if match is None or match[1] not in known_versions():
        raise InvalidParameters(
            f"kubernetes_version: {text!r} is none of the versions whose definitions are here: "
            f"{', '.join(known_versions())}."
        )
    return match[1]


@lru_cache(maxsize=4)
def definitions_of(version: str) -> Schema:
    """The schema document of a version: all of its definitions below `$defs`."""
    newest = load(_ID)
    if version == NEWEST:
        return newest
    definitions, changed = dict(newest["$defs"]), set()
    for older in known_versions()[1:]:
        if _minor(older) < _minor(version):
            break
        difference = archive.read(_FILE, f"{older}.json")
        changed |= set(difference)
        for name, schema in difference.items():
            if schema is None:
                definitions.pop(name, None)
            else:
                definitions[name] = schema
    document = {**newest, "$defs": definitions}
    _complete(document, changed)
    return document


def _complete(document: Schema, changed: set[str]) -> None:
    """Apply the overlay to the definitions that differ from the newest ones, where they have the place it names."""
    for step in overlay_of(entry(_ID)):
        places = [step["at"]] if isinstance(step["at"], str) else step["at"]
        held = [at for at in places if at.split("/")[2] in changed and at_pointer(document, at) is not None]
        apply_overlay(document, [{**step, "at": held}], _ID)


def uri_of(version: str) -> str:
    """The name of a version's document."""
    return entry(_ID).uri if version == NEWEST else f"{entry(_ID).uri}-{version}"


def version_for(file: ParsedFile, charts: ChartVersions, given: str | None) -> str:
    """The version that a file is for: the one it names in a comment, the caller's, its chart's, else the newest."""
    if "kubernetes-version:" in file.text and (match := _MODELINE.search(file.text)):
        if match[1] in known_versions():
            return match[1]
    return given or charts.of(file.path) or NEWEST


def version_of_address(address: str) -> str | None:
    """The version in the address of a published schema of one object, such as `.../v1.29.0-standalone/pod-v1.json`."""
    match = _BY_ADDRESS.search(address)
    return match[1] if match and match[1] in known_versions() else None


class ChartVersions:
    """What the `kubeVersion` of the charts among the files asks of the objects in their folders."""

    def __init__(self, files: Sequence[ParsedFile]) -> None:
        self._by_folder: dict[Path, str] = {}
        for file in files:
            if file.path.name not in ("Chart.yaml", "Chart.yml") or not file.documents:
                continue
            node = file.documents[0].root.get("kubeVersion")
            if node is not None and node.kind is Kind.SCALAR and (version := newest_allowed(node.value)):
                self._by_folder[file.path.parent] = version

    def of(self, path: Path) -> str | None:
        """The version for a file, by the nearest chart above it."""
        if not self._by_folder:
            return None
        return next((self._by_folder[folder] for folder in path.parents if folder in self._by_folder), None)


def newest_allowed(constraint: str) -> str | None:
    """The newest version here that a constraint such as `>=1.25-0 <1.30` allows; None when it allows none."""
    alternatives = [_COMPARISON.findall(part) for part in constraint.split("||")]
    for version in known_versions():
        if any(part and all(_allows(_minor(version), *comparison) for comparison in part) for part in alternatives):
            return version
    return None


def _allows(minor: int, sign: str, wanted: str, patch: str) -> bool:
    """Whether some patch of a minor version meets a comparison."""
    number = int(wanted)
    if sign == "<":
        return minor < number or (minor == number and patch not in ("", ".0"))
    if sign in ("", "=", "~"):
        return minor == number
    checks = {"<=": minor <= number, ">=": minor >= number, ">": minor >= number, "^": minor >= number}
    return checks.get(sign, True)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])
