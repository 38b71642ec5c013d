"""What workflows take from others: actions and images without a fixed version, and what is no longer there.

CWE-1357 (reliance on an insufficiently trustworthy component), CWE-1104 (use of unmaintained components).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.security.images import floats
from automation_scripts.validation.security.workflow_parts import Job, Path, Step, jobs, runners, steps

_TABLE = FilePath(__file__).parent / "workflow_uses.yaml"
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RELEASE = re.compile(r"[vV]?\d+(?:\.\d+)*(?:[-+._].*)?|.*[/@-]v?\d+(?:\.\d+)+.*|.*\d+\.\d+.*")
_MAJOR = re.compile(r"[vV](\d{1,3})(?:\.\d+)*")
# GitHub's own are as trustworthy as the machine that runs the job.
_GITHUBS = ("actions/", "github/")
_ACTION = re.compile(r"[\w.-]+/[\w./-]+")


def check_workflow_uses(corpus: Corpus) -> list[Finding]:
    """Every `uses`, image, runner and outdated command."""
    found: list[Finding] = []
    for document in corpus.of("github-workflow", "github-action"):
        for job in jobs(document):
            found += _job(job)
            for step in steps(job):
                found += _step(step)
        found += _runtime(document)
    return found


def _job(job: Job) -> Iterator[Finding]:
    document = job.document
    uses = job.node.get("uses")
    if uses is not None and uses.kind is Kind.SCALAR:
        name, _, version = uses.value.partition("@")
        yield from _pinned(document, uses, (*job.path, "uses"), name.lower(), version)
    for label in runners(job):
        if label.value.lower() in _lists()["runners"]:
            yield document.finding(
                label.span,
                "security/runner-gone",
                Severity.MEDIUM,
                f"The runner image {label.value} has been withdrawn: the job waits for it until it is cancelled.",
                "deprecated-api",
                path=(*job.path, "runs-on"),
                suggestion="Use an image that is still offered, such as ubuntu-24.04.",
                cwe="CWE-1104",
            )
    container = job.node.get("container")
    places = [(container, (*job.path, "container"))] if container is not None else []
    places += [(value, (*job.path, "services", key.value)) for key, value in pairs(job.node.get("services"))]
    for node, path in places:
        image = node.get("image") if node.kind is Kind.MAP else node
        if image is not None and image.kind is Kind.SCALAR:
            yield from _image(document, image, path, 0)


def _image(document: CheckedDocument, node: Node, path: Path, start: int) -> Iterator[Finding]:
    if not floats(node.value[start:]):
        return
    yield document.finding(
        document.part(node, start, len(node.value)),
        "security/image-latest",
        Severity.MEDIUM,
        f"The image {node.value[start:]} has no fixed version.",
        "latest-tag",
        path=path,
        suggestion="Name a version or a digest, so that every run uses the same program.",
        cwe="CWE-1357",
    )


def _step(step: Step) -> Iterator[Finding]:
    document = step.job.document
    uses = step.node.get("uses")
    if uses is not None and uses.kind is Kind.SCALAR:
        path = (*step.path, "uses")
        if uses.value.startswith("docker://"):
            yield from _image(document, uses, path, len("docker://"))
        else:
            yield from _pinned(document, uses, path, step.action, step.version)
            yield from _outdated(document, uses, path, step)
    run = step.node.get("run")
    if run is not None and run.kind is Kind.SCALAR and "::" in run.value:
        yield from _old_commands(document, run, (*step.path, "run"))


def _pinned(document: CheckedDocument, node: Node, path: Path, action: str, version: str) -> Iterator[Finding]:
    if not _ACTION.fullmatch(action) or action.startswith("./") or _HASH.fullmatch(version) or "${{" in node.value:
        return
    own = action.startswith(_GITHUBS)
    branch = not _RELEASE.fullmatch(version[:100])
    if not version or (own and not branch):
        return
    owner = action.partition("/")[0]
    yield document.finding(
        document.part(node, len(action) + 1, len(node.value.rstrip())) if branch else node.span,
        "security/action-branch" if branch else "security/action-tag",
        Severity.MEDIUM if branch and not own else Severity.LOW if branch else Severity.INFO,
        f"{action} is taken from the branch '{version}': every push to it runs here, with this job's secrets."
        if branch
        else f"{action}@{version} is a tag, which {owner} can move to other code.",
        "latest-tag",
        path=path,
        suggestion="Name the commit's full hash, with the version in a comment.",
        cwe="CWE-1357",
    )


def _outdated(document: CheckedDocument, node: Node, path: Path, step: Step) -> Iterator[Finding]:
    row = _lists()["actions"].get(step.action)
    major = _MAJOR.fullmatch(step.version)
    if step.action in _lists()["archived"]:
        severity, what = Severity.LOW, f"{step.action} is archived: nobody mends it any more."
    elif row and major and int(major[1]) < row["below"]:
        gone = row.get("gone", False)
        severity = Severity.MEDIUM if gone else Severity.LOW
        what = f"{step.action}@{step.version} " + (
            "no longer works: the service that it calls has been switched off."
            if gone
            else "is made for a version of Node that runners no longer have."
        )
    else:
        return
    newer = f" v{row['below']} or later" if row else " another action, or the gh command"
    yield document.finding(
        node.span,
        "security/action-outdated",
        severity,
        what,
        "deprecated-api",
        path=path,
        suggestion=f"Use{newer}.",
        cwe="CWE-1104",
    )


_OLD_COMMAND = re.compile(r"::(set-output|save-state|set-env|add-path)(?=[ :])")
_DISABLED = ("set-env", "add-path")
_INSTEAD = {
    "set-output": "GITHUB_OUTPUT",
    "save-state": "GITHUB_STATE",
    "set-env": "GITHUB_ENV",
    "add-path": "GITHUB_PATH",
}


def _old_commands(document: CheckedDocument, node: Node, path: Path) -> Iterator[Finding]:
    for found in _OLD_COMMAND.finditer(node.value):
        command = found[1]
        yield document.finding(
            document.part(node, *found.span()),
            "security/workflow-command",
            Severity.MEDIUM if command in _DISABLED else Severity.LOW,
            f"The command '{command}' is "
            + (
                "switched off, because printed text could set it."
                if command in _DISABLED
                else "deprecated: printed text can forge it."
            ),
            "deprecated-api",
            path=path,
            suggestion=f'Append to the file: echo "name=value" >> "${_INSTEAD[command]}".',
            cwe="CWE-77",
        )


def _runtime(document: CheckedDocument) -> Iterator[Finding]:
    using = document.root.at(("runs", "using")) if document.kind == "github-action" else None
    if using is not None and (text_of(using) or "").lower() in _lists()["runtimes"]:
        yield document.finding(
            using.span,
            "security/action-runtime",
            Severity.MEDIUM,
            f"Runners no longer have {using.value}.",
            "deprecated-api",
            path=("runs", "using"),
            suggestion="Use node20 or later.",
            cwe="CWE-1104",
        )


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    raw = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {
        "actions": {row["name"]: row for row in raw["actions"]},
        **{name: frozenset(raw[name].split()) for name in ("archived", "runners", "runtimes")},
    }
