"""Text that strangers write, put into scripts: `${{ github.event.issue.title }}` in a `run` step.

The list of untrusted contexts is GitHub's own (docs.github.com, "Script injections"). CWE-94.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.documents.workflow_expressions import expressions_in
from automation_scripts.validation.security.workflow_environment import through_environment
from automation_scripts.validation.security.workflow_parts import PRIVILEGED_TRIGGERS, Step, jobs, steps, triggers

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
# Names of branches and tags hold nearly every character; whoever may push chooses them.
_PUSHERS = re.compile(
    r"\bgithub\s*\.\s*(?:ref_name|base_ref|ref)\b(?!\s*[=!]=)|\bgithub\.event\.(?:ref|release\.(?:name|body|tag_name))\b"
)
# What these give is true, false or a number, whatever stands inside.
_HARMLESS_CALL = re.compile(r"^\s*!?\s*(?:contains|startsWith|endsWith|hashFiles)\s*\(")
_SCRIPT_INPUTS = {"actions/github-script": "script", "azure/cli": "inlineScript", "azure/powershell": "inlineScript"}


def check_injection(corpus: Corpus) -> list[Finding]:
    """Script injections and untrusted checkouts in GitHub workflows and actions."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow", "github-action"):
        typed = _typed_inputs(document)
        for job in jobs(document):
            for step in steps(job):
                found += _step(step, typed)
        if document.kind == "github-workflow":
            found += _untrusted_checkouts(document)
    return found


def _typed_inputs(document: CheckedDocument) -> set[str]:
    """Inputs that GitHub itself restricts to booleans, numbers or a choice."""
    found = set()
    for trigger in ("workflow_dispatch", "workflow_call"):
        for key, value in pairs(document.root.at(("on", trigger, "inputs"))):
            if text_of(value.get("type")) in ("boolean", "number", "choice", "environment"):
                found.add(key.value)
    return found


def _step(step: Step, typed: set[str]) -> Iterator[Finding]:
    run = step.node.get("run")
    if run is not None and run.kind is Kind.SCALAR:
        yield from _expressions(step, run, (*step.path, "run"), typed)
    if name := _SCRIPT_INPUTS.get(step.action):
        script = step.node.at(("with", name))
        if script is not None and script.kind is Kind.SCALAR:
            yield from _expressions(step, script, (*step.path, "with", name), typed)


def _expressions(step: Step, node: Node, path: tuple[PathKey, ...], typed: set[str]) -> Iterator[Finding]:
    document = step.job.document
    for start, end, inner in expressions_in(node.value):
        stranger, caller = _STRANGERS.search(inner), _CALLERS.search(inner) or _PUSHERS.search(inner)
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
                else "whoever starts the workflow can run commands here."
            ),
            "injection",
            path=path,
            suggestion="Pass it through `env:` and use the quoted variable in the script.",
            fix=through_environment(step, node, start, end, inner) if path[-1] == "run" else (),
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
    risky = next((name for name in PRIVILEGED_TRIGGERS if name in triggers(document)), None)
    if risky is None:
        return
    for step in (step for job in jobs(document) for step in steps(job)):
        reference = step.node.at(("with", "ref"))
        if step.action == "actions/checkout" and reference is not None and _HEAD.search(text_of(reference) or ""):
            yield document.finding(
                reference.span,
                "security/untrusted-checkout",
                Severity.HIGH,
                f"The workflow runs on {risky}, with the repository's secrets, and checks out the code of a stranger.",
                "injection",
                path=(*step.path, "with", "ref"),
                suggestion="Use pull_request for what builds or tests that code; keep this workflow to labels and comments.",
                cwe="CWE-829",
                references=(DOCS,),
            )
