"""Names in GitLab pipelines: stages, jobs and templates. The files of one tree that include each other are one pipeline.

A pipeline that includes what the tree does not have is open: a name may come from there, so only a name that is
nearly one of the known ones is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.graphs import components
from automation_scripts.validation.references.missing_names import cycle_findings, likely_typo, meant_by, missing_name
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.word_lists import words

KeyPath = tuple[PathKey, ...]
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
    included = _included(documents, corpus) if documents else Included([], True)
    for document in documents:
        pipeline = _pipeline(document, documents, included)
        found += _stages(document, pipeline)
        found += _names(document, pipeline)
        found += _cycles(document)
        found += _order(document, pipeline)
        found += _contradictions(document)
        if not pipeline.open_ended:
            found += _stage_list(document, [*documents, *included.documents])
    return found


def _jobs(document: CheckedDocument) -> dict[str, Node]:
    return {
        key.value: node
        for key, node in pairs(document.root)
        if node.kind is Kind.MAP and (key.value not in _KEYWORDS or key.value == "pages")
    }


@dataclass(frozen=True, slots=True)
class Included:
    """The local files that pipelines include and that are in the tree."""

    documents: list[CheckedDocument]
    is_complete: bool
    """False when an include is not in the tree."""


def _included(documents: Sequence[CheckedDocument], corpus: Corpus) -> Included:
    """What the pipelines of a tree include from it, whatever those files are called. Paths start at the repository's root:
    the folder of a `.gitlab-ci.yml`."""
    roots = {d.folder for d in documents if d.file.path.name in (".gitlab-ci.yml", ".gitlab-ci.yaml")}
    by_path = {document.file.path: document for document in corpus.documents}
    found: dict[int, CheckedDocument] = {}
    is_complete = True
    waiting = list(documents)
    while waiting:
        document = waiting.pop()
        root = next(
            (root for root in roots if root == document.folder or root in document.folder.parents), document.folder
        )
        for pattern in _local_paths(document):
            if "$" in pattern:
                is_complete = False
                continue
            wanted = (root / pattern.lstrip("/")).as_posix()
            listed = [by_path[Path(wanted)]] if Path(wanted) in by_path else []
            if "*" in pattern:
                listed = [other for path, other in by_path.items() if fnmatchcase(path.as_posix(), wanted)]
            is_complete = is_complete and bool(listed)
            for other in listed:
                if id(other) not in found:
                    found[id(other)] = other
                    waiting.append(other)
    own = {id(document) for document in documents}
    return Included([d for key, d in found.items() if key not in own], is_complete)


def _local_paths(document: CheckedDocument) -> Iterator[str]:
    for item in _includes(document):
        if not _is_local(item):
            continue
        for node in items(item.get("local")) if item.kind is Kind.MAP else [item]:
            if node.kind is Kind.SCALAR:
                yield node.value


def _pipeline(document: CheckedDocument, documents: Sequence[CheckedDocument], included: Included) -> Pipeline:
    is_root = document.file.path.name in (".gitlab-ci.yml", ".gitlab-ci.yaml")
    if is_root and not document.root.entry("include"):
        group, open_ended = [document], False
    else:
        # Which file includes which is a matter of globs and rules; the tree as a whole is near enough.
        group = [*documents, *included.documents]
        has_root = is_root or any(d.file.path.name.startswith(".gitlab-ci.") for d in documents)
        open_ended = (
            not has_root or not included.is_complete or any(not _is_local(item) for d in group for item in _includes(d))
        )
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


def _edges(job: Node, name: str) -> Iterator[tuple[str, Node, str, KeyPath]]:
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
    uses: list[tuple[str, Node, str, KeyPath]] = []
    for name, job in _jobs(document).items():
        for kind, node, target, path in _edges(job, name):
            # `build: [linux, amd64]` is one job of the parallel matrix of `build`.
            base = target.partition(": [")[0] if kind != "extends" else target
            if base not in pipeline.jobs or (kind != "extends" and base.startswith(".")):
                uses.append((f"Job '{name}' {_VERBS[kind]}", node, target, path))
    for match in document.index.matches:
        if match.node.tag == "!reference" and match.node.kind is Kind.SEQ and match.node.children:
            first = match.node.children[0].resolved()
            if first.kind is Kind.SCALAR and first.value not in pipeline.jobs and first.value not in _KEYWORDS:
                uses.append(("!reference names", first, first.value, match.path))
    for what, node, target, path in uses:
        if (
            not target
            or is_template(target)
            or (pipeline.open_ended and not likely_typo(target, pipeline.jobs - {str(path[0])}))
        ):
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


def _order(document: CheckedDocument, pipeline: Pipeline) -> Iterator[Finding]:
    """`needs` and `dependencies` can only name jobs of the same or an earlier stage."""
    position = {stage: i for i, stage in enumerate((".pre", *pipeline.stages, ".post"))}
    jobs = _jobs(document)

    def place(name: str) -> int | None:
        job = jobs.get(name)
        # A job that extends another one, or takes a template's keys, may have its stage from there.
        if job is None or job.entry("extends"):
            return None
        stage = text_of(job.get("stage")) or ("test" if job.entry("stage") is None else "")
        return position.get(stage)

    graph = {name: [t for kind, _, t, _ in _edges(job, name) if kind == "needs"] for name, job in jobs.items()}
    ring = {name: i for i, component in enumerate(components(graph)) for name in component}
    for name, job in jobs.items():
        own = place(name)
        if own is None or name.startswith("."):
            continue
        for kind, node, target, path in _edges(job, name):
            there = place(target.partition(": [")[0])
            # Of jobs in a circle one always comes later: the circle is told.
            if there is None or kind == "extends" or target.startswith(".") or ring.get(target) == ring[name]:
                continue
            if there > own or (kind == "dependencies" and there == own):
                yield document.finding(
                    node.span, "reference/needs-later-job", Severity.HIGH,
                    f"Job '{name}' {_VERBS[kind]} '{target}', which runs in "
                    + ("a later stage." if there > own else "the same stage."), "conflict", path=path,
                    suggestion="Name a job of an earlier stage, or move one of the two.",
                )  # fmt: skip


def _contradictions(document: CheckedDocument) -> Iterator[Finding]:
    """`rules` beside `only` or `except`: GitLab refuses the job."""
    for name, job in _jobs(document).items():
        for key in ("only", "except"):
            entry = job.entry(key)
            if entry and job.entry("rules"):
                yield document.finding(
                    entry[0].span, "reference/rules-and-only", Severity.HIGH,
                    f"Job '{name}' has `rules` and `{key}`: GitLab takes only one of them.", "conflict", path=(name, key),
                    suggestion=f"Write `{key}` as one of the `rules`.",
                )  # fmt: skip


def _stage_list(document: CheckedDocument, documents: Sequence[CheckedDocument]) -> Iterator[Finding]:
    """Stages that stand twice, and those that no job is in."""
    group = [document] if not document.root.entry("include") else list(documents)
    taken = {text_of(job.get("stage")) or "test" for each in group for job in _jobs(each).values()}
    computed = any(is_template(stage) or stage.startswith("$") for stage in taken)
    first: dict[str, Node] = {}
    for item in items(document.root.get("stages")):
        text = text_of(item) or ""
        if first.setdefault(text, item) is not item:
            yield document.finding(
                item.span, "reference/repeated-name", Severity.MEDIUM, f"`stages` lists '{text}' twice.", "dup-name",
                path=("stages",), suggestion="Remove one of the two.",
            )  # fmt: skip
    misspelt = taken - set(first) - {".pre", ".post"}
    idle = [text for text in first if text not in taken]
    meant = meant_by(misspelt, idle, set(first) & taken)
    for text in idle:
        if not computed and text not in meant:
            yield document.finding(
                first[text].span, "reference/unused-stage", Severity.LOW, f"No job is in the stage '{text}'.", "unused",
                path=("stages",), suggestion="Remove it, or put the jobs into it that were meant to be there.",
            )  # fmt: skip


def _cycles(document: CheckedDocument) -> Iterator[Finding]:
    jobs = _jobs(document)
    for wanted, what in (("needs", "Jobs"), ("extends", "Templates")):
        graph: dict[str, list[str]] = {name: [] for name in jobs}
        edges: dict[tuple[str, str], tuple[Node, KeyPath]] = {}
        for name, job in jobs.items():
            for kind, node, target, path in _edges(job, name):
                if kind == wanted:
                    graph[name].append(target)
                    edges.setdefault((name, target), (node, path))
        yield from cycle_findings(document, graph, edges, f"{wanted}-cycle", what)
