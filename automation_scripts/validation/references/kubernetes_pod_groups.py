"""The pods that workloads make, as services, policies and monitors look for them: by label and port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.kubernetes_objects import (
    KubernetesObject,
    containers,
    labels,
    pod_specs,
    pod_template_metadata,
)
from automation_scripts.validation.documents.scalars import int_of, items, text_of


@dataclass(frozen=True, slots=True)
class PodGroup:
    """The pods that one workload makes: their labels and the ports of their containers."""

    owner: KubernetesObject
    labels: dict[str, str]
    ports: frozenset[int]
    port_names: frozenset[str]


def pod_groups(owner: KubernetesObject) -> Iterator[PodGroup]:
    """The groups of pods that an object makes."""
    for pod in pod_specs(owner):
        metadata = pod_template_metadata(pod)
        ports, names = set(), set()
        for container in containers(pod):
            for port in items(container.node.get("ports")):
                if (number := int_of(port.get("containerPort"))) is not None:
                    ports.add(number)
                if name := text_of(port.get("name")):
                    names.add(name)
        own = labels(metadata.get("labels") if metadata is not None else None)
        yield PodGroup(owner, own, frozenset(ports), frozenset(names))


def same_namespace(one: KubernetesObject, other: KubernetesObject) -> bool:
    """True when two objects can be in one namespace: one that names none goes anywhere."""
    return not one.namespace or not other.namespace or one.namespace == other.namespace


def matches(wanted: dict[str, str], group: PodGroup) -> bool:
    """True when a group of pods has all of the labels."""
    return all(group.labels.get(key) == value for key, value in wanted.items())


def shown(wanted: dict[str, str]) -> str:
    """Labels for messages: `app=web, tier=front`."""
    return ", ".join(f"{key}={value}" for key, value in list(wanted.items())[:4])
