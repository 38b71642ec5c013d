"""Kubernetes settings that contradict each other, in one object and between objects: budgets against replicas, two
autoscalers for one workload, one path to two services, probes that cannot end before they begin again.

Sources: the API reference of Kubernetes; the checks of kube-score and kube-linter that look at several objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    KubernetesObject,
    PodSpec,
    containers,
    kubernetes_objects,
    labels,
    pod_specs,
)
from automation_scripts.validation.documents.scalars import int_of, items, pairs, text_of, texts
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.kubernetes_pod_groups import matches, pod_groups, same_namespace
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]
_SCALED = ("Deployment", "StatefulSet", "ReplicaSet")


def check_kubernetes_conflicts(corpus: Corpus) -> list[Finding]:
    """Every contradiction in and between the objects of the tree."""
    objects = kubernetes_objects(corpus)
    workloads = [owner for owner in objects if owner.kind in _SCALED]
    found: list[Finding] = []
    scalers: dict[tuple[str, ...], KubernetesObject] = {}
    routes: dict[tuple[str, ...], tuple[KubernetesObject, Node, str]] = {}
    for owner in objects:
        if owner.kind == "PodDisruptionBudget":
            found += _budget(owner, workloads)
        elif owner.kind == "HorizontalPodAutoscaler":
            found += _second_scaler(owner, scalers)
        elif owner.kind == "Ingress":
            found += _routes(owner, routes)
        elif owner.kind in _SCALED:
            found += _deadline(owner)
        for pod in pod_specs(owner):
            found += _pod(pod)
    return found


def _finding(
    owner: KubernetesObject, node: Node, rule: str, severity: Severity, message: str, path: Path, advice: str, tag: str = "conflict"
) -> Finding:  # fmt: skip
    return owner.document.finding(
        node.span, f"reference/{rule}", severity, message, tag, path=(*owner.path, *path), suggestion=advice
    )


def _budget(owner: KubernetesObject, workloads: list[KubernetesObject]) -> Iterator[Finding]:
    """A budget that asks for as many pods as there are: no node can be drained."""
    least = owner.node.at(("spec", "minAvailable"))
    wanted = labels(owner.node.at(("spec", "selector", "matchLabels")))
    number = int_of(least)
    if least is None or number is None or not wanted:
        return
    for workload in workloads:
        replicas = int_of(workload.node.at(("spec", "replicas")))
        if replicas is None or not same_namespace(owner, workload) or workload.document.folder != owner.document.folder:
            continue
        if any(matches(wanted, group) for group in pod_groups(workload)) and number >= replicas > 0:
            yield _finding(
                owner, least, "budget-over-replicas", Severity.MEDIUM,
                f"{owner.title} keeps {number} pods available, and {workload.title} has only {replicas}: none can ever be evicted.",
                ("spec", "minAvailable"), "Ask for fewer pods than there are replicas.",
            )  # fmt: skip
            return


def _second_scaler(owner: KubernetesObject, first: dict[tuple[str, ...], KubernetesObject]) -> Iterator[Finding]:
    target = owner.node.at(("spec", "scaleTargetRef", "name"))
    name = text_of(target)
    if target is None or not name or is_template(name):
        return
    kind = text_of(owner.node.at(("spec", "scaleTargetRef", "kind"))) or ""
    key = (owner.document.file.name, owner.namespace, kind, name)
    other = first.setdefault(key, owner)
    if other is not owner and other.name != owner.name:
        yield _finding(
            owner, target, "two-autoscalers", Severity.HIGH, f"{owner.title} scales {kind}/{name}, and so does {other.title}.",
            ("spec", "scaleTargetRef", "name"), "Let one autoscaler hold all of the metrics.",
        )  # fmt: skip


def _routes(
    owner: KubernetesObject, first: dict[tuple[str, ...], tuple[KubernetesObject, Node, str]]
) -> Iterator[Finding]:
    """One host and path given twice; only one file is sure to go to one cluster."""
    if any("canary" in key.value for key, _ in pairs(owner.node.at(("metadata", "annotations")))):
        return
    for i, rule in enumerate(items(owner.node.at(("spec", "rules")))):
        host = text_of(rule.get("host")) or ""
        for j, way in enumerate(items(rule.at(("http", "paths")))):
            node = way.get("path")
            path = text_of(node)
            if node is None or path is None or is_template(host + path):
                continue
            backend = way.get("backend")
            target = (
                (text_of(backend.at(("service", "name"))) or text_of(backend.get("serviceName")) or "")
                if backend
                else ""
            )
            ingress_class = text_of(owner.node.at(("spec", "ingressClassName"))) or ""
            key = (owner.document.file.name, ingress_class, host, path, text_of(way.get("pathType")) or "")
            other, earlier, before = first.setdefault(key, (owner, node, target))
            if earlier is node or not same_namespace(owner, other):
                continue
            differs = before != target
            yield _finding(
                owner, node, "repeated-route", Severity.HIGH if differs else Severity.MEDIUM,
                f"{host or '*'}{path} is routed again; line {earlier.span.line} routes it "
                + (f"to '{before}', here it goes to '{target}'." if differs else "already."),
                ("spec", "rules", i, "http", "paths", j, "path"), "Remove one of the two.", "conflict" if differs else "dup-name",
            )  # fmt: skip


def _deadline(owner: KubernetesObject) -> Iterator[Finding]:
    ready, deadline = owner.node.at(("spec", "minReadySeconds")), owner.node.at(("spec", "progressDeadlineSeconds"))
    first, second = int_of(ready), int_of(deadline)
    if deadline is not None and first is not None and second is not None and first >= second > 0:
        yield _finding(
            owner, deadline, "deadline-before-ready", Severity.HIGH,
            f"The deadline for progress ({second} s) is over before a pod counts as ready ({first} s).",
            ("spec", "progressDeadlineSeconds"), "Make it longer than minReadySeconds; the API server refuses it otherwise.",
        )  # fmt: skip


_SLEEP = re.compile(r"\bsleep\s+(\d{1,6})\b")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _pod(pod: PodSpec) -> Iterator[Finding]:
    owner, base = pod.owner, pod.path[len(pod.owner.path) :]
    grace = int_of(pod.node.get("terminationGracePeriodSeconds"))
    for container in containers(pod):
        path = (*base, *container.path[len(pod.path) :])
        for name in _PROBES:
            timeout, period = container.node.at((name, "timeoutSeconds")), container.node.at((name, "periodSeconds"))
            first, second = int_of(timeout), int_of(period)
            if timeout is not None and first is not None and first > (second if second is not None else 10):
                yield _finding(
                    owner, timeout, "timeout-over-period", Severity.LOW,
                    f"{name} of container '{container.name}' may take {first} s, but it is made every "
                    f"{second if second is not None else '10 (the default)'} s.", (*path, name, "timeoutSeconds"),
                    "Make the timeout shorter than the period.",
                )  # fmt: skip
        stop = container.node.at(("lifecycle", "preStop", "exec", "command"))
        waits = [int(m[1]) for m in [_SLEEP.search(" ".join(texts(stop)))] if m]
        if stop is not None and waits and waits[0] >= (grace if grace is not None else 30):
            yield _finding(
                owner, items(stop)[-1], "sleep-over-grace", Severity.MEDIUM,
                f"Before it stops, container '{container.name}' sleeps {waits[0]} s, but it is killed after "
                f"{grace if grace is not None else '30 (the default)'} s.", (*path, "lifecycle", "preStop"),
                "Raise terminationGracePeriodSeconds, or sleep for less.",
            )  # fmt: skip
        yield from _two_sources(owner, container.node, path)


def _two_sources(owner: KubernetesObject, container: Node, path: Path) -> Iterator[Finding]:
    """A variable with a value of its own and one from elsewhere: the API server refuses it."""
    for i, variable in enumerate(items(container.get("env"))):
        if variable.kind is not Kind.MAP:
            continue
        value, source = variable.entry("value"), variable.entry("valueFrom")
        if value and source and text_of(value[1]) not in (None, ""):
            yield _finding(
                owner, source[0], "value-and-source", Severity.HIGH,
                f"{text_of(variable.get('name')) or 'A variable'} has both `value` and `valueFrom`.", (*path, "env", i, "valueFrom"),
                "Keep one of the two.",
            )  # fmt: skip
