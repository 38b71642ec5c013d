"""The volumes of a pod: mounts of volumes that it does not have, and volumes that nothing mounts."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject, PodSpec, containers
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.references.missing_names import meant_by, missing_name
from automation_scripts.validation.values.formats import is_template

WORKLOADS = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
    "Rollout",
)


def claim_templates(owner: KubernetesObject) -> set[str | None]:
    """The claims that a StatefulSet makes for its pods; each is a volume of them."""
    return {text_of(claim.at(("metadata", "name"))) for claim in items(owner.node.at(("spec", "volumeClaimTemplates")))}


def _is_patch(owner: KubernetesObject) -> bool:
    """True for a part of a workload that another file completes: a whole one has a selector."""
    is_selecting = owner.kind in ("Deployment", "StatefulSet", "DaemonSet") and owner.api_version == "apps/v1"
    return is_selecting and owner.node.at(("spec", "selector")) is None


def check_volumes(pod: PodSpec) -> Iterator[Finding]:
    """Mounts of volumes that the pod does not have, and volumes that nothing mounts."""
    document, title = pod.owner.document, pod.owner.title
    volumes = {text_of(v.get("name")): v.get("name") for v in items(pod.node.get("volumes")) if v.kind is Kind.MAP}
    claims = claim_templates(pod.owner)
    # Custom resources may add volumes of their own to the pods they make.
    known_kind = (pod.owner.kind in WORKLOADS or pod.owner.kind == "PodTemplate") and not _is_patch(pod.owner)
    used: set[str] = set()
    known = {name for name in (*volumes, *claims) if name}
    for container in containers(pod):
        for key in ("volumeMounts", "volumeDevices"):
            for i, mount in enumerate(items(container.node.get(key))):
                node = mount.get("name")
                name = text_of(node)
                if node is None or not name:
                    continue
                used.add(name)
                if known_kind and name not in volumes and name not in claims and not is_template(name):
                    yield missing_name(
                        document,
                        node,
                        "unknown-volume",
                        f"Container '{container.name}' of {title} mounts '{name}', which is no volume of the pod.",
                        name,
                        known,
                        (*container.path, key, i, "name"),
                    )
    idle = sorted(known - used) if known_kind else []
    meant = meant_by(used - known, idle, used & known)
    for name, node in volumes.items():
        if name and node is not None and name in idle and name not in meant:
            yield document.finding(
                node.span,
                "reference/unused-volume",
                Severity.LOW,
                f"No container of {title} mounts the volume '{name}'.",
                "unused",
                path=(*pod.path, "volumes", name),
                suggestion="Mount it, or remove it.",
            )
