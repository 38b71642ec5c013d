"""Local actions and reusable workflows of the same repository: the inputs, secrets and outputs that they declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_true, pairs, text_of
from automation_scripts.validation.documents.tree import Node, PathKey
from automation_scripts.validation.references.missing_names import missing_name

KeyPath = tuple[PathKey, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """What a local action or workflow takes and gives. Names keep their case."""

    what: str
    """`The action './.github/actions/setup'`."""
    inputs: dict[str, bool]
    """Each input, and whether a caller must give it."""
    secrets: dict[str, bool] | None
    """The same for secrets; None for an action."""
    outputs: frozenset[str]


def called(document: CheckedDocument, corpus: Corpus, uses: str | None) -> Called | None:
    """The local action or workflow that `uses` names; None when it is not local or not in the tree."""
    parts = document.file.path.parts
    if uses is None or not uses.startswith("./") or ".github" not in parts:
        return None
    root = Path(*parts[: parts.index(".github")])
    if uses.endswith((".yml", ".yaml")):
        return _workflow(_document(corpus, root / uses), uses)
    for name in ("action.yml", "action.yaml"):
        node = _document(corpus, root / uses / name)
        if node is not None:
            return _action(node, uses)
    return None


def _document(corpus: Corpus, path: Path) -> Node | None:
    file = corpus.by_path.get(path)
    return file.documents[0].root.resolved() if file is not None and len(file.documents) == 1 else None


def _workflow(node: Node | None, uses: str) -> Called | None:
    call = node.at(("on",)) if node is not None else None
    if call is None:
        return None
    entry = call.entry("workflow_call")
    if entry is None:
        return None
    declared = entry[1].resolved()
    return Called(
        f"The workflow '{uses}'", _declared(declared.get("inputs")), _declared(declared.get("secrets")),
        frozenset(key.value.lower() for key, _ in pairs(declared.get("outputs"))),
    )  # fmt: skip


def _action(node: Node, uses: str) -> Called:
    outputs = frozenset(key.value.lower() for key, _ in pairs(node.get("outputs")))
    return Called(f"The action '{uses}'", _declared(node.get("inputs")), None, outputs)


def _declared(node: Node | None) -> dict[str, bool]:
    return {key.value: is_true(value.get("required")) and value.entry("default") is None for key, value in pairs(node)}


def check_call(document: CheckedDocument, caller: Node, path: KeyPath, target: Called) -> Iterator[Finding]:
    """Inputs and secrets that a call gives and nobody takes, and those that it must give and does not."""
    uses = caller.get("uses")
    assert uses is not None
    yield from _given(document, caller.get("with"), (*path, "with"), target.inputs, uses, target.what, "input")
    secrets = caller.get("secrets")
    if target.secrets is None or text_of(secrets) == "inherit":
        return
    yield from _given(document, secrets, (*path, "secrets"), target.secrets, uses, target.what, "secret")


def _given(
    document: CheckedDocument, given: Node | None, path: KeyPath, declared: dict[str, bool], uses: Node, what: str, sort: str
) -> Iterator[Finding]:  # fmt: skip
    known = {name.lower() for name in declared}
    present = set()
    for key, _ in pairs(given):
        present.add(key.value.lower())
        if key.value.lower() not in known and key.value not in ("args", "entrypoint"):
            yield missing_name(
                document,
                key,
                f"unknown-{sort}",
                f"{what} has no {sort} '{key.value}'.",
                key.value,
                declared,
                (*path, key.value),
            )
    for name, required in declared.items():
        if required and name.lower() not in present:
            yield document.finding(
                uses.span, f"reference/missing-{sort}", Severity.HIGH, f"{what} requires the {sort} '{name}', which is not given.",
                "missing-required", path=path, suggestion=f"Add '{name}'.",
            )  # fmt: skip
