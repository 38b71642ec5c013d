"""Which keys hold paths: the references to files that documents of the known kinds make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.results import Severity
from automation_scripts.validation.documents.compose_services import is_host_path, mounts, services
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import is_false, items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.formats import is_template

_REMOTE = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|git@|//|github\.com/|oci:)|[?#]|\.git(?:$|[#?])")


@dataclass(frozen=True, slots=True)
class FileReference:
    """A path as written, where it stands, and the folder it starts from."""

    node: Node
    text: str
    base: Path
    path: tuple[PathKey, ...]
    what: str
    """What it is to whom: `env_file of service 'web'`."""
    severity: Severity = Severity.HIGH
    names: tuple[str, ...] = ()
    """When the path is a folder: files of which one must be in it."""


def file_references(document: CheckedDocument) -> Iterator[FileReference]:
    """The references to files that a document of a known kind makes."""
    yield from _FINDERS.get(document.kind, _nothing)(document)
    yield from _included_by_tag(document)
    if document.file.path.name.lower() in ("kustomization.yaml", "kustomization.yml", "kustomization"):
        yield from _kustomization(document)
    if document.file.path.name in ("mkdocs.yml", "mkdocs.yaml"):
        yield from _mkdocs(document)


def _nothing(document: CheckedDocument) -> Iterator[FileReference]:
    return iter(())


def can_be_judged(text: str) -> bool:
    """True for a path of this tree that is written out."""
    if not text or "\n" in text or len(text) > 500 or is_template(text) or _REMOTE.search(text):
        return False
    return not text.startswith(("~", "/")) and not any(char in text for char in "*$<>|\0")


def _scalar(
    node: Node | None,
    base: Path,
    path: tuple[PathKey, ...],
    what: str,
    severity: Severity = Severity.HIGH,
    names: tuple[str, ...] = (),
) -> Iterator[FileReference]:
    text = text_of(node)
    if node is not None and text is not None:
        yield FileReference(node, text, base, path, what, severity, names)


def _compose(document: CheckedDocument) -> Iterator[FileReference]:
    base = document.folder
    for service in services(document):
        node, path, owner = service.node, service.path, f"service '{service.name}'"
        listed: list[Node | None] = [*items(node.get("env_file"))]
        for item in listed or [node.get("env_file")]:
            if item is not None and item.kind is Kind.MAP:
                if not is_false(item.get("required")):
                    yield from _scalar(item.get("path"), base, (*path, "env_file", "path"), f"env_file of {owner}")
            else:
                yield from _scalar(item, base, (*path, "env_file"), f"env_file of {owner}")
        yield from _build(node.get("build"), base, (*path, "build"), owner)
        yield from _scalar(node.at(("extends", "file")), base, (*path, "extends", "file"), f"extends of {owner}")
        for mount in mounts(service):
            source = mount.source
            is_file = "." in source.rpartition("/")[2].lstrip(".") and not source.endswith("/")
            if source.startswith(("./", "../")) and is_host_path(source) and is_file and source not in (".", ".."):
                # Docker makes a *folder* of that name, and the container then reads a folder as its configuration.
                yield FileReference(
                    mount.where, source, base, (*path, "volumes"), f"bind mount of {owner}", Severity.MEDIUM
                )
    for section in ("configs", "secrets"):
        for key, value in pairs(document.root.get(section)):
            yield from _scalar(value.get("file"), base, (section, key.value, "file"), f"{section[:-1]} '{key.value}'")
    for i, item in enumerate(items(document.root.get("include"))):
        found = item.get("path") if item.kind is Kind.MAP else item
        for part in items(found):
            yield from _scalar(part, base, ("include", i), "include")


def _build(node: Node | None, base: Path, path: tuple[PathKey, ...], owner: str) -> Iterator[FileReference]:
    if node is None:
        return
    is_map = node.kind is Kind.MAP
    context = node.get("context") if is_map else node
    text = text_of(context) if context is not None else "."
    if text is None or not can_be_judged(text):
        return
    dockerfile = node.get("dockerfile") if is_map else None
    inline = is_map and node.entry("dockerfile_inline") is not None
    if context is not None:
        names = () if dockerfile is not None or inline else ("Dockerfile", "Containerfile")
        yield from _scalar(context, base, path, f"build context of {owner}", names=names)
    if dockerfile is not None and not inline:
        yield from _scalar(dockerfile, base / text, (*path, "dockerfile"), f"Dockerfile of {owner}")


def _github(document: CheckedDocument) -> Iterator[FileReference]:
    """`uses: ./...` starts at the repository's root."""
    parts = document.file.path.parts
    root = Path(*parts[: parts.index(".github")]) if ".github" in parts else None
    if root is None:
        return
    for match in document.index.keyed("uses"):
        text = text_of(match.node) or ""
        if not text.startswith("./") or _checks_out_elsewhere(document, match.path, text):
            continue
        is_workflow = text.endswith((".yml", ".yaml"))
        names = () if is_workflow else ("action.yml", "action.yaml", "Dockerfile")
        yield FileReference(
            match.node, text, root, match.path, "Local workflow" if is_workflow else "Local action", names=names
        )


