"""Check documents against JSON Schemas: the caller's, those the documents name, and those for known formats.

A problem becomes a finding at the exact key or value, with what is allowed there and, where there is one obvious
mend, the edit. Nothing is ever fetched; schemas that are not ours run in a process of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.pointing import finding_at
from automation_scripts.validation.documents.tree import Document, ParsedFile
from automation_scripts.validation.schemas.branches import settle
from automation_scripts.validation.schemas.compiled import UnusableSchema
from automation_scripts.validation.schemas.isolated import TIMEOUT_S, Task, judge_isolated
from automation_scripts.validation.schemas.keys import (
    deprecated_keys,
    misplaced,
    near_misses,
    without_echoes,
    without_vacuous,
)
from automation_scripts.validation.schemas.messages import Reporter
from automation_scripts.validation.schemas.problems import MAX_PROBLEMS, Problem
from automation_scripts.validation.schemas.selection import Judgement, Selection, unusable
from automation_scripts.validation.schemas.subject import MAX_EXPANDED_NODES, expanded_nodes
from automation_scripts.validation.strictness import Strictness, adjust

_ALIAS = re.compile(r"(?:^|[\s\[{,])\*[^\s*\[\]{},]", re.M)
MAX_FINDINGS = 100
"""Findings shown of one document; one more says how many were left out."""


def check_schemas(
    files: Sequence[ParsedFile],
    *,
    user_schema: Path | None = None,
    root: Path,
    strictness: Strictness = Strictness.STANDARD,
    kubernetes_version: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> list[Finding]:
    """Findings of every document against the schema that applies to it, by file and position.

    Args:
        files: the parsed files.
        user_schema: a JSON Schema (JSON or YAML) for all documents, or a folder in which `<stem>.schema.json` is for
            the files of that stem. It goes before what documents name, and that before what their kind suggests.
        root: the folder that was asked for; schemas that documents name must lie in it.
        strictness: changes severities only; see `strictness.adjust`.
        kubernetes_version: the version (`1.29`) whose definitions judge objects that do not name one; else the one
            that their chart's `kubeVersion` allows, else the newest.
        timeout_s: seconds that one schema that is not ours may take for all its documents.

    Raises:
        InvalidParameters: when `user_schema` does not exist or cannot be used, or `kubernetes_version` is unknown; it
            says why.
    """
    selection = Selection(files, root, user_schema, kubernetes_version, tells_unknown=strictness is Strictness.STRICT)
    judgements: list[Judgement] = []
    for file in files:
        may_repeat = "&" in file.text and _ALIAS.search(file.text) is not None
        for document in file.documents:
            if may_repeat and expanded_nodes(document.root) > MAX_EXPANDED_NODES:
                selection.findings.append(_too_large(file, document))
            else:
                judgements += selection.judgements(file, document)
    found: list[Finding] = []
    for judgement, problems in _judged(judgements, selection, timeout_s):
        found += _findings(judgement, problems)
    found += selection.findings
    order = {file.name: i for i, file in enumerate(files)}
    found.sort(key=lambda finding: (order.get(finding.file or "", 0), finding.line or 0, finding.column or 0))
    return adjust(_distinct(found), strictness)


def _judged(
    judgements: Sequence[Judgement], selection: Selection, timeout_s: float
) -> Iterable[tuple[Judgement, list[Problem]]]:
    """Each judgement with what its schema objects to. Schemas that are not ours run in a process of their own."""
    foreign: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        if judgement.isolated:
            foreign.setdefault(judgement.compiled.uri, []).append(judgement)
            continue
        try:
            yield judgement, judgement.compiled.problems(judgement.subject.data)
        except UnusableSchema:
            continue  # a definition of a custom resource among the files, which is wrong itself
    groups = list(foreign.values())
    tasks = [Task(group[0].compiled, [judgement.subject.data for judgement in group]) for group in groups]
    for group, answer in zip(groups, judge_isolated(tasks, timeout_s), strict=True):
        if isinstance(answer, UnusableSchema):
            _refuse(group, answer, selection)
        else:
            yield from zip(group, answer, strict=True)


def _refuse(group: Sequence[Judgement], error: UnusableSchema, selection: Selection) -> None:
    """A schema that turned out to be unusable: the caller's own is their error, a document's is a finding there."""
    for judgement in group:
        if judgement.schema_file is not None:
            raise unusable(judgement.schema_file, error, selection.library) from None
        if judgement.named_by is not None:
            file = judgement.subject.file
            selection.report_unusable(file, judgement.named_by, judgement.compiled.title, error)


def _findings(judgement: Judgement, problems: list[Problem]) -> list[Finding]:
    subject, compiled = judgement.subject, judgement.compiled
    reporter = Reporter(compiled, subject, judgement.reference)
    settled = settle(without_echoes(compiled, without_vacuous(compiled, subject, problems)), subject.excuses)
    misses = [] if compiled.is_closed or subject.is_extended else list(near_misses(compiled, subject))
    wrong = misplaced(compiled, subject, settled)
    settled = [one for one in settled if not any(one.path[: len(miss.path)] == miss.path for miss in wrong)]
    found = [reporter.near_miss(miss) for miss in (*misses, *wrong)] + reporter.report(settled)
    found += [reporter.deprecated(path, key) for path, key in deprecated_keys(compiled, subject)]
    if len(found) > MAX_FINDINGS:
        found.sort(key=lambda finding: (finding.line or 0, finding.column or 0))
        more = f"{len(found) - MAX_FINDINGS} more" if len(problems) < MAX_PROBLEMS else "many more"
        found = [*found[:MAX_FINDINGS], _left_out(subject.file, compiled.title, more)]
    return found


def _left_out(file: ParsedFile, title: str, count: str) -> Finding:
    return Finding(
        "schema/more",
        Severity.INFO,
        f"{count} differences from {title} are not shown.",
        file=file.name,
        line=1,
        column=1,
        suggestion="Mend the first ones, or check whether this is the right schema for the file.",
        tags=("invalid-value",),
    )


def _too_large(file: ParsedFile, document: Document) -> Finding:
    return finding_at(
        file,
        document.root.span,
        "schema/not-checked",
        Severity.INFO,
        "The document's aliases multiply to more than can be compared with a schema; it was not.",
        "invalid-value",
        suggestion="Write out what the aliases repeat.",
    )


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """What an anchor holds is judged wherever an alias repeats it, and reported once."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        key = (finding.file, finding.line, finding.column, finding.rule_id, finding.message.rpartition("` ")[2])
        kept.setdefault(key, finding)
    return list(kept.values())
