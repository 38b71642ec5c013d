"""Credentials of GitHub workflows: tokens that checkouts leave behind, secrets handed over all at once, open commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head, replace
from automation_scripts.validation.documents.scalars import is_false, is_true, text_of
from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.documents.workflow_expressions import expressions_in
from automation_scripts.validation.security.insertions import new_entry_first, new_entry_last
from automation_scripts.validation.security.workflow_parts import Job, Step, jobs, steps


def check_workflow_credentials(corpus: Corpus) -> list[Finding]:
    """Checkouts, secrets and commands of every workflow and action."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow", "github-action"):
        for job in jobs(document):
            found += _checkouts(job)
        found += _whole_contexts(document)
        found += _unsafe_commands(document)
    return found


_PUSHES = re.compile(
    r"\bgit\s+(?:push|pull|fetch|clone|submodule|lfs|remote)\b|\bgh\s|semantic-release|lerna|changeset|mkdocs\s+gh-deploy"
)
_PUSHING_ACTION = re.compile(
    r"commit|push|release|pull-request|gh-pages|pages-deploy|tag|changeset|bump|merge|publish|deploy|format|autofix"
)
_UPLOAD = "actions/upload-artifact"
_WHOLE = re.compile(r"(?:\./?|\*\*?(?:/\*)?|\.git/?.*|\$\{\{\s*github\.workspace\s*\}\}/?|\./\*\*?)")


def _checkouts(job: Job) -> Iterator[Finding]:
    """A checkout leaves the job's token in `.git/config`, unless it is told not to."""
    all_steps = list(steps(job))
    leak = next((step for step in all_steps if step.action == _UPLOAD and _uploads_everything(step)), None)
    for i, step in enumerate(all_steps):
        if step.action != "actions/checkout":
            continue
        said = step.node.at(("with", "persist-credentials"))
        if said is not None and not is_true(said):
            continue
        uploads = any(later.action == _UPLOAD for later in all_steps[i:])
        uses = step.node.entry("uses")
        severity = Severity.MEDIUM if leak else Severity.LOW if uploads else Severity.INFO
        yield job.document.finding(
            said.span if said is not None else uses[1].span if uses else head(None, step.node),
            "security/checkout-keeps-token",
            severity,
            "The checkout leaves the job's token in .git/config"
            + (
                ", and the whole folder is uploaded for everyone to read."
                if leak
                else ": every later step can read it."
            ),
            "hardcoded-secret" if leak else "wildcard-perm",
            path=(*step.path, "with", "persist-credentials"),
            suggestion="Write `persist-credentials: false`, and give the token to the steps that push.",
            fix=_without_token(step, said, all_steps[i + 1 :]),
            cwe="CWE-522",
        )


def _uploads_everything(step: Step) -> bool:
    node = step.node.at(("with", "path"))
    lines = (text_of(node) or "").split("\n") if node is not None else []
    return any(_WHOLE.fullmatch(line.strip()) for line in lines if line.strip())


def _without_token(step: Step, said: Node | None, later: list[Step]) -> tuple[TextEdit, ...]:
    """The edit, unless a later step may need the token."""
    file = step.job.document.file
    for other in later:
        script = text_of(other.node.get("run")) or ""
        if _PUSHES.search(script) or _PUSHING_ACTION.search(other.action) or other.action.startswith("./"):
            return ()
    if said is not None:
        plain = said.style is Style.PLAIN and said.anchor is None
        return (replace(file, said.span, "false"),) if plain else ()
    options = step.node.entry("with")
    if options:
        return new_entry_first(file, options[0], options[1], "persist-credentials: false")
    uses = step.node.entry("uses")
    return new_entry_last(file, step.node, uses[1], "with:", "persist-credentials: false") if uses else ()


_WHOLE_SECRETS = re.compile(r"\btojson\s*\(\s*secrets\s*\)|\bsecrets\s*\[(?!\s*['\"])", re.IGNORECASE)


def _whole_contexts(document: CheckedDocument) -> Iterator[Finding]:
    """All secrets at once, where one is needed."""
    if "secrets" not in document.file.text:
        return
    for match in document.index.matches:
        if match.node.kind is not Kind.SCALAR or "secrets" not in match.node.value:
            continue
        for start, end, inner in expressions_in(match.node.value):
            if not (found := _WHOLE_SECRETS.search(inner)):
                continue
            every = found[0].lower().startswith("tojson")
            yield document.finding(
                document.part(match.node, start, end),
                "security/all-secrets",
                Severity.MEDIUM if every else Severity.LOW,
                "All secrets of the repository are given to this step"
                + (" in one text." if every else ", because their name is only known when it runs."),
                "wildcard-perm",
                path=match.path,
                suggestion="Name the secrets that are needed: secrets.NAME.",
                cwe="CWE-272",
            )


def _unsafe_commands(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("ACTIONS_ALLOW_UNSECURE_COMMANDS"):
        if match.node.kind is Kind.SCALAR and match.node.value and not is_false(match.node):
            yield document.finding(
                match.node.span,
                "security/unsafe-commands",
                Severity.HIGH,
                "Whatever a step prints can set environment variables and the path of later steps.",
                "injection",
                path=match.path,
                suggestion="Remove it and write to $GITHUB_ENV and $GITHUB_PATH.",
                cwe="CWE-77",
            )
