"""Names in GitHub workflows: jobs, steps, outputs, inputs and the matrix, in `needs` and in expressions.

Source: the workflow syntax and contexts reference of GitHub's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.documents.workflow_expressions import expressions_in
from automation_scripts.validation.references.missing_names import cycle_findings, missing_name
from automation_scripts.validation.values.formats import is_template

KeyPath = tuple[PathKey, ...]
_STEP_USE = re.compile(r"(?<![\w.-])steps\.([A-Za-z_][\w-]*)\.(?:outputs\.([\w-]+)|outcome|conclusion)")
_NEED_USE = re.compile(r"(?<![\w.-])needs\.([A-Za-z_][\w-]*)\.(?:outputs\.([\w-]+)|result)")
_MATRIX_USE = re.compile(r"(?<![\w.-])matrix\.([A-Za-z_][\w-]*)")
_INPUT_USE = re.compile(r"(?<![\w.-])(?:github\.event\.)?inputs\.([A-Za-z_][\w-]*)")
_JOB_USE = re.compile(r"(?<![\w.-])jobs\.([A-Za-z_][\w-]*)\.outputs\.([\w-]+)")


def check_workflows(corpus: Corpus) -> list[Finding]:
    """Every dangling name, cycle and repeated step id in workflows and composite actions."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow"):
        found += _workflow(document, corpus)
    for document in corpus.of("github-action"):
        found += _action(document)
    return found


def _workflow(document: CheckedDocument, corpus: Corpus) -> Iterator[Finding]:
    jobs = {key.value: job for key, job in pairs(document.root.get("jobs")) if job.kind is Kind.MAP}
    graph: dict[str, list[str]] = {}
    edges: dict[tuple[str, str], tuple[Node, KeyPath]] = {}
    for name, job in jobs.items():
        path = ("jobs", name)
        needs = [item for item in items(job.get("needs")) if item.kind is Kind.SCALAR]
        graph[name] = [item.value for item in needs]
        for item in needs:
            edges.setdefault((name, item.value), (item, (*path, "needs")))
            if item.value not in jobs and not is_template(item.value):
                yield missing_name(
                    document, item, "unknown-job", f"Job '{name}' needs '{item.value}', which is no job here.", item.value,
                    set(jobs) - {name}, (*path, "needs"),
                )  # fmt: skip
        yield from _job(document, corpus, jobs, name, job)
    yield from cycle_findings(document, graph, edges, "needs-cycle", "Jobs")
    yield from _workflow_outputs(document, jobs)


def _job(document: CheckedDocument, corpus: Corpus, jobs: dict[str, Node], name: str, job: Node) -> Iterator[Finding]:
    path: KeyPath = ("jobs", name)
    steps = items(job.get("steps"))
    yield from _repeated_ids(document, steps, (*path, "steps"))
    ids = _step_ids(steps)
    matrix = _matrix_keys(job)
    inputs = _inputs(document)
    needs = {text_of(item) or "" for item in items(job.get("needs"))}
    for node, where, inner, start in _expressions(job, path):
        for use in _STEP_USE.finditer(inner):
            if use[1] not in ids and _can_read_steps(where):
                yield _unknown(
                    document,
                    node,
                    where,
                    start,
                    use,
                    "unknown-step",
                    f"No step of job '{name}' has the id '{use[1]}'.",
                    ids,
                )
        for use in _NEED_USE.finditer(inner):
            if use[1] not in needs and not any(is_template(need) for need in needs):
                yield _unknown(
                    document, node, where, start, use, "unknown-need",
                    f"Job '{name}' reads needs.{use[1]} without naming '{use[1]}' in its `needs`: the value is empty.", needs,
                )  # fmt: skip
            elif use[2] and use[1] in jobs:
                outputs = _job_outputs(document, corpus, jobs[use[1]])
                if outputs is not None and use[2] not in outputs:
                    yield _unknown(
                        document, node, where, start, use, "unknown-output",
                        f"Job '{use[1]}' has no output '{use[2]}': the value is empty.", outputs, group=2,
                    )  # fmt: skip
        for use in _MATRIX_USE.finditer(inner):
            if matrix is not None and use[1] not in matrix:
                yield _unknown(
                    document, node, where, start, use, "unknown-matrix-key",
                    f"The matrix of job '{name}' has no '{use[1]}': the value is empty.", matrix,
                )  # fmt: skip
        for use in _INPUT_USE.finditer(inner):
            if inputs is not None and use[1] not in inputs:
                yield _unknown(
                    document, node, where, start, use, "unknown-input",
                    f"The workflow has no input '{use[1]}': the value is empty.", inputs,
                )  # fmt: skip


def _can_read_steps(where: KeyPath) -> bool:
    """Step ids can be read in steps and in the job's outputs and environment, not in other jobs' strategy or needs."""
    return len(where) > 2 and where[2] in ("steps", "outputs", "environment", "env")


