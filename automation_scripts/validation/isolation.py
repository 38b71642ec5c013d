"""How far a container may reach into its host: privileges, namespaces, mounts, capabilities.

Sources: Kubernetes Pod Security Standards (baseline and restricted), CIS Docker Benchmark section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.compose_services import Mount, Service, mounts, services
from automation_scripts.validation.corpus import CheckedDocument, Corpus
from automation_scripts.validation.kubernetes_objects import (
    Container,
    KubernetesObject,
    PodSpec,
    containers,
    kubernetes_objects,
    pod_specs,
)
from automation_scripts.validation.pointing import head, replace
from automation_scripts.validation.scalars import int_of, is_false, is_true, items, pairs, text_of
from automation_scripts.validation.tree import Kind, Node, PathKey, Span, Style

PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
CIS_DOCKER = "https://docs.docker.com/engine/security/"

_BASELINE = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_TAKE_THE_HOST = frozenset(
    ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF", "SYS_BOOT", "MAC_ADMIN"]
)
_ASK_LITTLE = frozenset(["IPC_LOCK", "SYS_NICE", "NET_RAW", "LEASE", "WAKE_ALARM", "BLOCK_SUSPEND"])

_SOCKET = re.compile(r"(?:^|/)(?:docker|containerd/containerd|crio/crio|podman/podman|dockershim|cri-dockerd)\.sock$")
_PIPE = re.compile(r"[\\/]{1,2}\.[\\/]{1,2}pipe[\\/]{1,2}docker_engine")
_SENSITIVE = re.compile(
    r"/(?:(?:etc|proc|sys|dev|boot|root|usr|lib|lib64|bin|sbin|home|run|var|var/run|var/lib|var/lib/(?:docker|kubelet|containerd|etcd)|var/log)"
    r"(?:/.*)?)?/?"
)
_HARMLESS = re.compile(
    r"/(?:etc/(?:localtime|timezone|hostname|machine-id|ssl/certs(?:/.*)?|pki/ca-trust(?:/.*)?|ca-certificates(?:/.*)?|resolv\.conf|os-release)"
    r"|usr/share/(?:zoneinfo|ca-certificates|fonts)(?:/.*)?|usr/local/share/ca-certificates(?:/.*)?|usr/lib/os-release"
    r"|dev/(?:null|shm|fuse|net/tun|snd|dri(?:/.*)?|tty\w*|video\d+|serial/.*|bus/usb(?:/.*)?|hugepages)|run/udev(?:/.*)?|tmp/\.X11-unix"
    r"|lib/modules|var/run/secrets(?:/.*)?|run/secrets(?:/.*)?)/?"
)
_OWN_DATA = re.compile(
    r"/(?:home/[^/]+|var/(?:lib|log|www|opt|data|cache|backups?|local)/[^/]+|usr/(?:local|src)/.+|run/[^/]+\.sock|run/[^/]+)(?:/.*)?"
)


def check_isolation(corpus: Corpus) -> list[Finding]:
    """Containers of compose files and of Kubernetes objects that are less isolated than they should be."""
    found: list[Finding] = []
    for document in corpus.of("compose"):
        for service in services(document):
            found += _service(service)
    for owner in kubernetes_objects(corpus):
        for pod in pod_specs(owner):
            found += _pod(pod)
            for container in containers(pod):
                found += _container(container)
        found += _admission(owner)
    return found


# ----- compose ---------------------------------------------------------------------------------------------------


def _service(service: Service) -> Iterator[Finding]:
    document, node = service.document, service.node
    title = f"Service '{service.name}'"
    if is_true(privileged := node.get("privileged")):
        yield _privileged(document, privileged, title, (*service.path, "privileged"))
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
            yield _host_namespace(document, value.span, title, what, (*service.path, key), severity)
    for item, path, cap in _listed(node.get("cap_add"), (*service.path, "cap_add")):
        yield from _capability(document, item, path, cap, title)
    for item, path, option in _listed(node.get("security_opt"), (*service.path, "security_opt")):
        yield from _security_option(document, item, path, option, title)
    for mount in mounts(service):
        yield from _host_mount(document, mount, title, service)
    if (user := node.get("user")) is not None and (text_of(user) or "").partition(":")[0] in ("root", "0"):
        yield _root_user(document, user, title, (*service.path, "user"))


def _listed(node: Node | None, path: tuple[PathKey, ...]) -> Iterator[tuple[Node, tuple[PathKey, ...], str]]:
    for i, item in enumerate(items(node)):
        if item.kind is Kind.SCALAR:
            yield item, (*path, i), item.value


def _security_option(
    document: CheckedDocument, item: Node, path: tuple[PathKey, ...], option: str, title: str
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
    yield from _mounted(document, span, source, mount.read_only, title, path)


def _mounted(
    document: CheckedDocument, span: Span, source: str, read_only: bool, title: str, path: tuple[PathKey, ...]
) -> Iterator[Finding]:
    if _SOCKET.search(source) or _PIPE.search(source):
        yield document.finding(
            span,
            "security/runtime-socket",
            Severity.HIGH,
            f"{title} mounts the container runtime's socket ({source}): whoever controls it controls the host,"
            " read-only or not.",
            "docker-sock",
            path=path,
            suggestion="Use a socket proxy that allows only the calls needed, or an API with its own access control.",
            cwe="CWE-250",
            references=(CIS_DOCKER,),
        )
    elif _SENSITIVE.fullmatch(source) and not _HARMLESS.fullmatch(source) and not _OWN_DATA.fullmatch(source):
        yield document.finding(
            span,
            "security/sensitive-host-path",
            Severity.MEDIUM if read_only else Severity.HIGH,
            f"{title} mounts '{source}' of the host{' (read-only)' if read_only else ' writable'}.",
            "host-mount",
            path=path,
            suggestion="Mount only the file or folder that is needed, read-only, or use a volume.",
            cwe="CWE-668",
            references=(PSS,),
        )


# ----- Kubernetes ------------------------------------------------------------------------------------------------


def _pod(pod: PodSpec) -> Iterator[Finding]:
    document, title = pod.owner.document, pod.owner.title
    for key, what in (("hostNetwork", "network"), ("hostPID", "process"), ("hostIPC", "IPC")):
        value = pod.node.get(key)
        if is_true(value) and value is not None:
            yield _host_namespace(
                document, value.span, title, what, (*pod.path, key), Severity.HIGH, _to_false(document, value)
            )
    for i, volume in enumerate(items(pod.node.get("volumes"))):
        entry = volume.entry("hostPath") if volume.kind is Kind.MAP else None
        if entry:
            yield from _host_path(pod, volume, entry, (*pod.path, "volumes", i, "hostPath"))
    context = pod.node.get("securityContext")
    if context is not None:
        yield from _runs_as_root(document, context, title, (*pod.path, "securityContext"))


def _host_path(pod: PodSpec, volume: Node, entry: tuple[Node, Node], path: tuple[PathKey, ...]) -> Iterator[Finding]:
    document, title = pod.owner.document, pod.owner.title
    host_path = entry[1].resolved()
    source_node = host_path.get("path")
    source = text_of(source_node) or ""
    span = source_node.span if source_node is not None else entry[0].span
    read_only = _mounted_read_only(pod, text_of(volume.get("name")) or "")
    specific = list(_mounted(document, span, source.rstrip("/") or source, read_only, title, path))
    if specific:
        yield from specific
        return
    # The Pod Security Standards allow no hostPath volume at all, not even in the baseline.
    yield document.finding(
        span,
        "security/host-path",
        Severity.LOW if read_only or _HARMLESS.fullmatch(source) else Severity.MEDIUM,
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
        if is_true(privileged := context.get("privileged")):
            yield _privileged(document, privileged, title, (*path, "privileged"))
        for item, where, cap in _listed(context.at(("capabilities", "add")), (*path, "capabilities", "add")):
            yield from _capability(document, item, where, cap, title)
        yield from _runs_as_root(document, context, title, path)
        yield from _unmasked(document, context, title, path)
    if container.kind != "ephemeralContainers" and "windows" not in _node_os(container.pod):
        yield from _escalation(container, context, title, path)
        yield from _root_filesystem(container, context, title, path)


def _node_os(pod: PodSpec) -> str:
    selector = pod.node.get("nodeSelector")
    texts = [text_of(value) or "" for key, value in pairs(selector) if key.value.endswith("/os")]
    return " ".join([*texts, text_of(pod.node.at(("os", "name"))) or ""])


def _escalation(container: Container, context: Node | None, title: str, path: tuple[PathKey, ...]) -> Iterator[Finding]:
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
        fix=_to_false(document, value) if explicit and value is not None else (),
        cwe="CWE-250",
        references=(PSS,),
    )


def _root_filesystem(
    container: Container, context: Node | None, title: str, path: tuple[PathKey, ...]
) -> Iterator[Finding]:
    value = context.get("readOnlyRootFilesystem") if context is not None else None
    if is_true(value):
        return
    explicit = is_false(value) and value is not None
    yield container.pod.owner.document.finding(
        value.span if explicit and value is not None else container.where,
        "security/writable-root-filesystem",
        Severity.LOW,
        f"{title} can write to its root filesystem"
        + (" (readOnlyRootFilesystem is false)." if explicit else ": readOnlyRootFilesystem is not set."),
        "writable-rootfs",
        path=(*path, "readOnlyRootFilesystem"),
        suggestion="Set securityContext.readOnlyRootFilesystem: true and mount an emptyDir where it must write.",
        cwe="CWE-732",
    )


def _runs_as_root(document: CheckedDocument, context: Node, title: str, path: tuple[PathKey, ...]) -> Iterator[Finding]:
    user, non_root = context.get("runAsUser"), context.get("runAsNonRoot")
    if user is not None and int_of(user) == 0:
        yield _root_user(document, user, title, (*path, "runAsUser"))
    elif non_root is not None and is_false(non_root) and not int_of(user):
        yield _root_user(document, non_root, title, (*path, "runAsNonRoot"))


def _unmasked(document: CheckedDocument, context: Node, title: str, path: tuple[PathKey, ...]) -> Iterator[Finding]:
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


# ----- what both share -------------------------------------------------------------------------------------------


def _privileged(document: CheckedDocument, value: Node | None, title: str, path: tuple[PathKey, ...]) -> Finding:
    assert value is not None
    return document.finding(
        value.span,
        "security/privileged",
        Severity.HIGH,
        f"{title} is privileged: it can do whatever root can do on the host.",
        "privileged",
        path=path,
        suggestion="Remove it and add only the capabilities or devices that are needed.",
        fix=_to_false(document, value),
        cwe="CWE-250",
        references=(PSS,),
    )


def _host_namespace(
    document: CheckedDocument,
    span: Span,
    title: str,
    what: str,
    path: tuple[PathKey, ...],
    severity: Severity,
    fix: tuple[TextEdit, ...] = (),
) -> Finding:
    return document.finding(
        span,
        "security/host-namespace",
        severity,
        f"{title} shares the host's {what} namespace.",
        "host-namespace",
        path=path,
        suggestion="Publish ports or use a shared volume instead; keep the container's own namespace.",
        fix=fix,
        cwe="CWE-653",
        references=(PSS,),
    )


def _capability(
    document: CheckedDocument, item: Node, path: tuple[PathKey, ...], text: str, title: str
) -> Iterator[Finding]:
    cap = text.upper().removeprefix("CAP_")
    if cap in _BASELINE or not re.fullmatch(r"[A-Z_]+", cap):
        return
    severity = Severity.HIGH if cap in _TAKE_THE_HOST else Severity.LOW if cap in _ASK_LITTLE else Severity.MEDIUM
    yield document.finding(
        item.span,
        "security/capability",
        severity,
        f"{title} adds the capability {cap}"
        + (", which is enough to take over the host." if severity is Severity.HIGH else ", beyond the baseline."),
        "dangerous-cap",
        path=path,
        suggestion="Drop ALL and add only what the process was seen to need.",
        cwe="CWE-250",
        references=(PSS,),
    )


def _root_user(document: CheckedDocument, value: Node, title: str, path: tuple[PathKey, ...]) -> Finding:
    return document.finding(
        value.span,
        "security/root-user",
        Severity.MEDIUM,
        f"{title} runs as root ({path[-1]}: {text_of(value)}).",
        "privileged",
        path=path,
        suggestion="Run as a numeric user other than 0, with runAsNonRoot: true.",
        cwe="CWE-250",
        references=(PSS,),
    )


def _to_false(document: CheckedDocument, value: Node) -> tuple[TextEdit, ...]:
    # Quoted or aliased text is somebody's choice with other uses; only a plain boolean is safe to turn.
    if value.style is not Style.PLAIN or value.anchor or text_of(value) not in ("true", "True", "TRUE"):
        return ()
    return (replace(document.file, value.span, "false"),)


def first_line(node: Node) -> Span:
    """Where findings about a whole collection without a key point."""
    return head(None, node)
