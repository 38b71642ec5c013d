"""Files that configuration names and that are not there. Only keys that are known to hold a path are judged.

A missing path is reported as wrong when something shows that its surroundings were given (its folder exists, or a
neighbour reference resolves). Otherwise the tree may simply be a part of a larger one, and the finding says so.
"""

from __future__ import annotations

import re
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.references.file_finders import FileReference, can_be_judged, file_references

_USUALLY_UNTRACKED = re.compile(
    r"(?:^|/)\.?env(?:\.[\w-]+)*$|\.env$|secret|password|credential|\.(?:key|pem|crt)$|(?:^|/)(?:dist|build|target|node_modules)(?:/|$)"
)

_CONFIGURATION = frozenset((".yaml", ".yml", ".json"))


def check_file_references(corpus: Corpus) -> list[Finding]:
    """Every reference to a file that does not exist."""
    found = []
    for document in corpus.documents:
        references = [r for r in file_references(document) if can_be_judged(r.text)]
        missing = [r for r in references if not _exists(r)]
        # A folder, such as a build context, is in every tree.
        resolved = [r for r in references if r not in missing and _target(r).is_file()]
        for reference in missing:
            some_resolve = any(_is_alike(reference, other) for other in resolved)
            found.append(_finding(document, reference, some_resolve))
    return found


def _is_alike(one: FileReference, other: FileReference) -> bool:
    """That one path leads somewhere says something about another only when both name configuration, or both do not."""
    return (Path(one.text).suffix in _CONFIGURATION) == (Path(other.text).suffix in _CONFIGURATION) and bool(
        one.names
    ) == bool(other.names)


def _target(reference: FileReference) -> Path:
    return reference.base / reference.text.replace("\\", "/")


def _exists(reference: FileReference) -> bool:
    target = _target(reference)
    try:
        if not target.exists():
            return False
        return not reference.names or target.is_file() or any((target / name).is_file() for name in reference.names)
    except (OSError, ValueError):
        return True  # what cannot be looked at is not known to be missing


def _finding(document: CheckedDocument, reference: FileReference, some_resolve: bool) -> Finding:
    target = _target(reference)
    near = _near_file(target)
    sure = some_resolve or near is not None or _surroundings_are_given(document, reference, target)
    untracked = bool(_USUALLY_UNTRACKED.search(reference.text))
    if not sure or untracked:
        severity = Severity.LOW if sure else Severity.INFO
    else:
        severity = reference.severity
    if near:
        hint = f"Did you mean '{near}'?"
    elif untracked:
        hint = "It is often kept out of the repository: create it before use, or mark it optional."
    else:
        hint = "Create the file, or correct the path; it is relative to " + (
            "this file." if reference.base == document.folder else "the project's root."
        )
    lacks = target.exists()
    message = (
        f"{reference.what}: '{reference.text}' has none of {', '.join(reference.names)}"
        + ("." if sure else "; the tree that was given may be incomplete.")
        if lacks
        else f"{reference.what}: the file '{reference.text}' does not exist"
        + ("." if sure else " here; the tree that was given may be incomplete.")
    )
    return document.finding(
        head(None, reference.node),
        "reference/missing-file",
        severity,
        message,
        "dangling-ref",
        path=reference.path,
        suggestion=hint,
    )


def _surroundings_are_given(document: CheckedDocument, reference: FileReference, target: Path) -> bool:
    """True when the place of the target was given: its folder exists and holds more than loose configuration files.

    A folder of nothing but configuration may be a collection from many places, so it proves nothing about its own
    level; except for workflows, which call each other in one folder.
    """
    try:
        inside = bool(reference.names) and target.is_dir()
        parent = (target if inside else target.parent).resolve()
        if not parent.is_dir() or not document.folder.is_dir():
            return False
        entries = [entry for entry in parent.iterdir() if entry != document.file.path]
        if target.suffix.lower() not in _CONFIGURATION and not inside:
            # A tree of configuration alone has no scripts and Dockerfiles.
            return any(entry.is_file() and not _is_configuration(entry) for entry in entries)
        if inside and not any(name.endswith((".yml", ".yaml")) for name in reference.names):
            return any(entry.is_file() and not _is_configuration(entry) for entry in entries)
        if parent != document.folder.resolve() or document.kind.startswith("github"):
            return bool(entries) or inside
        return any(entry.is_file() and entry.suffix.lower() not in _CONFIGURATION for entry in entries)
    except (OSError, ValueError):
        return False


def _is_configuration(path: Path) -> bool:
    return path.suffix.lower() in _CONFIGURATION or path.name.startswith(".env")


def _near_file(target: Path) -> str | None:
    try:
        names = [entry.name for entry in target.parent.iterdir()] if target.parent.is_dir() else []
    except (OSError, ValueError):
        return None
    return nearest(target.name, names[:2000])
