"""Names in GitHub workflows and composite actions: jobs, steps, outputs, inputs, the matrix, local actions.

Source: the workflow syntax and contexts reference of GitHub's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import cycle_findings, missing_name
from automation_scripts.validation.references.workflow_calls import called, check_call
from automation_scripts.validation.references.workflow_contexts import contexts_at
from automation_scripts.validation.references.workflow_expressions import (
    Readable,
    check_expression,
    extra_text_in_conditions,
    outputs_of_script,
    written_expressions,
)
from automation_scripts.validation.references.workflow_matrix import check_matrix, matrix_keys
from automation_scripts.validation.values.formats import is_template

KeyPath = tuple[PathKey, ...]
Outputs = dict[str, frozenset[str] | None]


def check_workflows(corpus: Corpus) -> list[Finding]:
    """Everything that is wrong with names and expressions in workflows and composite actions."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow"):
        if document.root.get("jobs") is not None:
            found += _workflow(document, corpus)
    for document in corpus.of("github-action"):
        found += _action(document, corpus)
    return found


def _workflow(document: CheckedDocument, corpus: Corpus) -> Iterator[Finding]:
    root = document.root
    jobs = {key.value: job for key, job in pairs(root.get("jobs")) if job.kind is Kind.MAP}
    graph: dict[str, list[str]] = {}
    edges: dict[tuple[str, str], tuple[Node, KeyPath]] = {}
    for name, job in jobs.items():
        path = ("jobs", name)
        needs = [item for item in items(job.get("needs")) if item.kind is Kind.SCALAR]
        graph[name] = [item.value for item in needs]
        first: dict[str, Node] = {}
        for item in needs:
            edges.setdefault((name, item.value), (item, (*path, "needs")))
            if item.value not in jobs and not is_template(item.value):
                yield missing_name(
                    document, item, "unknown-job", f"Job '{name}' needs '{item.value}', which is no job here.", item.value,
                    set(jobs) - {name}, (*path, "needs"),
                )  # fmt: skip
            elif first.setdefault(item.value, item) is not item:
                yield document.finding(
                    item.span, "reference/repeated-need", Severity.LOW, f"Job '{name}' names '{item.value}' twice in its `needs`.",
                    "dup-name", path=(*path, "needs"), suggestion="Remove one of the two.",
                )  # fmt: skip
    yield from cycle_findings(document, graph, edges, "needs-cycle", "Jobs")
    outputs: Outputs = {name.lower(): _job_outputs(document, corpus, job) for name, job in jobs.items()}
    # Scripts and actions of the repository may set more variables.
    open_env = "GITHUB_ENV" in document.file.text or "uses: ./" in document.file.text
    shared = Readable(
        "the workflow", inputs=_inputs(document), job_outputs=outputs, env=_variables(root), open_env=open_env
    )
    for key, value in root.entries:
        if key.value != "jobs":
            yield from _expressions(document, value.resolved(), (key.value,), shared)
    yield from _triggers(document)
    for name, job in jobs.items():
        yield from _job(document, corpus, name, job, outputs, shared)


def _job(
    document: CheckedDocument, corpus: Corpus, name: str, job: Node, jobs: Outputs, shared: Readable
) -> Iterator[Finding]:
    path: KeyPath = ("jobs", name)
    needs = {text_of(item) or "" for item in items(job.get("needs"))}
    # A mistyped need is told; that its outputs cannot be read then is no second mistake.
    open_needs = any(is_template(need) or need.lower() not in jobs for need in needs)
    readable = replace(
        shared,
        place=f"job '{name}'",
        needs=None if open_needs else {need.lower(): jobs.get(need.lower()) for need in needs},
        jobs=frozenset(jobs) - {name.lower()},
        matrix=matrix_keys(job),
        env=shared.env | _variables(job),
        job_outputs=None,
    )
    if (target := called(document, corpus, text_of(job.get("uses")))) is not None and target.secrets is not None:
        yield from check_call(document, job, path, target)
    yield from check_matrix(document, job, path)
    steps = _flat(job.get("steps"))
    all_ids = _step_outputs(document, corpus, steps)
    for key, value in pairs(job):
        if key.value != "steps":
            yield from _expressions(document, value, (*path, key.value), replace(readable, steps=all_ids))
    yield from _steps(document, corpus, steps, (*path, "steps"), readable)


def _steps(
    document: CheckedDocument, corpus: Corpus, steps: list[Node], path: KeyPath, readable: Readable
) -> Iterator[Finding]:
    """Steps in their order: each can read those before it."""
    yield from _repeated_ids(document, steps, path)
    every = _step_outputs(document, corpus, steps)
    # Of two steps with one id, one was to have another.
    open_steps = len(every) < sum(1 for step in steps if text_of(step.get("id")))
    before: Outputs = {}
    for i, step in enumerate(steps):
        identity = (text_of(step.get("id")) or "").lower()
        here = replace(
            readable,
            steps=None if open_steps else dict(before),
            later_steps=frozenset(every) - frozenset(before),
            env=readable.env | _variables(step),
        )
        yield from _expressions(document, step, (*path, i), here)
        target = called(document, corpus, text_of(step.get("uses")))
        if target is not None and target.secrets is None:
            yield from check_call(document, step, (*path, i), target)
        if identity:
            before[identity] = every[identity]


