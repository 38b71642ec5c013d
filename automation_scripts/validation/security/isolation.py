"""How far a container may reach into its host: what is said of privileges, namespaces, mounts and capabilities.

The places where they are written are in `compose_isolation`, `pod_isolation` and `container_options`.
Sources: Kubernetes Pod Security Standards (baseline and restricted), CIS Docker Benchmark section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.values.word_lists import words

KeyPath = tuple[PathKey, ...]
PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
CIS_DOCKER = "https://docs.docker.com/engine/security/"

_BASELINE = words("baseline capabilities")
_TAKE_THE_HOST = words("host capabilities")
_ASK_LITTLE = words("small capabilities")

_SOCKET = re.compile(r"(?:^|/)(?:docker|containerd/containerd|crio/crio|podman/podman|dockershim|cri-dockerd)\.sock$")
_PIPE = re.compile(r"[\\/]{1,2}\.[\\/]{1,2}pipe[\\/]{1,2}docker_engine")
_SENSITIVE = re.compile(
    r"/(?:(?:etc|proc|sys|dev|boot|root|usr|lib|lib64|bin|sbin|home|run|var|var/run|var/lib|var/lib/(?:docker|kubelet|containerd|etcd)|var/log)"
    r"(?:/.*)?)?/?"
)
HARMLESS_PATHS = re.compile(
    r"/(?:etc/(?:localtime|timezone|hostname|machine-id|ssl/certs(?:/.*)?|pki/ca-trust(?:/.*)?|ca-certificates(?:/.*)?|resolv\.conf|os-release)"
    r"|usr/share/(?:zoneinfo|ca-certificates|fonts)(?:/.*)?|usr/local/share/ca-certificates(?:/.*)?|usr/lib/os-release"
    r"|dev/(?:null|shm|fuse|net/tun|snd|dri(?:/.*)?|tty\w*|video\d+|serial/.*|bus/usb(?:/.*)?|hugepages)|run/udev(?:/.*)?|tmp/\.X11-unix"
    r"|lib/modules|var/run/secrets(?:/.*)?|run/secrets(?:/.*)?)/?"
)
_OWN_DATA = re.compile(
    r"/(?:home/[^/]+|var/(?:lib|log|www|opt|data|cache|backups?|local)/[^/]+|usr/(?:local|src)/.+|run/[^/]+\.sock|run/[^/]+)(?:/.*)?"
)


def sensitive_mount(
    document: CheckedDocument, span: Span, source: str, read_only: bool, title: str, path: KeyPath
) -> Iterator[Finding]:
    """A mount of the runtime's socket or of a sensitive path; nothing for any other path."""
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
    elif _SENSITIVE.fullmatch(source) and not HARMLESS_PATHS.fullmatch(source) and not _OWN_DATA.fullmatch(source):
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


def listed_texts(node: Node | None, path: KeyPath) -> Iterator[tuple[Node, KeyPath, str]]:
    """(node, path, text) of the scalars of a list."""
    for i, item in enumerate(items(node)):
        if item.kind is Kind.SCALAR:
            yield item, (*path, i), item.value


def privileged(
    document: CheckedDocument, value: Node, title: str, path: KeyPath, more: tuple[TextEdit, ...] = ()
) -> Finding:
    """A container that may do everything; `more` are edits that the correction needs besides."""
    turned = to_false(document, value)
    return document.finding(
        value.span,
        "security/privileged",
        Severity.HIGH,
        f"{title} is privileged: it can do whatever root can do on the host.",
        "privileged",
        path=path,
        suggestion="Remove it and add only the capabilities or devices that are needed.",
        fix=(*turned, *more) if turned else (),
        cwe="CWE-250",
        references=(PSS,),
    )


def host_namespace(
    document: CheckedDocument,
    span: Span,
    title: str,
    what: str,
    path: KeyPath,
    severity: Severity,
    fix: tuple[TextEdit, ...] = (),
) -> Finding:
    """A container that shares one of the host's namespaces."""
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


def capability(document: CheckedDocument, item: Node, path: KeyPath, text: str, title: str) -> Iterator[Finding]:
    """A capability beyond the baseline; nothing for those within it."""
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


def root_user(document: CheckedDocument, value: Node, title: str, path: KeyPath) -> Finding:
    """A container that says that it runs as root."""
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


def to_false(document: CheckedDocument, value: Node) -> tuple[TextEdit, ...]:
    """The edit that turns a plain `true` off."""
    # Quoted or aliased text is somebody's choice with other uses; only a plain boolean is safe to turn.
    if value.style is not Style.PLAIN or value.anchor or text_of(value) not in ("true", "True", "TRUE"):
        return ()
    return (replace(document.file, value.span, "false"),)


def writable_root(document: CheckedDocument, span: Span, title: str, path: KeyPath, why: str) -> Finding:
    """A container that can change its own programs."""
    return document.finding(
        span,
        "security/writable-root-filesystem",
        Severity.LOW,
        f"{title} can write to its root filesystem: {why}.",
        "writable-rootfs",
        path=path,
        suggestion="Make the root filesystem read-only and mount a volume or tmpfs where it must write.",
        cwe="CWE-732",
    )
