"""Rights and credentials of GitHub workflows: who may set them off, what their tokens may do, where those end up.

Sources: GitHub's "Security hardening for GitHub Actions", OWASP "Top 10 CI/CD Security Risks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.scalars import pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.security.workflow_parts import (
    PRIVILEGED_TRIGGERS,
    Job,
    Path,
    jobs,
    runners,
    steps,
    triggers,
)

_WRITES_THAT_MATTER = frozenset(("contents", "packages", "actions", "id-token", "deployments"))


def check_workflow_rights(corpus: Corpus) -> list[Finding]:
    """Tokens, triggers, secrets and runners of every workflow."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow"):
        all_jobs = jobs(document)
        found += _permissions(document, all_jobs)
        found += _triggers(document, all_jobs)
        for job in all_jobs:
            found += _job(job)
    for document in corpus.of("github-workflow", "github-action"):
        for job in jobs(document):
            for step in steps(job):
                found += _conditions(document, step.node, step.path)
    return found


# ----- the token -------------------------------------------------------------------------------------------------


def _permissions(document: CheckedDocument, all_jobs: list[Job]) -> Iterator[Finding]:
    root = document.root
    top = root.get("permissions")
    places: list[tuple[Path, Node]] = [((), root), *((job.path, job.node) for job in all_jobs)]
    for path, node in places:
        value = node.get("permissions")
        if value is not None and text_of(value) == "write-all":
            plain = value.style is Style.PLAIN and value.anchor is None
            yield _token(
                document,
                value.span,
                path,
                Severity.MEDIUM,
                "The workflow's token may write everything in the repository; every action that runs here can use it.",
                (replace(document.file, value.span, "read-all"),) if plain else (),
            )
    if len(all_jobs) > 1:
        yield from _shared_writes(document, top)
    bare = [job for job in all_jobs if job.node.get("permissions") is None]
    if top is None and bare:
        others = f" (and {len(bare) - 1} other jobs)" if len(bare) > 1 else ""
        yield _token(
            document,
            bare[0].key.span,
            bare[0].path,
            Severity.LOW,
            f"Nothing limits the token of job '{bare[0].name}'{others}: the repository's default holds, which may be to write"
            " everything.",
            (),
        )


def _shared_writes(document: CheckedDocument, top: Node | None) -> Iterator[Finding]:
    for key, value in pairs(top):
        if key.value in _WRITES_THAT_MATTER and text_of(value) == "write":
            message = f"Every job of the workflow may write {key.value}, also those that need not."
            yield _token(document, value.span, ("permissions", key.value), Severity.LOW, message, ())


def _token(
    document: CheckedDocument, where: Span, path: Path, severity: Severity, message: str, fix: tuple[TextEdit, ...]
) -> Finding:
    return document.finding(
        where,
        "security/workflow-token",
        severity,
        message,
        "wildcard-perm",
        path=(*path, "permissions"),
        suggestion="Write `permissions: {contents: read}` at the top and add what single jobs need.",
        fix=fix,
        cwe="CWE-269",
    )


# ----- triggers --------------------------------------------------------------------------------------------------


def _triggers(document: CheckedDocument, all_jobs: list[Job]) -> Iterator[Finding]:
    """`pull_request_target` and `workflow_run` give strangers' events a token that may write, unless it is limited."""
    for name, node in triggers(document).items():
        if name not in PRIVILEGED_TRIGGERS:
            continue
        yield document.finding(
            node.span,
            "security/privileged-trigger",
            Severity.LOW if _may_write(document, all_jobs) else Severity.INFO,
            f"'{name}' runs for events of strangers with the repository's secrets"
            + (" and a token that may write." if _may_write(document, all_jobs) else "."),
            "injection",
            path=("on", name),
            suggestion="Use pull_request where the secrets are not needed; else never run or check out what the stranger sent.",
            cwe="CWE-829",
        )


def _may_write(document: CheckedDocument, all_jobs: list[Job]) -> bool:
    top = document.root.get("permissions")
    scopes = [job.node.get("permissions") if job.node.get("permissions") is not None else top for job in all_jobs]
    return any(scope is None or text_of(scope) == "write-all" or _writes(scope) for scope in scopes)


def _writes(scope: Node) -> bool:
    return any(key.value in _WRITES_THAT_MATTER and text_of(value) == "write" for key, value in pairs(scope))


# ----- jobs ------------------------------------------------------------------------------------------------------


def _job(job: Job) -> Iterator[Finding]:
    document = job.document
    inherited = job.node.get("secrets")
    if inherited is not None and text_of(inherited) == "inherit":
        yield document.finding(
            inherited.span,
            "security/secrets-inherited",
            Severity.LOW,
            f"Job '{job.name}' hands all secrets to the workflow that it calls.",
            "wildcard-perm",
            path=(*job.path, "secrets"),
            suggestion="Pass the secrets that it needs by name.",
            cwe="CWE-272",
        )
    if set(triggers(document)) & {"pull_request", "pull_request_target"}:
        for label in runners(job):
            if label.value.lower() == "self-hosted":
                yield document.finding(
                    label.span,
                    "security/self-hosted-runner",
                    Severity.LOW,
                    f"Job '{job.name}' runs pull requests on a machine of your own: what one of them leaves there meets the next job.",
                    "injection",
                    path=(*job.path, "runs-on"),
                    suggestion="Use hosted or one-job runners for pull requests, at least in public repositories.",
                    cwe="CWE-829",
                )
    yield from _conditions(document, job.node, job.path)


_BOT = re.compile(
    r"github\.(?:triggering_)?actor\s*==\s*'([^']*\[bot\])'|'([^']*\[bot\])'\s*==\s*github\.(?:triggering_)?actor"
)
_LIST_OF_REFS = re.compile(r"contains\(\s*'([^']*)'\s*,\s*(github\.(?:ref|ref_name|head_ref|actor|base_ref))\s*\)")


def _conditions(document: CheckedDocument, node: Node, path: Path) -> Iterator[Finding]:
    condition = node.get("if")
    if condition is None or condition.kind is not Kind.SCALAR:
        return
    text = condition.value
    if (bot := _BOT.search(text)) and set(triggers(document)) & {"pull_request", *PRIVILEGED_TRIGGERS}:
        yield document.finding(
            document.part(condition, *bot.span()),
            "security/bot-condition",
            Severity.MEDIUM if set(triggers(document)) & set(PRIVILEGED_TRIGGERS) else Severity.LOW,
            "github.actor is whoever caused the last event: a stranger's pull request passes here when the bot touches it.",
            "auth-off",
            path=(*path, "if"),
            suggestion="Compare github.event.pull_request.user.login.",
            cwe="CWE-290",
        )
    if listed := _LIST_OF_REFS.search(text):
        if not re.search(r"[\s,]", listed[1].strip()) and len(listed[1]) < 3:
            return
        yield document.finding(
            document.part(condition, *listed.span()),
            "security/unsound-contains",
            Severity.LOW,
            f"contains() searches within one text here, so any part of '{listed[1][:60]}' passes.",
            "auth-off",
            path=(*path, "if"),
            suggestion='Search in a list: contains(fromJSON(\'["a", "b"]\'), ...), or compare with ==.',
            cwe="CWE-183",
        )
