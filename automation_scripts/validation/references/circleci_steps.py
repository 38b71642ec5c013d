"""Steps and parameters in CircleCI pipelines: commands, orbs, and `<< parameters.x >>`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import items, pairs
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import missing_name

Path = tuple[PathKey, ...]
_BUILT_IN = frozenset(
    (
        "checkout", "run", "save_cache", "restore_cache", "persist_to_workspace", "attach_workspace", "store_artifacts",
        "store_test_results", "setup_remote_docker", "add_ssh_keys", "when", "unless", "deploy",
    )
)  # fmt: skip
_PARAMETER = re.compile(r"<<\s*(pipeline\.)?parameters\.([\w-]+)\s*>>")


def check_steps(document: CheckedDocument) -> Iterator[Finding]:
    """Commands that are not defined, orbs that are not declared, and parameters that are not declared."""
    root = document.root
    commands = {key.value for key, _ in pairs(root.get("commands"))}
    orbs = {key.value for key, _ in pairs(root.get("orbs"))}
    shared = {key.value for key, _ in pairs(root.get("parameters"))}
    for section in ("jobs", "commands"):
        for key, node in pairs(root.get(section)):
            path: Path = (section, key.value)
            yield from _steps(document, node.get("steps"), (*path, "steps"), commands, orbs, 0)
            own = {name.value for name, _ in pairs(node.get("parameters"))}
            yield from _parameters(document, node, path, own, f"{section[:-1]} '{key.value}'")
    for match in document.index.matches:
        if match.node.kind is Kind.SCALAR and "pipeline.parameters." in match.node.value:
            for use in _PARAMETER.finditer(match.node.value):
                if use[1] and use[2] not in shared:
                    yield missing_name(
                        document, match.node, "unknown-parameter", f"The pipeline has no parameter '{use[2]}'.", use[2], shared,
                        match.path, span=document.part(match.node, *use.span(2)),
                    )  # fmt: skip


def _steps(
    document: CheckedDocument, node: Node | None, path: Path, commands: set[str], orbs: set[str], depth: int
) -> Iterator[Finding]:
    for i, item in enumerate(items(node)):
        entries = pairs(item)
        name_node, below = (entries[0][0], entries[0][1]) if entries else (item, None)
        name, where = name_node.value, (*path, i)
        if name in ("when", "unless") and below is not None and depth < 10:
            yield from _steps(document, below.get("steps"), (*where, name, "steps"), commands, orbs, depth + 1)
            continue
        orb, slash, _ = name.partition("/")
        if "<<" in name or name in _BUILT_IN or name in commands:
            continue
        if slash and orb not in orbs:
            yield missing_name(
                document, name_node, "unknown-orb", f"The step '{name}' is of the orb '{orb}', which `orbs` does not list.", orb, orbs,
                where, span=document.part(name_node, 0, len(orb)),
            )  # fmt: skip
        elif not slash:
            yield missing_name(
                document,
                name_node,
                "unknown-command",
                f"There is no command '{name}'.",
                name,
                commands | _BUILT_IN,
                where,
            )


def _parameters(document: CheckedDocument, node: Node, path: Path, known: set[str], owner: str) -> Iterator[Finding]:
    for below, _, scalar in node.walk():
        if scalar.kind is not Kind.SCALAR or "parameters." not in scalar.value:
            continue
        for use in _PARAMETER.finditer(scalar.value):
            if not use[1] and use[2] not in known:
                yield missing_name(
                    document, scalar, "unknown-parameter", f"The {owner} has no parameter '{use[2]}'.", use[2], known, (*path, *below),
                    span=document.part(scalar, *use.span(2)), severity=Severity.HIGH,
                )  # fmt: skip
