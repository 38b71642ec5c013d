"""Names in CircleCI pipelines: jobs, workflows, executors."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.circleci_steps import check_steps
from automation_scripts.validation.references.missing_names import cycle_findings, missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]


def check_circleci(corpus: Corpus) -> list[Finding]:
    """Every dangling name and cycle in CircleCI pipelines."""
    return [finding for document in corpus.of("circleci") for finding in _circleci(document)]


def _circleci(document: CheckedDocument) -> Iterator[Finding]:
    root = document.root
    jobs = {key.value for key, _ in pairs(root.get("jobs"))}
    executors = {key.value for key, _ in pairs(root.get("executors"))}
    yield from check_steps(document)
    dynamic = root.entry("setup") is not None
    for key, job in pairs(root.get("jobs")):
        executor = job.get("executor")
        node = executor.get("name") if executor is not None and executor.kind is Kind.MAP else executor
        name = text_of(node)
        if node is not None and name and name not in executors and "/" not in name and not is_template(name):
            yield missing_name(
                document, node, "unknown-executor", f"Job '{key.value}' runs on the executor '{name}', which is not defined.", name,
                executors, ("jobs", key.value, "executor"),
            )  # fmt: skip
    for flow_key, flow in pairs(root.get("workflows")):
        if flow.kind is Kind.MAP and not dynamic:
            yield from _circleci_workflow(document, flow_key.value, flow, jobs)


def _circleci_workflow(document: CheckedDocument, flow: str, node: Node, jobs: set[str]) -> Iterator[Finding]:
    path: Path = ("workflows", flow, "jobs")
    graph: dict[str, list[str]] = {}
    edges: dict[tuple[str, str], tuple[Node, Path]] = {}
    requirements: list[tuple[str, Node, Path]] = []
    for i, item in enumerate(items(node.get("jobs"))):
        entries = pairs(item)
        name_node, settings = (entries[0][0], entries[0][1]) if entries else (item, None)
        name = name_node.value
        is_approval = settings is not None and text_of(settings.get("type")) in (
            "approval",
            "no-op",
            "release",
            "lock",
            "unlock",
        )
        if name not in jobs and "/" not in name and not is_approval and not is_template(name):
            yield missing_name(
                document, name_node, "unknown-job", f"Workflow '{flow}' runs the job '{name}', which is not defined.", name, jobs,
                (*path, i),
            )  # fmt: skip
        shown = (text_of(settings.get("name")) if settings is not None else None) or name
        graph.setdefault(shown, [])
        for required in items(settings.get("requires") if settings is not None else None):
            entry = pairs(required)
            required = entry[0][0] if entry else required  # noqa: PLW2901
            target = text_of(required) or ""
            graph[shown].append(target)
            edges.setdefault((shown, target), (required, (*path, i, "requires")))
            requirements.append((target, required, (*path, i, "requires")))
    for target, required, where in requirements:
        if target not in graph and not is_template(target):
            yield missing_name(
                document, required, "unknown-job", f"Workflow '{flow}' has no job '{target}'.", target, graph, where
            )
    yield from cycle_findings(document, graph, edges, "needs-cycle", "Jobs")
