"""What pods and their policies leave open beyond privileges: ports of the node, kernel parameters, capabilities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    Container,
    KubernetesObject,
    PodSpec,
    containers,
    kubernetes_objects,
    pod_specs,
)
from automation_scripts.validation.documents.scalars import int_of, is_true, items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.security.isolation import to_false

_SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    )
)


def check_pod_hardening(corpus: Corpus) -> list[Finding]:
    """Pods, containers, policies that admit pods, and Ingresses."""
    found: list[Finding] = []
    for owner in kubernetes_objects(corpus):
        for pod in pod_specs(owner):
            found += _sysctls(pod)
            for container in containers(pod):
                found += _ports(container)
                found += _context(container)
        if owner.kind == "PodSecurityPolicy":
            found += _policy(owner)
        elif owner.kind == "Ingress":
            found += _snippets(owner)
    return found


def _sysctls(pod: PodSpec) -> Iterator[Finding]:
    for i, item in enumerate(items(pod.node.at(("securityContext", "sysctls")))):
        name = item.get("name") if item.kind is Kind.MAP else None
        if name is not None and text_of(name) not in _SAFE_SYSCTLS:
            yield pod.owner.document.finding(
                name.span,
                "security/unsafe-sysctl",
                Severity.LOW,
                f"{pod.owner.title} sets {text_of(name)}, which is not limited to the pod or not safe in it.",
                "priv-escalation",
                path=(*pod.path, "securityContext", "sysctls", i, "name"),
                suggestion="Set it on the node, or allow it for a node pool of its own.",
            )


def _ports(container: Container) -> Iterator[Finding]:
    document = container.pod.owner.document
    title = f"Container '{container.name}' of {container.pod.owner.title}"
    on_host = is_true(container.pod.node.get("hostNetwork"))
    for i, port in enumerate(items(container.node.get("ports"))):
        if port.kind is not Kind.MAP:
            continue
        path = (*container.path, "ports", i)
        host, inner = port.get("hostPort"), port.get("containerPort")
        if host is not None and (int_of(host) or 0) > 0 and not on_host:
            yield document.finding(
                host.span,
                "security/host-port",
                Severity.LOW,
                f"{title} takes port {text_of(host)} of its node, past the rules for Services.",
                "host-namespace",
                path=(*path, "hostPort"),
                suggestion="Use a Service of the type NodePort or LoadBalancer.",
            )
        if inner is not None and int_of(inner) == 22:
            yield document.finding(
                inner.span,
                "security/ssh-in-container",
                Severity.LOW,
                f"{title} offers SSH.",
                "open-to-world",
                path=(*path, "containerPort"),
                suggestion="Use kubectl exec, which is logged and has access control.",
            )


def _context(container: Container) -> Iterator[Finding]:
    """Capabilities that are named without any being dropped; who names none is told so elsewhere."""
    context = container.node.get("securityContext")
    entry = context.entry("capabilities") if context is not None else None
    if context is None or entry is None or is_true(context.get("privileged")):
        return
    dropped = {text.upper() for item in items(entry[1].resolved().get("drop")) if (text := text_of(item))}
    if not dropped & {"ALL", "NET_RAW", "CAP_NET_RAW"}:
        yield container.pod.owner.document.finding(
            entry[0].span,
            "security/capabilities-kept",
            Severity.INFO,
            f"Container '{container.name}' of {container.pod.owner.title} keeps the default capabilities, NET_RAW included.",
            "dangerous-cap",
            path=(*container.path, "securityContext", "capabilities", "drop"),
            suggestion="Drop ALL and add what the process was seen to need.",
        )


_ADMITS = {
    "privileged": "privileged",
    "hostPID": "host-namespace",
    "hostIPC": "host-namespace",
    "hostNetwork": "host-namespace",
    "allowPrivilegeEscalation": "priv-escalation",
}


def _policy(owner: KubernetesObject) -> Iterator[Finding]:
    for key, value in pairs(owner.node.get("spec")):
        if key.value in _ADMITS and is_true(value):
            yield owner.document.finding(
                value.span,
                "security/privileged-namespace",
                Severity.LOW,
                f"{owner.title} admits pods with {key.value}.",
                _ADMITS[key.value],
                path=(*owner.path, "spec", key.value),
                suggestion="Forbid it, and give the pods that need it a policy of their own.",
                fix=to_false(owner.document, value),
            )


_SNIPPET = re.compile(
    r"nginx\.(?:ingress\.kubernetes\.io|org)/(?:(?:server|configuration|location|stream|auth|modsecurity)-snippets?)"
)


def _snippets(owner: KubernetesObject) -> Iterator[Finding]:
    for key, _ in pairs(owner.node.at(("metadata", "annotations"))):
        if _SNIPPET.fullmatch(key.value):
            yield owner.document.finding(
                key.span,
                "security/config-snippet",
                Severity.LOW,
                f"{owner.title} puts text into the configuration of nginx: whoever may write Ingresses can read its secrets.",
                "injection",
                path=(*owner.path, "metadata", "annotations", key.value),
                suggestion="Use the annotations or settings made for it, and keep snippets off in the controller.",
            )