def _checks_out_elsewhere(document: CheckedDocument, path: tuple[PathKey, ...], text: str) -> bool:
    """True when an earlier step puts another repository where the action is looked for."""
    steps = document.root.at(path[:-2]) if len(path) > 2 else None
    for step in items(steps):
        target = text_of(step.at(("with", "path"))) if step.kind is Kind.MAP else None
        if target and text.removeprefix("./").startswith(target.removeprefix("./").rstrip("/")):
            return True
        if step.kind is Kind.MAP and (step.at(("with", "repository")) is not None):
            return True
    return False


def _gitlab(document: CheckedDocument) -> Iterator[FileReference]:
    for i, item in enumerate(items(document.root.get("include")) or [document.root.get("include")]):
        if item is None:
            continue
        if item.kind is Kind.SCALAR and item.value.startswith("/"):
            yield FileReference(item, item.value.lstrip("/"), document.folder, ("include", i), "include")
        local = item.get("local") if item.kind is Kind.MAP else None
        for part in items(local):
            if part.kind is Kind.SCALAR:
                yield FileReference(part, part.value.lstrip("/"), document.folder, ("include", i, "local"), "include")


def _ansible(document: CheckedDocument) -> Iterator[FileReference]:
    for key in ("import_playbook", "include_tasks", "import_tasks", "include_vars", "include"):
        for match in document.index.keyed(key, f"ansible.builtin.{key}"):
            node = match.node.get("file") if match.node.kind is Kind.MAP else match.node
            text = text_of(node)
            if node is None or not text or " " in text:
                continue
            base = document.folder
            if key == "include_vars" and base.name in ("tasks", "handlers"):
                base = base.parent / "vars"
            yield FileReference(node, text, base, match.path, key)
    for match in document.index.keyed("vars_files"):
        for item in items(match.node):
            yield from _scalar(item, document.folder, match.path, "vars_files")


def _tsconfig(document: CheckedDocument) -> Iterator[FileReference]:
    for item in items(document.root.get("extends")):
        text = text_of(item) or ""
        if text.startswith("."):
            target = text if text.endswith(".json") or (document.folder / text).exists() else f"{text}.json"
            yield FileReference(item, target, document.folder, ("extends",), "extends")
    for i, item in enumerate(items(document.root.get("references"))):
        yield from _scalar(item.get("path"), document.folder, ("references", i, "path"), "references")


def _kustomization(document: CheckedDocument) -> Iterator[FileReference]:
    names = ("kustomization.yaml", "kustomization.yml", "Kustomization")
    root, base = document.root, document.folder
    for key in ("resources", "bases", "components", "crds", "transformers", "generators", "patchesStrategicMerge"):
        for i, item in enumerate(items(root.get(key))):
            # An inline patch is a text of several lines, and a remote base has a host.
            if item.kind is Kind.SCALAR and not re.match(r"[\w-]+(?:\.[\w-]+)+/", item.value):
                yield FileReference(item, item.value, base, (key, i), key, names=names)
    for key in ("patches", "patchesJson6902", "replacements"):
        for i, item in enumerate(items(root.get(key))):
            if item.kind is Kind.MAP:
                yield from _scalar(item.get("path"), base, (key, i, "path"), key)
    for key in ("configMapGenerator", "secretGenerator"):
        for i, item in enumerate(items(root.get(key))):
            for part in (*items(item.get("files")), *items(item.get("envs")), *items(item.get("env"))):
                text = (text_of(part) or "").rpartition("=")[2]
                yield FileReference(part, text, base, (key, i), f"{key} '{text_of(item.get('name')) or i}'")


def _mkdocs(document: CheckedDocument) -> Iterator[FileReference]:
    docs = document.folder / (text_of(document.root.get("docs_dir")) or "docs")
    if not docs.is_dir():
        return
    for match in document.index.matches:
        if match.path[:1] == ("nav",) and match.node.kind is Kind.SCALAR and match.node.value.endswith(".md"):
            yield FileReference(match.node, match.node.value, docs, match.path, "nav")


def _prefect(document: CheckedDocument) -> Iterator[FileReference]:
    for match in document.index.keyed("entrypoint"):
        file, colon, _ = (text_of(match.node) or "").rpartition(":")
        if colon and file.endswith(".py"):
            yield FileReference(match.node, file, document.folder, match.path, "entrypoint")


def _included_by_tag(document: CheckedDocument) -> Iterator[FileReference]:
    for match in document.index.matches:
        if match.node.tag == "!include" and match.node.kind is Kind.SCALAR:
            yield FileReference(match.node, match.node.value, document.folder, match.path, "!include")


_FINDERS = {
    "compose": _compose,
    "github-workflow": _github,
    "github-action": _github,
    "gitlab-ci": _gitlab,
    "ansible-playbook": _ansible,
    "ansible-tasks": _ansible,
    "tsconfig": _tsconfig,
    "prefect": _prefect,
}
