"""The parts of GitHub workflows and composite actions that security rules look at: triggers, jobs and steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey

Path = tuple[PathKey, ...]
# What strangers can set off, with the rights of the repository.
PRIVILEGED_TRIGGERS = ("pull_request_target", "workflow_run", "issue_comment")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One job; a composite action counts as a single one, whose key is its `runs`."""

    document: CheckedDocument
    name: str
    key: Node
    node: Node
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a job, `uses` split at the `@`: `actions/checkout` and `v4`; both empty when it uses nothing."""

    job: Job
    node: Node
    path: Path
    action: str
    version: str


def jobs(document: CheckedDocument) -> list[Job]:
    """The jobs of a workflow, or the one of a composite action."""
    if document.kind == "github-action":
        entry = document.root.entry("runs")
        return [Job(document, "runs", entry[0], entry[1].resolved(), ("runs",))] if entry else []
    return [
        Job(document, key.value, key, value, ("jobs", key.value))
        for key, value in pairs(document.root.get("jobs"))
        if value.kind is Kind.MAP
    ]


def steps(job: Job) -> Iterator[Step]:
    """The steps of a job that are maps."""
    for i, node in enumerate(items(job.node.get("steps"))):
        if node.kind is Kind.MAP:
            action, _, version = (text_of(node.get("uses")) or "").partition("@")
            yield Step(job, node, (*job.path, "steps", i), action.strip().lower(), version.strip())


def triggers(document: CheckedDocument) -> dict[str, Node]:
    """The workflow's triggers by name, each with the node that names it."""
    node = document.root.get("on")
    named = {key.value: key for key, _ in pairs(node)}
    return named or {item.value: item for item in items(node) if item.kind is Kind.SCALAR}


def runners(job: Job) -> list[Node]:
    """The labels of the runner, in each of the forms that `runs-on` takes."""
    node = job.node.get("runs-on")
    labels = node.get("labels") if node is not None and node.kind is Kind.MAP else node
    return [item for item in items(labels) if item.kind is Kind.SCALAR]


def shell_of(step: Step) -> str:
    """The shell that runs a step's script: what is said, else what its runner has."""
    places = (step.node, step.job.node.at(("defaults", "run")), step.job.document.root.at(("defaults", "run")))
    for place in places:
        if place is not None and (said := text_of(place.get("shell"))):
            return said.split()[0] if said.split() else "bash"
    labels = " ".join(label.value.lower() for label in runners(step.job))
    # A matrix may well name Windows.
    return "unknown" if "windows" in labels or "${{" in labels or step.job.document.kind == "github-action" else "bash"
