"""Text that strangers write, put into scripts: `${{ github.event.issue.title }}` in a `run` step.

The list of untrusted contexts is GitHub's own (docs.github.com, "Script injections"). CWE-94.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.documents.workflow_expressions import expressions_in

DOCS = (
    "https://docs.github.com/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions"
)
_STRANGERS = re.compile(
    r"\bgithub\s*\.\s*(?:head_ref\b"
    r"|event\.(?:issue|pull_request|discussion)\.(?:title|body)\b"
    r"|event\.(?:comment|review|review_comment)\.body\b"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch|repo\.description|repo\.homepage)\b"
    r"|event\.(?:commits(?:\.\*|\[[^\]]*\])?|head_commit)\.(?:message|author\.(?:email|name)|committer\.(?:email|name))\b"
    r"|event\.pages(?:\.\*|\[[^\]]*\])?\.page_name\b"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.(?:message|author\.(?:email|name))|head_repository\.description"
    r"|pull_requests(?:\.\*|\[[^\]]*\])?\.head\.ref)\b"
    r"|event\.(?:issue|pull_request|comment|review|discussion|head_commit|commits)(?=\s*[),]|\s*$)"
    r"|event(?=\s*[),]|\s*$))"
)
_CALLERS = re.compile(r"\b(?:github\.event\.inputs|inputs)\.[\w-]+|\bgithub\.event\.client_payload\b")
# What these give is true, false or a number, whatever stands inside.
_HARMLESS_CALL = re.compile(r"^\s*!?\s*(?:contains|startsWith|endsWith|hashFiles)\s*\(")
_SCRIPT_INPUTS = {"actions/github-script": "script", "azure/cli": "inlineScript", "azure/powershell": "inlineScript"}


def check_injection(corpus: Corpus) -> list[Finding]:
    """Script injections and untrusted checkouts in GitHub workflows and actions."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow", "github-action"):
        typed = _typed_inputs(document)
        for path, step in _steps(document):
            found += _step(document, path, step, typed)
        if document.kind == "github-workflow":
            found += _untrusted_checkouts(document)
    return found


def _steps(document: CheckedDocument) -> Iterator[tuple[tuple[PathKey, ...], Node]]:
    if document.kind == "github-action":
        for i, step in enumerate(items(document.root.at(("runs", "steps")))):
            yield ("runs", "steps", i), step
        return
    for key, job in pairs(document.root.get("jobs")):
        for i, step in enumerate(items(job.get("steps"))):
            yield ("jobs", key.value, "steps", i), step


def _typed_inputs(document: CheckedDocument) -> set[str]:
    """Inputs that GitHub itself restricts to booleans, numbers or a choice."""
    found = set()
    triggers = document.root.get("on")
    for trigger in ("workflow_dispatch", "workflow_call"):
        for key, value in pairs(triggers.at((trigger, "inputs")) if triggers is not None else None):
            if text_of(value.get("type")) in ("boolean", "number", "choice", "environment"):
                found.add(key.value)
    return found


def _step(document: CheckedDocument, path: tuple[PathKey, ...], step: Node, typed: set[str]) -> Iterator[Finding]:
    run = step.get("run")
    if run is not None and run.kind is Kind.SCALAR:
        yield from _expressions(document, run, (*path, "run"), typed)
    action = (text_of(step.get("uses")) or "").partition("@")[0].lower()
    if name := _SCRIPT_INPUTS.get(action):
        script = step.at(("with", name))
        if script is not None and script.kind is Kind.SCALAR:
            yield from _expressions(document, script, (*path, "with", name), typed)


def _expressions(
    document: CheckedDocument, node: Node, path: tuple[PathKey, ...], typed: set[str]
) -> Iterator[Finding]:
    for start, end, inner in expressions_in(node.value):
        stranger, caller = _STRANGERS.search(inner), _CALLERS.search(inner)
        if _is_condition(inner) or not (stranger or caller):
            continue
        if not stranger and caller and caller[0].rpartition(".")[2] in typed:
            continue
        source = " ".join((stranger or caller)[0].split())  # type: ignore[index]
        yield document.finding(
            document.part(node, start, end),
            "security/script-injection",
            Severity.HIGH if stranger else Severity.LOW,
            f"'{source}' is pasted into the script before the shell reads it: "
            + (
                "whoever writes that text runs commands here."
                if stranger
                else "a caller of the workflow can run commands here."
            ),
            "injection",
            path=path,
            suggestion="Pass it through `env:` and use the quoted variable in the script.",
            cwe="CWE-94",
            references=(DOCS,),
        )


def _is_condition(inner: str) -> bool:
    """True when the expression's value is a boolean, or one of its own literals."""
    if _HARMLESS_CALL.match(inner) and not re.search(r"&&|\|\|", inner):
        return True
    # `x == 'a' && 'b' || 'c'` gives only literals.
    without = re.sub(r"'(?:[^']|'')*'", "''", inner)
    if re.search(r"==|!=|<=|>=|[<>]", without):
        operands = re.split(r"&&|\|\|", without)
        return all(
            re.search(r"==|!=|<=|>=|[<>]", part) or part.strip(" ()") in ("''", "true", "false") for part in operands
        )
    return False


_HEAD = re.compile(r"github\.event\.(?:pull_request\.head\.|workflow_run\.head_)|github\.head_ref|refs/pull/\$\{\{")


def _untrusted_checkouts(document: CheckedDocument) -> Iterator[Finding]:
    """`pull_request_target` runs with secrets: the code of the pull request must not be checked out and run in it."""
    triggers = document.root.get("on")
    names = [key.value for key, _ in pairs(triggers)] + [text_of(item) or "" for item in items(triggers)]
    risky = next((name for name in ("pull_request_target", "workflow_run") if name in names), None)
    if risky is None:
        return
    for path, step in _steps(document):
        uses = (text_of(step.get("uses")) or "").partition("@")[0]
        reference = step.at(("with", "ref"))
        if uses == "actions/checkout" and reference is not None and _HEAD.search(text_of(reference) or ""):
            yield document.finding(
                reference.span,
                "security/untrusted-checkout",
                Severity.HIGH,
                f"The workflow runs on {risky}, with the repository's secrets, and checks out the code of a stranger.",
                "injection",
                path=(*path, "with", "ref"),
                suggestion="Use pull_request for what builds or tests that code; keep this workflow to labels and comments.",
                cwe="CWE-829",
                references=(DOCS,),
            )
