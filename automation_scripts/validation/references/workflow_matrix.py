"""The matrix of a job in a GitHub workflow: its keys, and what `exclude` names in vain."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import missing_name
from automation_scripts.validation.values.formats import is_template

KeyPath = tuple[PathKey, ...]


def matrix_keys(job: Node) -> dict[str, frozenset[str] | None] | None:
    """The keys of a job's matrix in lower case, each with the keys of its values where all of those are maps; None when
    an expression computes them, or there is no matrix."""
    matrix = job.at(("strategy", "matrix"))
    if matrix is None or matrix.kind is not Kind.MAP:
        return None
    values: dict[str, list[Node]] = {}
    for key, value in pairs(matrix):
        if key.value == "exclude":
            continue
        if key.value != "include":
            values.setdefault(key.value.lower(), []).extend(items(value))
            continue
        if value.kind is Kind.SCALAR:
            return None
        for item in items(value):
            if item.kind is not Kind.MAP:
                return None
            for below, each in pairs(item):
                values.setdefault(below.value.lower(), []).append(each)
    return {name: _keys_of(listed) for name, listed in values.items()}


def _keys_of(values: list[Node]) -> frozenset[str] | None:
    if not values or any(value.kind is not Kind.MAP for value in values):
        return None
    return frozenset(key.value.lower() for value in values for key, _ in pairs(value))


def check_matrix(document: CheckedDocument, job: Node, path: KeyPath) -> Iterator[Finding]:
    """Values that stand twice, and exclusions of what the matrix does not have."""
    matrix = job.at(("strategy", "matrix"))
    if matrix is None or matrix.kind is not Kind.MAP:
        return
    path = (*path, "strategy", "matrix")
    rows = {key.value: value for key, value in pairs(matrix) if key.value not in ("include", "exclude")}
    for name, row in rows.items():
        first: dict[str, Node] = {}
        for item in items(row):
            if item.kind is Kind.SCALAR and first.setdefault(item.value, item) is not item:
                yield document.finding(
                    item.span, "reference/repeated-matrix-value", Severity.LOW,
                    f"The matrix has '{item.value}' twice for '{name}': the same job runs twice.", "dup-name",
                    path=(*path, name), suggestion="Remove one of the two.",
                )  # fmt: skip
    excluded = matrix.get("exclude")
    included = matrix.get("include")
    extra = {key.value for item in items(included) for key, _ in pairs(item)}
    if excluded is None or excluded.kind is not Kind.SEQ or (included is not None and included.kind is Kind.SCALAR):
        return
    for i, item in enumerate(items(excluded)):
        for key, value in pairs(item):
            yield from _exclusion(document, key, value, rows, extra, (*path, "exclude", i, key.value))


def _exclusion(
    document: CheckedDocument, key: Node, value: Node, rows: dict[str, Node], extra: set[str], path: KeyPath
) -> Iterator[Finding]:
    if key.value not in rows:
        if key.value not in extra and not any(is_template(text_of(row) or "") for row in rows.values()):
            yield missing_name(
                document, key, "unknown-matrix-key", f"`exclude` names '{key.value}', which the matrix does not have.", key.value,
                rows, path,
            )  # fmt: skip
        return
    row, text = rows[key.value], text_of(value)
    listed = items(row)
    if (
        text is None
        or row.kind is not Kind.SEQ
        or is_template(text)
        or any(item.kind is not Kind.SCALAR for item in listed)
    ):
        return
    known = [item.value for item in listed]
    if text not in known and not any(is_template(each) for each in known):
        yield missing_name(
            document, value, "unknown-matrix-value", f"`exclude` names '{text}', which is no value of '{key.value}': nothing is excluded.",
            text, known, path, severity=Severity.MEDIUM,
        )  # fmt: skip
