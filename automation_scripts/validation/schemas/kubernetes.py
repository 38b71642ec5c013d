"""Which Kubernetes definition an object is judged by, and objects whose kind no API has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.pointing import finding_at, replace
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile, Style
from automation_scripts.validation.schemas.compiled import CompiledSchema, shared_registry
from automation_scripts.validation.schemas.store import entry, load
from automation_scripts.validation.schemas.subject import Path, Subject

_ID = "kubernetes"


@lru_cache(maxsize=1)
def definitions() -> dict[tuple[str, str], str]:
    """(apiVersion, kind) -> the name of the definition, for every object that the vendored version serves."""
    found = {}
    for name, schema in load(_ID)["$defs"].items():
        for served in schema.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(part for part in (served["group"], served["version"]) if part)
            # Types that all groups share (DeleteOptions, WatchEvent) are no objects of a manifest.
            if not name.startswith("io.k8s.apimachinery."):
                found[(version, served["kind"])] = name
    return found


@lru_cache(maxsize=256)
def schema_for(api_version: str, kind: str) -> CompiledSchema | None:
    """The schema of an object, compiled when first used; None for custom resources and versions not served."""
    name = definitions().get((api_version, kind))
    if name is None:
        return None
    catalogued = entry(_ID)
    document = load(_ID)
    return CompiledSchema(
        root={"$schema": document["$schema"], "$ref": f"{catalogued.uri}#/$defs/{name}"},
        uri=f"{catalogued.uri}/{name}",
        title=f"{catalogued.title} {kind}",
        documents={catalogued.uri: document},
        registry=_registry(),
        is_closed=True,
    )


@lru_cache(maxsize=1)
def _registry() -> Any:
    return shared_registry({entry(_ID).uri: load(_ID)})


def objects(root: Node, prefix: Path = (), depth: int = 0) -> Iterator[tuple[Path, Node]]:
    """The objects of a document with their paths: the root, or the items of a `kind: List`."""
    kind, items = _text(root.get("kind")), root.get("items")
    if kind.endswith("List") and items is not None and items.kind is Kind.SEQ and depth < 5:
        for i, child in enumerate(items.children):
            if child.resolved().kind is Kind.MAP:
                yield from objects(child.resolved(), (*prefix, "items", i), depth + 1)
    else:
        yield prefix, root


def identity(node: Node) -> tuple[str, str, str]:
    """(apiVersion, kind, label such as `Deployment/web`) of an object; empty texts where it says nothing."""
    kind = _text(node.get("kind"))
    name = _text(node.at(("metadata", "name")))
    return _text(node.get("apiVersion")), kind, f"{kind}/{name}" if name else kind


def unknown_kind(subject: Subject) -> Finding | None:
    """An object whose kind is no kind of its API, when what was meant is plain: a typing error, or another API."""
    api_version, kind, label = identity(subject.root)
    served = definitions()
    if (api_version, kind) in served or api_version not in {version for version, _ in served}:
        return None
    homes = sorted(version for version, known in served if known == kind)
    if any(_group(version) == _group(api_version) for version in homes):
        return None  # a version of the right API that is gone or to come: the deprecation check says more
    if homes:
        stable = [version for version in homes if "alpha" not in version and "beta" not in version] or homes
        likely = stable[-1]
        node, message = subject.root.get("apiVersion"), f"`{api_version}` has no kind {kind}; it is in `{likely}`."
    else:
        meant = nearest(kind, [known for version, known in served if version == api_version])
        if meant is None:
            return None
        likely, node, message = meant, subject.root.get("kind"), f"`{api_version}` has no kind `{kind}`."
    if node is None or node.kind is not Kind.SCALAR:
        return None
    text = likely if node.style is Style.PLAIN else f'"{likely}"'
    return finding_at(
        subject.file,
        node.span,
        "schema/invalid-enum",
        Severity.HIGH,
        message,
        "invalid-enum",
        path=label,
        suggestion=f"Did you mean `{likely}`?",
        fix=(replace(subject.file, node.span, text),),
    )


def patch_files(files: Sequence[ParsedFile]) -> frozenset[FilePath]:
    """Files that kustomizations merge into others as patches: fragments, which lack most of what objects need."""
    found: set[FilePath] = set()
    for file in files:
        for document in file.documents:
            root = document.root.resolved()
            if not any(root.get(key) for key in ("patches", "patchesStrategicMerge", "patchesJson6902")):
                continue
            if _text(root.get("kind")) != "Kustomization" and file.path.stem != "kustomization":
                continue
            for name in _patch_names(root):
                found.add((file.path.parent / name).resolve())
    return frozenset(found)


def _patch_names(root: Node) -> Iterator[str]:
    for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
        listed = root.get(key)
        for child in (item.resolved() for item in listed.children) if listed is not None else ():
            name = _text(child if child.kind is Kind.SCALAR else child.get("path"))
            if name and "\n" not in name and len(name) < 500:
                yield name


_PATCH_WORDS = ("patch", "override")
_OVERLAY_WORDS = ("overlay", "component", "kustom", "variant", *_PATCH_WORDS)


def looks_like_patch(name: str, node: Node) -> bool:
    """True for fragments that no kustomization among the checked files names: by `name`, the file's path below the
    folder that was asked for, or by that and their content."""
    if node.entry("$patch"):
        return True
    names = [part.lower() for part in name.replace("\\", "/").split("/")]
    if any(word in name for word in _PATCH_WORDS for name in names[-2:]):
        return True
    if not any(word in name for word in _OVERLAY_WORDS for name in names):
        return False
    # A workload without a selector, and without the labels that one selects, is no whole workload.
    return node.at(("spec", "selector")) is None and node.at(("spec", "template", "metadata", "labels")) is None


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _text(node: Node | None) -> str:
    return node.value if node is not None and node.kind is Kind.SCALAR else ""