def _flat(node: Node | None) -> list[Node]:
    """The steps in their order, those of a `parallel` group one by one."""
    found = []
    for step in items(node):
        group = step.get("parallel")
        found += (
            [s for s in items(group) if s.kind is Kind.MAP] if group is not None else [step] * (step.kind is Kind.MAP)
        )
    return found


def _expressions(document: CheckedDocument, node: Node, path: KeyPath, readable: Readable) -> Iterator[Finding]:
    if node.kind is Kind.SCALAR and "${{" not in node.value and path[-1:] != ("if",):
        return
    for written in written_expressions(node, path):
        yield from check_expression(document, written, replace(readable, allowed=contexts_at(written.path)))
    condition = node if path[-1:] == ("if",) else node.get("if")
    if condition is not None and condition.kind is Kind.SCALAR:
        yield from extra_text_in_conditions(document, condition, path)


def _variables(node: Node) -> frozenset[str]:
    return frozenset(key.value for key, _ in pairs(node.get("env")))


def _step_outputs(document: CheckedDocument, corpus: Corpus, steps: list[Node]) -> Outputs:
    """The ids of steps, with their outputs where they are known."""
    found: Outputs = {}
    for step in steps:
        if not (identity := text_of(step.get("id"))):
            continue
        script = text_of(step.get("run"))
        target = called(document, corpus, text_of(step.get("uses")))
        found[identity.lower()] = outputs_of_script(script) if script else target.outputs if target else None
    return found


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


def _inputs(document: CheckedDocument) -> frozenset[str] | None:
    """Declared inputs of the workflow, in lower case; None when an undeclared one may still arrive."""
    triggers = document.root.get("on")
    if triggers is None or triggers.kind is not Kind.MAP:
        return None
    found: set[str] = set()
    declared = False
    for trigger in ("workflow_dispatch", "workflow_call"):
        if triggers.entry(trigger):
            declared = True
            found |= {key.value.lower() for key, _ in pairs(triggers.at((trigger, "inputs")))}
    return frozenset(found) if declared else None


def _job_outputs(document: CheckedDocument, corpus: Corpus, job: Node) -> frozenset[str] | None:
    """A job's outputs; for a local reusable workflow those that it declares; None when they cannot be known."""
    uses = text_of(job.get("uses"))
    if uses is None:
        return frozenset(key.value.lower() for key, _ in pairs(job.get("outputs")))
    target = called(document, corpus, uses)
    return target.outputs if target is not None else None


def _triggers(document: CheckedDocument) -> Iterator[Finding]:
    """Filters that exclude each other: GitHub refuses both at once."""
    for trigger, event in pairs(document.root.get("on")):
        for name in ("branches", "tags", "paths"):
            both = event.entry(name) is not None and event.entry(f"{name}-ignore")
            if both:
                yield document.finding(
                    both[0].span, "reference/filters-together", Severity.HIGH,
                    f"`{name}` and `{name}-ignore` cannot both be used for '{trigger.value}'.", "conflict",
                    path=("on", trigger.value, f"{name}-ignore"), suggestion=f"Write the exceptions into `{name}`, as `!pattern`.",
                )  # fmt: skip


_INPUT_USE = re.compile(r"\binputs(?:\.|\[\s*')([A-Za-z_][\w-]*)|toJSON\(\s*inputs\s*\)", re.IGNORECASE)


def _action(document: CheckedDocument, corpus: Corpus) -> Iterator[Finding]:
    root = document.root
    steps = _flat(root.at(("runs", "steps")))
    inputs = frozenset(key.value.lower() for key, _ in pairs(root.get("inputs")))
    readable = Readable(
        "the action", inputs=inputs, takes_inputs="The action", env=_variables(root.get("runs") or root)
    )
    yield from _steps(document, corpus, steps, ("runs", "steps"), readable)
    outputs = root.get("outputs")
    if outputs is not None:
        all_ids = _step_outputs(document, corpus, steps)
        yield from _expressions(document, outputs, ("outputs",), replace(readable, steps=all_ids))
    if not steps:
        return
    used = {(match[1] or "").lower() for match in _INPUT_USE.finditer(document.file.text)}
    for key, _ in pairs(root.get("inputs")):
        if key.value.lower() not in used and "" not in used:
            yield document.finding(
                key.span, "reference/unused-input", Severity.LOW, f"No step of the action reads the input '{key.value}'.", "unused",
                path=("inputs", key.value), suggestion="Remove it, or use it where it was meant to be.",
            )  # fmt: skip
