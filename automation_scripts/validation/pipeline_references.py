"""Names in GitLab and CircleCI pipelines: stages, jobs, templates, executors."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding
from automation_scripts.validation.corpus import CheckedDocument, Corpus
from automation_scripts.validation.formats import is_template
from automation_scripts.validation.missing_names import cycle_findings, missing_name
from automation_scripts.validation.scalars import items, pairs, text_of
from automation_scripts.validation.tree import Kind, Node, PathKey

Path = tuple[PathKey, ...]
_KEYWORDS = frozenset(
    [
        "stages",
        "include",
        "variables",
        "default",
        "workflow",
        "image",
        "services",
        "before_script",
        "after_script",
        "cache",
        "spec",
        "pages",
        "types",
    ]
)
_DEFAULT_STAGES = ("build", "test", "deploy")


def check_pipelines(corpus: Corpus) -> list[Finding]:
    """Every finding about names in GitLab and CircleCI pipelines."""
    found: list[Finding] = []
    for document in corpus.of("gitlab-ci"):
        found += _gitlab(document)
    for document in corpus.of("circleci"):
        found += _circleci(document)
    return found


# ----- GitLab ----------------------------------------------------------------------------------------------------


def _gitlab(document: CheckedDocument) -> Iterator[Finding]:
    jobs = {
        key.value: node
        for key, node in pairs(document.root)
        if node.kind is Kind.MAP and (key.value not in _KEYWORDS or key.value == "pages")
    }
    # What an included file defines is not known here, unless it is a plain template of no jobs.
    open_ended = document.root.entry("include") is not None
    stages_node = document.root.get("stages")
    stages = [text_of(item) or "" for item in items(stages_node)] or list(_DEFAULT_STAGES)
    known_stages = {*stages, ".pre", ".post"}
    for name, job in jobs.items():
        stage = job.get("stage")
        text = text_of(stage)
        if stage is not None and text and text not in known_stages and not (open_ended and stages_node is None):
            if not is_template(text) and not text.startswith("$["):
                yield missing_name(
                    document, stage, "unknown-stage", f"Job '{name}' is in the stage '{text}', which `stages` does not list.",
                    text, stages, (name, "stage"),
                )  # fmt: skip
    if not open_ended:
        yield from _gitlab_names(document, jobs)
    yield from _gitlab_cycles(document, jobs)


def _gitlab_edges(job: Node, name: str) -> Iterator[tuple[str, Node, str, Path]]:
    """(kind of reference, node, referred name, path)."""
    for item in items(job.get("extends")):
        yield "extends", item, text_of(item) or "", (name, "extends")
    for key in ("needs", "dependencies"):
        for item in items(job.get(key)):
            if item.kind is Kind.MAP:
                target = item.get("job")
                if target is None or item.entry("pipeline") or item.entry("project"):
                    continue
                item = target  # noqa: PLW2901
            yield key, item, text_of(item) or "", (name, key)


def _gitlab_names(document: CheckedDocument, jobs: dict[str, Node]) -> Iterator[Finding]:
    for name, job in jobs.items():
        optional = {
            text_of(item.get("job")) for item in items(job.get("needs")) if text_of(item.get("optional")) == "true"
        }
        for kind, node, target, path in _gitlab_edges(job, name):
            if target in jobs or not target or target in optional or is_template(target):
                continue
            if kind != "extends" and _from_matrix(target, jobs):
                continue
            yield missing_name(
                document, node, "unknown-job", f"Job '{name}' {_verb(kind)} '{target}', which is no job here.", target,
                set(jobs) - {name}, path,
            )  # fmt: skip
    for match in document.index.matches:
        if match.node.tag == "!reference" and match.node.kind is Kind.SEQ and match.node.children:
            first = match.node.children[0].resolved()
            if first.kind is Kind.SCALAR and first.value not in jobs and first.value not in _KEYWORDS:
                yield missing_name(
                    document, first, "unknown-job", f"!reference names '{first.value}', which is not defined here.", first.value,
                    jobs, match.path,
                )  # fmt: skip


def _verb(kind: str) -> str:
    return {"extends": "extends", "needs": "needs", "dependencies": "takes artifacts from"}[kind]


def _from_matrix(target: str, jobs: dict[str, Node]) -> bool:
    """`build: [linux, amd64]` is one job of the parallel matrix of `build`."""
    return ": [" in target and target.partition(": [")[0] in jobs


def _gitlab_cycles(document: CheckedDocument, jobs: dict[str, Node]) -> Iterator[Finding]:
    for wanted, what in (("needs", "Jobs"), ("extends", "Templates")):
        graph: dict[str, list[str]] = {name: [] for name in jobs}
        edges: dict[tuple[str, str], tuple[Node, Path]] = {}
        for name, job in jobs.items():
            for kind, node, target, path in _gitlab_edges(job, name):
                if kind == wanted:
                    graph[name].append(target)
                    edges.setdefault((name, target), (node, path))
        yield from cycle_findings(document, graph, edges, f"{wanted}-cycle", what)


# ----- CircleCI --------------------------------------------------------------------------------------------------


def _circleci(document: CheckedDocument) -> Iterator[Finding]:
    root = document.root
    jobs = {key.value for key, _ in pairs(root.get("jobs"))}
    executors = {key.value for key, _ in pairs(root.get("executors"))}
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
