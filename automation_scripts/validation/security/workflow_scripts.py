"""What scripts of workflows do that scripts should not: hand text to later steps, open shells to the outside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_true, pairs, text_of
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.security.scanning import scalars_with
from automation_scripts.validation.security.workflow_parts import PRIVILEGED_TRIGGERS, Step, jobs, steps, triggers

_WRITE = re.compile(r"^.*>>\s*[\"']?\$?\{?(?:env:)?GITHUB_(ENV|PATH)\b.*$", re.MULTILINE)
_MADE = re.compile(r"\$\(|`|\$\{\{|\$\{?[A-Za-z_]")
_REVERSE_SHELL = re.compile(
    r"\b(?:nc|ncat|netcat)\b[^\n|;&]{0,80}\s(?:-e|-c|--exec)\s*[\"']?/bin/\w*sh\b|(?:bash|sh)\s+-i\s[^\n]{0,40}/dev/tcp/|\bmkfifo\b[^\n]{0,120}\bnc\b"
)


def check_workflow_scripts(corpus: Corpus) -> list[Finding]:
    """Every script of workflows and actions, and Dependabot's leave to run code."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow", "github-action"):
        risky = bool(set(triggers(document)) & set(PRIVILEGED_TRIGGERS))
        for job in jobs(document):
            for step in steps(job):
                found += _handed_on(step) if risky else ()
                found += _app_token(step)
    for document in corpus.of("dependabot"):
        found += _dependency_code(document)
    for document in corpus.of(
        "github-workflow", "github-action", "gitlab-ci", "circleci", "compose", "ansible-playbook"
    ):
        found += _reverse_shells(document)
    return found


def _handed_on(step: Step) -> Iterator[Finding]:
    run = step.node.get("run")
    if run is None or run.kind is not Kind.SCALAR or "GITHUB_" not in run.value:
        return
    for line in _WRITE.finditer(run.value):
        # The name of the file itself is a variable too.
        if not _MADE.search(line[0].partition(">>")[0]):
            continue
        yield step.job.document.finding(
            step.job.document.part(run, *line.span()),
            "security/environment-file-injection",
            Severity.LOW,
            f"What this line writes to GITHUB_{line[1]} becomes the environment of later steps, in a workflow that strangers set off.",
            "injection",
            path=(*step.path, "run"),
            suggestion="Hand it on as an output (GITHUB_OUTPUT), and check it first.",
        )


def _app_token(step: Step) -> Iterator[Finding]:
    if step.action != "actions/create-github-app-token":
        return
    options = [key.value for key, _ in pairs(step.node.get("with"))]
    uses = step.node.get("uses")
    if uses is not None and not any(option.startswith("permission-") for option in options):
        yield step.job.document.finding(
            uses.span,
            "security/workflow-token",
            Severity.LOW,
            "The token of the app may do everything that the app may.",
            "wildcard-perm",
            path=(*step.path, "with"),
            suggestion="Name what is needed: `permission-contents: read`.",
        )


def _dependency_code(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("insecure-external-code-execution"):
        if text_of(match.node) == "allow" or is_true(match.node):
            yield document.finding(
                match.node.span,
                "security/dependency-code",
                Severity.MEDIUM,
                "Dependencies may run code while they are updated, with access to the credentials of your registries.",
                "injection",
                path=match.path,
                suggestion="Write deny, or leave it out.",
            )


def _reverse_shells(document: CheckedDocument) -> Iterator[Finding]:
    for match in scalars_with(document, "/dev/tcp/", "nc ", "ncat ", "netcat "):
        for found in _REVERSE_SHELL.finditer(match.node.value):
            yield document.finding(
                document.part(match.node, *found.span()),
                "security/reverse-shell",
                Severity.HIGH,
                "The command gives a shell on this machine to another one.",
                "injection",
                path=match.path,
                suggestion="Remove it, and find out who wrote it.",
            )
