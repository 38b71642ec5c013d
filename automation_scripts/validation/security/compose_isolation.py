"""Compose services that are less isolated from their host than they should be."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.compose_services import Mount, Service, mounts, services
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_false, is_true, text_of
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.security.isolation import (
    CIS_DOCKER,
    KeyPath,
    capability,
    host_namespace,
    listed_texts,
    privileged,
    root_user,
    sensitive_mount,
    writable_root,
)


def check_compose_isolation(corpus: Corpus) -> list[Finding]:
    """Privileges, namespaces, mounts and capabilities of every service."""
    return [
        finding for document in corpus.of("compose") for service in services(document) for finding in _service(service)
    ]


def _service(service: Service) -> Iterator[Finding]:
    document, node = service.document, service.node
    title = f"Service '{service.name}'"
    flag, writable = node.get("privileged"), node.get("read_only")
    if flag is not None and is_true(flag):
        yield privileged(document, flag, title, (*service.path, "privileged"))
    if writable is not None and is_false(writable):
        yield writable_root(document, writable.span, title, (*service.path, "read_only"), "read_only is false")
    for key, what in (
        ("network_mode", "network"),
        ("pid", "process"),
        ("ipc", "IPC"),
        ("uts", "UTS"),
        ("userns_mode", "user"),
        ("cgroup", "cgroup"),
    ):
        value = node.get(key)
        if value is not None and text_of(value) == "host":
            # The host's network is often wanted; its processes and users hardly ever are.
            severity = Severity.MEDIUM if key in ("network_mode", "uts") else Severity.HIGH
            yield host_namespace(document, value.span, title, what, (*service.path, key), severity)
    for item, path, cap in listed_texts(node.get("cap_add"), (*service.path, "cap_add")):
        yield from capability(document, item, path, cap, title)
    for item, path, option in listed_texts(node.get("security_opt"), (*service.path, "security_opt")):
        yield from _security_option(document, item, path, option, title)
    for mount in mounts(service):
        yield from _host_mount(document, mount, title, service)
    if (user := node.get("user")) is not None and (text_of(user) or "").partition(":")[0] in ("root", "0"):
        yield root_user(document, user, title, (*service.path, "user"))


def _security_option(
    document: CheckedDocument, item: Node, path: KeyPath, option: str, title: str
) -> Iterator[Finding]:
    name, _, value = option.replace("=", ":", 1).partition(":")
    off = (name in ("seccomp", "apparmor", "systempaths") and value == "unconfined") or (name, value) in (
        ("label", "disable"),
        ("no-new-privileges", "false"),
    )
    if off:
        yield document.finding(
            item.span,
            "security/confinement-off",
            Severity.MEDIUM,
            f"{title} turns {name} off ('{option}'), which is what keeps a process from gaining privileges.",
            "priv-escalation",
            path=path,
            suggestion="Remove the option, or give a profile that allows exactly what is needed.",
            cwe="CWE-693",
            references=(CIS_DOCKER,),
        )


def _host_mount(document: CheckedDocument, mount: Mount, title: str, service: Service) -> Iterator[Finding]:
    source = mount.source.rstrip("/") or mount.source
    path = (*service.path, "volumes")
    if mount.kind not in ("bind", "npipe") and not mount.source.startswith("/"):
        return
    span = mount.where.span
    if mount.where is mount.node and mount.node.kind is Kind.SCALAR:
        span = document.part(mount.node, 0, len(mount.source))
    yield from sensitive_mount(document, span, source, mount.read_only, title, path)
