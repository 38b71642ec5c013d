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
from automation_scripts.validation.references.missing_names import likely_typo, nearest_name


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


Made = list[tuple[KubernetesObject, dict[str, str]]]
"""Custom resources with the labels that the pods of their operators carry."""


def is_near(owner: KubernetesObject, group: PodGroup) -> bool:
    """True when both are kept in one folder."""
    return owner.document.folder == group.owner.document.folder


def same_file(owner: KubernetesObject, group: PodGroup) -> bool:
    return owner.document.file is group.owner.document.file


def custom_resources(objects: list[KubernetesObject]) -> Made:
    """The custom resources of the tree that have labels."""
    found: Made = []
    for owner in objects:
        group = owner.api_version.partition("/")[0]
        if "." not in group or group.endswith(".k8s.io"):
            continue
        own = labels(owner.node.at(("metadata", "labels"))) | labels(owner.node.at(("spec", "podMetadata", "labels")))
        if own:
            found.append((owner, own))
    return found


def made_by_operator(owner: KubernetesObject, wanted: dict[str, str], made: Made) -> bool:
    """True when a custom resource has these labels: its operator makes pods that carry them."""
    return any(
        wanted.items() & own.items() and all(own.get(k, v) == v for k, v in wanted.items())
        for other, own in made
        if same_namespace(owner, other)
    )


def talks_about(wanted: dict[str, str], group: PodGroup) -> bool:
    """True when a selector was probably meant for this group: near values under the same key."""
    return any(likely_typo(value, [group.labels[key]]) for key, value in wanted.items() if key in group.labels) or any(
        nearest_name(key, group.labels) is not None and value in group.labels.values() for key, value in wanted.items()
    )
