"""Which Kubernetes definition an object is judged by, and objects whose kind no API has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.pointing import finding_at, replace
from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile, Style
from automation_scripts.validation.schemas.compiled import CompiledSchema, shared_registry
from automation_scripts.validation.schemas.keys import is_very_close
from automation_scripts.validation.schemas.kubernetes_versions import NEWEST, definitions_of, uri_of
from automation_scripts.validation.schemas.mends import renamed
from automation_scripts.validation.schemas.store import Schema
from automation_scripts.validation.schemas.subject import Path, Subject
from automation_scripts.validation.schemas.wording import listed

_ID = "kubernetes"


@lru_cache(maxsize=4)
def definitions(version: str = NEWEST) -> dict[tuple[str, str], str]:
    """(apiVersion, kind) -> the name of the definition, for every object that a version serves."""
    found = {}
    for name, schema in definitions_of(version)["$defs"].items():
        for served in schema.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(part for part in (served["group"], served["version"]) if part)
            # Types that all groups share (DeleteOptions, WatchEvent) are no objects of a manifest.
            if not name.startswith("io.k8s.apimachinery."):
                found[(version, served["kind"])] = name
    return found


@lru_cache(maxsize=256)
def schema_for(api_version: str, kind: str, version: str = NEWEST) -> CompiledSchema | None:
    """The schema of an object, compiled when first used; None for custom resources and versions not served."""
    name = definitions(version).get((api_version, kind))
    if name is None:
        return None
    uri = uri_of(version)
    document = definitions_of(version)
    reference: Schema = {"$ref": f"{uri}#/$defs/{name}"}
    return CompiledSchema(
        root={"$schema": document["$schema"], "allOf": [reference], **(named_object() if _is_named(kind) else {})},
        uri=f"{uri}/{name}",
        title=f"Kubernetes {version} {kind}",
        documents={uri: document},
        registry=registry(version),
        is_closed=True,
    )


def named_object() -> Schema:
    """What every object that is kept has: a name, or what one is made from."""
    return {
        "required": ["metadata"],
        "properties": {"metadata": {"anyOf": [{"required": ["name"]}, {"required": ["generateName"]}]}},
    }


def _is_named(kind: str) -> bool:
    """False for questions and commands, which are answered and not kept."""
    return not kind.endswith(("Review", "List", "Options", "Request", "Scale", "Status", "Eviction", "WatchEvent")) or (
        kind in ("CertificateSigningRequest", "PodCertificateRequest")
    )


@lru_cache(maxsize=4)
def registry(version: str = NEWEST) -> Any:
    """The definitions of a version, ready to be referred to."""
    return shared_registry({uri_of(version): definitions_of(version)})


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


def unknown_kind(subject: Subject, version: str = NEWEST) -> Finding | None:
    """An object whose kind is no kind of its API, when what was meant is plain: a typing error, or another API."""
    api_version, kind, label = identity(subject.root)
    served = definitions(version)
    if (api_version, kind) in served or api_version not in {version for version, _ in served}:
        return None
    homes = sorted(version for version, known in served if known == kind)
    if any(_group(version) == _group(api_version) for version in homes):
        return None  # a version of the right API that is gone or to come: the deprecation check says more
    if homes:
        likely = _stable_homes(kind)[-1]
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


def misspelled_keys(subject: Subject) -> Iterator[Finding]:
    """Of an object whose kind is not known here, the keys that are almost those of every object."""
    metadata = subject.root.get("metadata")
    for path, node, known in (((), subject.root, _OF_OBJECTS), (("metadata",), metadata, _OF_METADATA)):
        for key, _ in node.entries if node is not None and node.kind is Kind.MAP else ():
            free = [name for name in known if node is not None and node.entry(name) is None]
            meant = nearest(key.value, free) if key.value not in known else None
            if meant is None or not is_very_close(key.value, meant):
                continue
            yield finding_at(
                subject.file,
                key.span,
                "schema/unknown-key",
                Severity.HIGH,
                f"`{key.value}` is almost `{meant}`, which Kubernetes objects have there.",
                "unknown-key",
                path=(*path, key.value),
                suggestion=f"Did you mean `{meant}`?",
                fix=renamed(subject.file, key, meant),
            )


def incomplete(file: ParsedFile, document: Document) -> Finding | None:
    """An object without its kind or without its version, when all else says that it is one."""
    root = document.root.resolved()
    metadata = root.get("metadata")
    if metadata is None or metadata.get("name") is None or looks_like_patch(file.name, root):
        return None
    kind, version = root.get("kind"), _text(root.get("apiVersion"))
    if kind is None and _VERSION.fullmatch(version) and ("/" in version or root.entry("data") or root.entry("spec")):
        lacking, kinds = "kind", sorted(known for api, known in definitions() if api == version)
        advice = f"Add `kind`: one of {listed(kinds)}." if kinds else "Add `kind`."
    elif not version and kind is not None and (homes := _stable_homes(_text(kind))) and _has_content(root):
        lacking, advice = "apiVersion", f"Add `apiVersion: {homes[-1]}`."
    else:
        return None
    return finding_at(
        file,
        root.entries[0][0].span,
        "schema/missing-required",
        Severity.HIGH,
        f"The document lacks `{lacking}`, which every Kubernetes object has.",
        "missing-required",
        suggestion=advice,
    )


def _has_content(root: Node) -> bool:
    return any(root.entry(key) for key in _CONTENTS)


def _stable_homes(kind: str) -> list[str]:
    homes = sorted(version for version, known in definitions() if known == kind)
    return [version for version in homes if "alpha" not in version and "beta" not in version] or homes


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


_OF_OBJECTS = ("metadata", "spec", "status")
_OF_METADATA = ("name", "namespace", "labels", "annotations")
_VERSION = re.compile(r"(v1|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9][-a-z0-9]*)*/v[0-9]+((alpha|beta)[0-9]+)?)")
_CONTENTS = ("spec", "data", "stringData", "rules", "roleRef", "subsets", "webhooks", "provisioner")
_PATCH_WORDS = ("patch", "override")
_ASSERTIONS = re.compile(r"(^|[-_.])(assert|asserts|assertion|expected|mutated|should-not-exist|errors?)([-_.0-9]|$)")
"""Files of cluster tests: they hold only what is to be found there."""
_OVERLAY_WORDS = ("overlay", "component", "kustom", "variant", *_PATCH_WORDS)


def looks_like_patch(name: str, node: Node) -> bool:
    """True for fragments that no kustomization among the checked files names: by `name`, the file's path below the
    folder that was asked for, or by that and their content."""
    if node.entry("$patch"):
        return True
    names = [part.lower() for part in name.replace("\\", "/").split("/")]
    if any(word in name for word in _PATCH_WORDS for name in names[-2:]) or _ASSERTIONS.search(names[-1]):
        return True
    if not any(word in name for word in _OVERLAY_WORDS for name in names):
        return False
    # A workload without a selector, and without the labels that one selects, is no whole workload.
    return node.at(("spec", "selector")) is None and node.at(("spec", "template", "metadata", "labels")) is None


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _text(node: Node | None) -> str:
    return node.value if node is not None and node.kind is Kind.SCALAR else ""