def _unknown(
    document: CheckedDocument,
    node: Node,
    where: KeyPath,
    start: int,
    use: re.Match[str],
    rule: str,
    message: str,
    known: set[str],
    group: int = 1,
) -> Finding:
    begin, end = use.span(group)
    span = document.part(node, start + begin, start + end)
    return missing_name(document, node, rule, message, use[group], known, where, span=span)


def _expressions(top: Node, path: KeyPath) -> Iterator[tuple[Node, KeyPath, str, int]]:
    """(scalar, its path, the text of an expression, its offset in the scalar's value)."""
    for below, _, node in top.walk():
        if node.kind is not Kind.SCALAR or not node.value:
            continue
        if below and below[-1] == "if" and "${{" not in node.value:
            yield node, (*path, *below), node.value, 0
            continue
        for start, _, inner in expressions_in(node.value):
            yield node, (*path, *below), inner, start + 3


def _step_ids(steps: list[Node]) -> set[str]:
    return {identity for step in steps if (identity := text_of(step.get("id")))}


def _repeated_ids(document: CheckedDocument, steps: list[Node], path: KeyPath) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for i, step in enumerate(steps):
        node = step.get("id")
        name = text_of(node)
        if node is None or not name:
            continue
        earlier = first.setdefault(name.lower(), node)
        if earlier is not node:
            yield document.finding(
                node.span,
                "reference/repeated-step-id",
                Severity.HIGH,
                f"The step id '{name}' is used again; line {earlier.span.line} has it already.",
                "dup-name",
                path=(*path, i, "id"),
                suggestion="Give each step of a job its own id.",
            )


def _matrix_keys(job: Node) -> set[str] | None:
    """The keys of a job's matrix; None when an expression computes them, or there is no matrix."""
    matrix = job.at(("strategy", "matrix"))
    if matrix is None or matrix.kind is not Kind.MAP:
        return None
    keys = {key.value for key, _ in pairs(matrix)} - {"include", "exclude"}
    included = matrix.get("include")
    if included is not None and included.kind is Kind.SCALAR:
        return None
    for item in items(included):
        if item.kind is Kind.SCALAR:
            return None
        keys |= {key.value for key, _ in pairs(item)}
    return keys


def _inputs(document: CheckedDocument) -> set[str] | None:
    """Declared inputs of the workflow; None when an undeclared one may still arrive."""
    triggers = document.root.get("on")
    if triggers is None or triggers.kind is not Kind.MAP:
        return None
    found: set[str] = set()
    declared = False
    for trigger in ("workflow_dispatch", "workflow_call"):
        entry = triggers.entry(trigger)
        if entry:
            declared = True
            found |= {key.value for key, _ in pairs(triggers.at((trigger, "inputs")))}
    return found if declared else None


def _job_outputs(document: CheckedDocument, corpus: Corpus, job: Node) -> set[str] | None:
    """A job's outputs; for a local reusable workflow those that it declares; None when they cannot be known."""
    uses = text_of(job.get("uses"))
    if uses is None:
        return {key.value for key, _ in pairs(job.get("outputs"))}
    parts = document.file.path.parts
    if not uses.startswith("./") or ".github" not in parts:
        return None
    called = corpus.by_path.get(Path(*parts[: parts.index(".github")]) / uses)
    if called is None or not called.documents:
        return None
    return {key.value for key, _ in pairs(called.documents[0].root.at(("on", "workflow_call", "outputs")))}


def _workflow_outputs(document: CheckedDocument, jobs: dict[str, Node]) -> Iterator[Finding]:
    path: KeyPath = ("on", "workflow_call", "outputs")
    outputs = document.root.at(path)
    if outputs is None:
        return
    for node, where, inner, start in _expressions(outputs, path):
        for use in _JOB_USE.finditer(inner):
            if use[1] not in jobs:
                yield _unknown(
                    document, node, where, start, use, "unknown-job", f"There is no job '{use[1]}'.", set(jobs)
                )
            elif not jobs[use[1]].entry("uses"):
                known = {key.value for key, _ in pairs(jobs[use[1]].get("outputs"))}
                if use[2] not in known:
                    message = f"Job '{use[1]}' has no output '{use[2]}': the value is empty."
                    yield _unknown(document, node, where, start, use, "unknown-output", message, known, group=2)


def _action(document: CheckedDocument) -> Iterator[Finding]:
    steps = items(document.root.at(("runs", "steps")))
    yield from _repeated_ids(document, steps, ("runs", "steps"))
    ids, inputs = _step_ids(steps), {key.value for key, _ in pairs(document.root.get("inputs"))}
    for node, where, inner, start in _expressions(document.root, ()):
        for use in _STEP_USE.finditer(inner):
            if use[1] not in ids:
                yield _unknown(
                    document, node, where, start, use, "unknown-step", f"No step has the id '{use[1]}'.", ids
                )
        for use in _INPUT_USE.finditer(inner):
            if use[1] not in inputs and not use[0].startswith("github."):
                yield _unknown(
                    document, node, where, start, use, "unknown-input", f"The action has no input '{use[1]}'.", inputs
                )
