"""Names in GitLab pipelines: stages, jobs and templates. The files of one tree that include each other are one pipeline.

A pipeline that includes what the tree does not have is open: a name may come from there, so only a name that is
nearly one of the known ones is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import cycle_findings, likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.word_lists import words

Path = tuple[PathKey, ...]
_KEYWORDS = words("gitlab keywords")
_DEFAULT_STAGES = ("build", "test", "deploy")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What one document can refer to."""

    jobs: frozenset[str]
    stages: tuple[str, ...]
    open_ended: bool


def check_gitlab(corpus: Corpus) -> list[Finding]:
    """Every dangling name and cycle in GitLab pipelines."""
    documents = list(corpus.of("gitlab-ci"))
    found: list[Finding] = []
    for document in documents:
        pipeline = _pipeline(document, documents)
        found += _stages(document, pipeline)
        found += _names(document, pipeline)
        found += _cycles(document)
    return found


def _jobs(document: CheckedDocument) -> dict[str, Node]:
    return {
        key.value: node
        for key, node in pairs(document.root)
        if node.kind is Kind.MAP and (key.value not in _KEYWORDS or key.value == "pages")
    }


def _pipeline(document: CheckedDocument, documents: Sequence[CheckedDocument]) -> Pipeline:
    is_root = document.file.path.name in (".gitlab-ci.yml", ".gitlab-ci.yaml")
    if is_root and not document.root.entry("include"):
        group, open_ended = [document], False
    else:
        # Which file includes which is a matter of globs and rules; the tree as a whole is near enough.
        group = list(documents)
        has_root = is_root or any(d.file.path.name.startswith(".gitlab-ci.") for d in documents)
        open_ended = not has_root or any(not _is_local(item) for d in group for item in _includes(d))
    jobs = frozenset(name for d in group for name in _jobs(d))
    stages = [text_of(item) or "" for d in group for item in items(d.root.get("stages"))]
    return Pipeline(jobs, tuple(dict.fromkeys(stages or _DEFAULT_STAGES)), open_ended)


def _includes(document: CheckedDocument) -> list[Node]:
    node = document.root.get("include")
    if node is not None and node.kind is Kind.MAP:
        return [node]
    return items(node)


def _is_local(include: Node) -> bool:
    if include.kind is Kind.SCALAR:
        return "://" not in include.value
    return include.entry("local") is not None


def _stages(document: CheckedDocument, pipeline: Pipeline) -> Iterator[Finding]:
    known = {*pipeline.stages, ".pre", ".post"}
    open_ended = pipeline.open_ended and document.root.get("stages") is None
    for name, job in _jobs(document).items():
        stage = job.get("stage")
        text = text_of(stage)
        if stage is None or not text or text in known or is_template(text) or text.startswith("$["):
            continue
        if open_ended and not likely_typo(text, pipeline.stages):
            continue
        yield missing_name(
            document,
            stage,
            "unknown-stage",
            f"Job '{name}' is in the stage '{text}', which `stages` does not list.",
            text,
            pipeline.stages,
            (name, "stage"),
            severity=Severity.MEDIUM if open_ended else Severity.HIGH,
        )


def _edges(job: Node, name: str) -> Iterator[tuple[str, Node, str, Path]]:
    """(kind of reference, node, referred name, path)."""
    for item in items(job.get("extends")):
        yield "extends", item, text_of(item) or "", (name, "extends")
    for key in ("needs", "dependencies"):
        for item in items(job.get(key)):
            if item.kind is not Kind.MAP:
                yield key, item, text_of(item) or "", (name, key)
            elif (target := item.get("job")) is not None and not item.entry("pipeline") and not item.entry("project"):
                if text_of(item.get("optional")) != "true":
                    yield key, target, text_of(target) or "", (name, key)


_VERBS = {"extends": "extends", "needs": "needs", "dependencies": "takes artifacts from"}


def _names(document: CheckedDocument, pipeline: Pipeline) -> Iterator[Finding]:
    uses: list[tuple[str, Node, str, Path]] = []
    for name, job in _jobs(document).items():
        for kind, node, target, path in _edges(job, name):
            # `build: [linux, amd64]` is one job of the parallel matrix of `build`.
            base = target.partition(": [")[0] if kind != "extends" else target
            if base not in pipeline.jobs:
                uses.append((f"Job '{name}' {_VERBS[kind]}", node, target, path))
    for match in document.index.matches:
        if match.node.tag == "!reference" and match.node.kind is Kind.SEQ and match.node.children:
            first = match.node.children[0].resolved()
            if first.kind is Kind.SCALAR and first.value not in pipeline.jobs and first.value not in _KEYWORDS:
                uses.append(("!reference names", first, first.value, match.path))
    for what, node, target, path in uses:
        if not target or is_template(target) or (pipeline.open_ended and not likely_typo(target, pipeline.jobs)):
            continue
        yield missing_name(
            document,
            node,
            "unknown-job",
            f"{what} '{target}', which is no job here.",
            target,
            pipeline.jobs - {str(path[0])},
            path,
            severity=Severity.MEDIUM if pipeline.open_ended else Severity.HIGH,
        )


def _cycles(document: CheckedDocument) -> Iterator[Finding]:
    jobs = _jobs(document)
    for wanted, what in (("needs", "Jobs"), ("extends", "Templates")):
        graph: dict[str, list[str]] = {name: [] for name in jobs}
        edges: dict[tuple[str, str], tuple[Node, Path]] = {}
        for name, job in jobs.items():
            for kind, node, target, path in _edges(job, name):
                if kind == wanted:
                    graph[name].append(target)
                    edges.setdefault((name, target), (node, path))
        yield from cycle_findings(document, graph, edges, f"{wanted}-cycle", what)
