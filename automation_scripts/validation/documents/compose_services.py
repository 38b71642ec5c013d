"""Compose files as projects: which files belong together, and their services, volumes and ports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import int_of, items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One entry below `services`."""

    document: CheckedDocument
    name: str
    key: Node
    node: Node

    @property
    def path(self) -> tuple[PathKey, ...]:
        """Where it stands in its document."""
        return ("services", self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """One entry of a service's `volumes`. `source` is empty for an anonymous volume."""

    node: Node
    source: str
    target: str
    read_only: bool
    kind: str
    """`bind`, `volume`, `tmpfs` or another type the long form names."""
    where: Node


@dataclass(frozen=True, slots=True, eq=False)
class PublishedPort:
    """One published port or range. `host_ip` is empty when every interface is meant."""

    node: Node
    host_ip: str
    first: int
    last: int
    target: int | None
    protocol: str


def services(document: CheckedDocument) -> list[Service]:
    """The services of a compose document that are maps."""
    return [
        Service(document, key.value, key, value)
        for key, value in pairs(document.root.get("services"))
        if value.kind is Kind.MAP
    ]


def projects(corpus: Corpus) -> list[list[CheckedDocument]]:
    """Compose files grouped by folder: a base file and its overrides are one project."""
    found: dict[Path, list[CheckedDocument]] = {}
    for document in corpus.of("compose"):
        found.setdefault(document.folder, []).append(document)
    return list(found.values())


def included_documents(document: CheckedDocument, corpus: Corpus) -> tuple[list[CheckedDocument], bool]:
    """The compose documents of the tree that a file includes, and whether it includes any that is not there."""
    found: list[CheckedDocument] = []
    is_complete = True
    by_path = {other.file.path: other for other in corpus.of("compose")} if document.root.entry("include") else {}
    include = document.root.get("include")
    for item in items(include):
        listed = items(item.get("path")) if item.kind is Kind.MAP else [item]
        for part in listed:
            other = by_path.get(Path(normpath(document.folder / (text_of(part) or ""))))
            if other is None:
                is_complete = False
            elif other is not document:
                found.append(other)
    return found, is_complete


_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def mounts(service: Service) -> list[Mount]:
    """A service's mounts, short and long form."""
    found = []
    for item in items(service.node.get("volumes")):
        if item.kind is Kind.MAP:
            source, target = item.get("source"), text_of(item.get("target")) or ""
            kind = text_of(item.get("type")) or "volume"
            read_only = (text_of(item.get("read_only")) or "").lower() == "true"
            found.append(
                Mount(
                    item,
                    text_of(source) or "",
                    target,
                    read_only,
                    kind,
                    source if source is not None else item,
                )
            )
        elif item.kind is Kind.SCALAR:
            found.append(_short_mount(item))
    return found


def _short_mount(item: Node) -> Mount:
    text = item.value
    drive = text[:2] if _DRIVE.match(text) else ""
    parts = split_outside_braces(text[len(drive) :], ":")
    source = drive + parts[0] if len(parts) > 1 else ""
    target = parts[1] if len(parts) > 1 else parts[0]
    options = parts[2].split(",") if len(parts) > 2 else []
    return Mount(item, source, target, "ro" in options, "bind" if is_host_path(source) else "volume", item)


def is_host_path(source: str) -> bool:
    """True when a mount's source is a path on the host, not a volume's name."""
    return source.startswith(("/", ".", "~", "\\")) or bool(_DRIVE.match(source)) or "${" in source


def split_outside_braces(text: str, separator: str) -> list[str]:
    """Split at a character that stands outside `${...}`: `${A:-x}:/data` has two parts."""
    parts, depth, current = [], 0, ""
    for i, char in enumerate(text):
        if char == "{" and text[i - 1 : i] == "$":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        if char == separator and not depth:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def published_ports(service: Service) -> list[PublishedPort]:
    """The host ports of a service that are written as numbers; variables cannot be judged here."""
    found = []
    for item in items(service.node.get("ports")):
        if item.kind is Kind.MAP:
            published = text_of(item.get("published")) or ""
            target, protocol = int_of(item.get("target")), text_of(item.get("protocol")) or "tcp"
            host_ip = text_of(item.get("host_ip")) or ""
        else:
            text, _, protocol = item.value.partition("/")
            *addresses, host, inner = ["", "", *_split_address(text)]
            host_ip = addresses[-1].strip("[]")
            published, target = host, int(inner) if inner.isdigit() and len(inner) < 6 else None
        match = _RANGE.fullmatch(published)
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            found.append(PublishedPort(item, host_ip, first, last, target, protocol or "tcp"))
    return found


def _split_address(text: str) -> list[str]:
    if text.startswith("["):
        address, _, rest = text.partition("]")
        return [address.strip("["), *rest.lstrip(":").split(":")]
    return split_outside_braces(text, ":")


def environment(service: Service) -> list[tuple[str, Node, Node, int]]:
    """A service's environment as (name, node the name stands in, value node, offset of the value in that node)."""
    node = service.node.get("environment")
    if node is None:
        return []
    if node.kind is Kind.MAP:
        return [(key.value, key, value, 0) for key, value in pairs(node)]
    found = []
    for item in items(node):
        if item.kind is Kind.SCALAR:
            name, equals, _ = item.value.partition("=")
            found.append((name, item, item, len(name) + len(equals)))
    return found
