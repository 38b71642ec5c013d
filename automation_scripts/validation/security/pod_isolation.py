"""Pods and containers of Kubernetes objects that are less isolated from their node than they should be."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    Container,
    KubernetesObject,
    PodSpec,
    containers,
    kubernetes_objects,
    pod_specs,
)
from automation_scripts.validation.documents.scalars import int_of, is_false, is_true, items, pairs, text_of, texts
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.security.insertions import new_entry_first, new_entry_last
from automation_scripts.validation.security.isolation import (
    HARMLESS_PATHS,
    PSS,
    KeyPath,
    capability,
    host_namespace,
    listed_texts,
    privileged,
    root_user,
    sensitive_mount,
    to_false,
    writable_root,
)


def check_pod_isolation(corpus: Corpus) -> list[Finding]:
    """Privileges, namespaces, mounts and capabilities of every pod and container."""
    found: list[Finding] = []
    for owner in kubernetes_objects(corpus):
        for pod in pod_specs(owner):
            found += _pod(pod)
            for container in containers(pod):
                found += _container(container)
        found += _admission(owner)
    return found


def _pod(pod: PodSpec) -> Iterator[Finding]:
    document, title = pod.owner.document, pod.owner.title
    for key, what in (("hostNetwork", "network"), ("hostPID", "process"), ("hostIPC", "IPC")):
        value = pod.node.get(key)
        if is_true(value) and value is not None:
            yield host_namespace(
                document, value.span, title, what, (*pod.path, key), Severity.HIGH, to_false(document, value)
            )
    for i, volume in enumerate(items(pod.node.get("volumes"))):
        entry = volume.entry("hostPath") if volume.kind is Kind.MAP else None
        if entry:
            yield from _host_path(pod, volume, entry, (*pod.path, "volumes", i, "hostPath"))
    context = pod.node.get("securityContext")
    if context is not None:
        yield from _runs_as_root(document, context, title, (*pod.path, "securityContext"))


def _host_path(pod: PodSpec, volume: Node, entry: tuple[Node, Node], path: KeyPath) -> Iterator[Finding]:
    document, title = pod.owner.document, pod.owner.title
    host_path = entry[1].resolved()
    source_node = host_path.get("path")
    source = text_of(source_node) or ""
    span = source_node.span if source_node is not None else entry[0].span
    read_only = _mounted_read_only(pod, text_of(volume.get("name")) or "")
    specific = list(sensitive_mount(document, span, source.rstrip("/") or source, read_only, title, path))
    if specific:
        yield from specific
        return
    # The Pod Security Standards allow no hostPath volume at all, not even in the baseline.
    yield document.finding(
        span,
        "security/host-path",
        Severity.LOW if read_only or HARMLESS_PATHS.fullmatch(source) else Severity.MEDIUM,
        f"{title} mounts '{source}' of its node; the pod then depends on that node and can change it.",
        "host-mount",
        path=path,
        suggestion="Use a PersistentVolumeClaim, an emptyDir, a ConfigMap or a projected volume.",
        cwe="CWE-668",
        references=(PSS,),
    )


def _mounted_read_only(pod: PodSpec, name: str) -> bool:
    uses = [
        mount
        for container in containers(pod)
        for mount in items(container.node.get("volumeMounts"))
        if mount.kind is Kind.MAP and text_of(mount.get("name")) == name
    ]
    return bool(uses) and all(is_true(mount.get("readOnly")) for mount in uses)


def _container(container: Container) -> Iterator[Finding]:
    document = container.pod.owner.document
    title = f"Container '{container.name}' of {container.pod.owner.title}"
    entry = container.node.entry("securityContext")
    context = entry[1].resolved() if entry else None
    path = (*container.path, "securityContext")
    if context is not None:
        flag = context.get("privileged")
        if flag is not None and is_true(flag):
            more = () if context.get("allowPrivilegeEscalation") is not None else _forbidden(container, context)
            yield privileged(document, flag, title, (*path, "privileged"), more)
        for item, where, cap in listed_texts(context.at(("capabilities", "add")), (*path, "capabilities", "add")):
            yield from capability(document, item, where, cap, title)
        yield from _runs_as_root(document, context, title, path)
        yield from _unmasked(document, context, title, path)
    # A container without an image is part of a patch: what it leaves out stands elsewhere.
    whole = container.node.entry("image") is not None
    if whole and container.kind != "ephemeralContainers" and "windows" not in _node_os(container.pod):
        yield from _escalation(container, context, title, path)
        yield from _root_filesystem(container, context, title, path)


def _node_os(pod: PodSpec) -> str:
    selector = pod.node.get("nodeSelector")
    texts = [text_of(value) or "" for key, value in pairs(selector) if key.value.endswith("/os")]
    return " ".join([*texts, text_of(pod.node.at(("os", "name"))) or ""])


def _escalation(container: Container, context: Node | None, title: str, path: KeyPath) -> Iterator[Finding]:
    document = container.pod.owner.document
    value = context.get("allowPrivilegeEscalation") if context is not None else None
    if is_false(value) or (context is not None and is_true(context.get("privileged"))):
        return
    explicit = is_true(value) and value is not None
    yield document.finding(
        value.span if explicit and value is not None else container.where,
        "security/privilege-escalation",
        Severity.MEDIUM if explicit else Severity.LOW,
        f"{title} may gain more privileges than its parent process"
        + (" (allowPrivilegeEscalation is true)." if explicit else ": allowPrivilegeEscalation is not set to false."),
        "priv-escalation",
        path=(*path, "allowPrivilegeEscalation"),
        suggestion="Set securityContext.allowPrivilegeEscalation: false.",
        fix=to_false(document, value) if explicit and value is not None else _forbidden(container, context),
        cwe="CWE-250",
        references=(PSS,),
    )


def _forbidden(container: Container, context: Node | None) -> tuple[TextEdit, ...]:
    """The edit that forbids escalation; none for what would then be refused or cannot work."""
    file, line = container.pod.owner.document.file, "allowPrivilegeEscalation: false"
    entry = container.node.entry("securityContext")
    if entry and context is not None:
        added = {text.upper().removeprefix("CAP_") for text in texts(context.at(("capabilities", "add")))}
        return () if "SYS_ADMIN" in added else new_entry_first(file, entry[0], entry[1], line)
    name = container.node.entry("name")
    if entry or name is None or not any(key is name[0] for key, _ in container.node.entries):
        return ()
    return new_entry_last(file, container.node, name[1], "securityContext:", line)


def _root_filesystem(container: Container, context: Node | None, title: str, path: KeyPath) -> Iterator[Finding]:
    value = context.get("readOnlyRootFilesystem") if context is not None else None
    if is_true(value):
        return
    explicit = value is not None and is_false(value)
    yield writable_root(
        container.pod.owner.document,
        value.span if explicit and value is not None else container.where,
        title,
        (*path, "readOnlyRootFilesystem"),
        "readOnlyRootFilesystem is false" if explicit else "readOnlyRootFilesystem is not set",
    )


def _runs_as_root(document: CheckedDocument, context: Node, title: str, path: KeyPath) -> Iterator[Finding]:
    user, non_root = context.get("runAsUser"), context.get("runAsNonRoot")
    if user is not None and int_of(user) == 0:
        yield root_user(document, user, title, (*path, "runAsUser"))
    elif non_root is not None and is_false(non_root) and not int_of(user):
        yield root_user(document, non_root, title, (*path, "runAsNonRoot"))


def _unmasked(document: CheckedDocument, context: Node, title: str, path: KeyPath) -> Iterator[Finding]:
    for steps in (("procMount",), ("seccompProfile", "type"), ("appArmorProfile", "type")):
        value = context.at(steps)
        if value is not None and text_of(value) in ("Unmasked", "Unconfined"):
            yield document.finding(
                value.span,
                "security/confinement-off",
                Severity.MEDIUM,
                f"{title} turns confinement off ({'.'.join(steps)}: {text_of(value)}).",
                "priv-escalation",
                path=(*path, *steps),
                suggestion="Use RuntimeDefault, or a profile of your own.",
                cwe="CWE-693",
                references=(PSS,),
            )


def _admission(owner: KubernetesObject) -> Iterator[Finding]:
    """A namespace that lets privileged pods in."""
    if owner.kind != "Namespace":
        return
    for key, value in pairs(owner.node.at(("metadata", "labels"))):
        if key.value == "pod-security.kubernetes.io/enforce" and text_of(value) == "privileged":
            yield owner.document.finding(
                value.span,
                "security/privileged-namespace",
                Severity.LOW,
                f"{owner.title} admits privileged pods.",
                "privileged",
                path=(*owner.path, "metadata", "labels", key.value),
                suggestion="Enforce `baseline`, and give privileged pods a namespace of their own.",
                cwe="CWE-250",
                references=(PSS,),
            )
