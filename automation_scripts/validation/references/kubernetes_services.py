"""Services of Kubernetes and the pods they select: by label, and by port."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject, labels
from automation_scripts.validation.documents.scalars import int_of, items, text_of
from automation_scripts.validation.documents.tree import Node, PathKey
from automation_scripts.validation.references.kubernetes_pod_groups import (
    Made,
    PodGroup,
    is_near,
    made_by_operator,
    matches,
    same_file,
    same_namespace,
    shown,
    talks_about,
)
from automation_scripts.validation.references.missing_names import missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]
_SET_BY_CONTROLLERS = frozenset(
    (
        "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash", "pod-template-hash",
        "job-name", "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index", "controller-uid",
    )
)  # fmt: skip
"""Labels that pods get when they are made; no template has them."""


def selected(services: list[KubernetesObject], groups: list[PodGroup]) -> set[int]:
    """The groups that some service selects. Labels are looked up, not compared one by one: there may be many of both."""
    by_label: dict[tuple[str, str], list[PodGroup]] = {}
    for group in groups:
        for label in group.labels.items():
            by_label.setdefault(label, []).append(group)
    found: set[int] = set()
    for service in services:
        wanted = labels(service.node.at(("spec", "selector")))
        for group in by_label.get(next(iter(wanted.items())), ()) if wanted else ():
            if matches(wanted, group) and same_namespace(service, group.owner):
                found.add(id(group))
    return found


def check_service(owner: KubernetesObject, groups: list[PodGroup], made: Made, taken: set[int]) -> Iterator[Finding]:
    """A selector that no pod has, and ports that the pods do not have."""
    selector = owner.node.at(("spec", "selector"))
    wanted = {key: value for key, value in labels(selector).items() if key not in _SET_BY_CONTROLLERS}
    if not wanted or any(is_template(value) for value in wanted.values()):
        return
    near = [group for group in groups if same_namespace(owner, group.owner)]
    reached = [group for group in near if matches(wanted, group)]
    entry = owner.node.at(("spec",))
    key = entry.entry("selector") if entry is not None else None
    assert selector is not None and key is not None
    other = [group for group in groups if same_file(owner, group) and matches(wanted, group)]
    if reached:
        yield from _target_ports(owner, reached)
    elif other:
        yield _other_namespace(owner, other[0], key[0])
    elif not made_by_operator(owner, wanted, made):
        yield _no_pods(owner, wanted, selector, key[0], [group for group in near if group.labels], taken)


def _other_namespace(owner: KubernetesObject, group: PodGroup, key: Node) -> Finding:
    where = owner.node.at(("metadata", "namespace"))
    return owner.document.finding(
        where.span if where is not None else key.span,
        "reference/selector-without-pods",
        Severity.HIGH,
        f"{owner.title} is in the namespace '{owner.namespace}', but the pods that it selects are those of {group.owner.title} in "
        f"'{group.owner.namespace}': a service reaches only its own namespace.",
        "dangling-ref",
        path=(*owner.path, "metadata", "namespace"),
        suggestion=f"Did you mean the namespace {group.owner.namespace}?",
    )


def _no_pods(
    owner: KubernetesObject, wanted: dict[str, str], selector: Node, key: Node, groups: list[PodGroup], taken: set[int]
) -> Finding:
    """A selector that no pod has: wrong when some pod is nearly meant, else a remark."""
    path = (*owner.path, "spec", "selector")
    here = [group for group in groups if is_near(owner, group) and not is_template(group.owner.name)]
    best = max(here, key=lambda group: _affinity(owner, wanted, group), default=None)
    # Alone with one workload in a file, the service was written for it.
    alone = (
        best is not None
        and len([g for g in here if same_file(owner, g)]) == 1
        and same_file(owner, best)
        and len(here) == 1
    )
    if best is None or not (
        alone or _affinity(owner, wanted, best) >= _MEANT or _is_left_over(owner, best, here, taken)
    ):
        return owner.document.finding(
            key.span,
            "reference/selector-without-pods",
            Severity.INFO,
            f"{owner.title} selects {shown(wanted)}; the tree has no pods of that kind, so this cannot be told.",
            "dangling-ref",
            path=path,
        )
    wrong = next(k for k in wanted if best.labels.get(k) != wanted[k])
    node = selector.get(wrong)
    assert node is not None
    has = best.labels.get(wrong)
    return owner.document.finding(
        node.span,
        "reference/selector-without-pods",
        Severity.HIGH,
        f"{owner.title} selects {shown(wanted)}, which no pod of the tree has: {best.owner.title} has "
        + (f"{wrong}={has}" if has is not None else f"no label '{wrong}'")
        + f" ({best.owner.document.file.name}:{best.owner.node.span.line}).",
        "dangling-ref",
        path=(*path, wrong),
        suggestion=f"Did you mean {wrong}: {has}?" if has is not None else f"Use its labels: {shown(best.labels)}.",
    )


_MEANT = 4


def _affinity(owner: KubernetesObject, wanted: dict[str, str], group: PodGroup) -> int:
    """How much says that a service is for a group of pods: from `_MEANT` on it is."""
    found = 8 * len(wanted.items() & group.labels.items())
    own = labels(owner.node.at(("metadata", "labels")))
    if talks_about(wanted, group):
        found += 4
    if _bare(owner.name) and _bare(owner.name) in (_bare(group.owner.name), *map(_bare, group.labels.values())):
        found += 4
    if any(own.get(key) is not None and own.get(key) == group.labels.get(key) for key in wanted):
        found += 4
    return found + 2 * same_file(owner, group) + bool(_ports_of(owner) & {*map(str, group.ports), *group.port_names})


def _bare(name: str) -> str:
    """A name without what only says what sort of object it is."""
    for end in ("-service", "-svc", "-deployment", "-deploy", "-headless", "-pod"):
        name = name.removesuffix(end)
    return name


def _ports_of(owner: KubernetesObject) -> set[str]:
    """The ports that a service sends to, as texts."""
    found = set()
    for port in items(owner.node.at(("spec", "ports"))):
        target = port.get("targetPort")
        found.add(text_of(target if target is not None else port.get("port")) or "")
    return found - {""}


def _is_left_over(owner: KubernetesObject, best: PodGroup, here: list[PodGroup], taken: set[int]) -> bool:
    """True when the pods are the only ones of the file that no service selects, and they have the service's port."""
    left = [group for group in here if same_file(owner, group) and id(group) not in taken]
    return left == [best] and bool(_ports_of(owner) & {*map(str, best.ports), *best.port_names})


def _target_ports(owner: KubernetesObject, reached: list[PodGroup]) -> Iterator[Finding]:
    numbers = {number for group in reached for number in group.ports}
    names = {name for group in reached for name in group.port_names}
    for i, port in enumerate(items(owner.node.at(("spec", "ports")))):
        target = port.get("targetPort")
        if target is None:
            continue
        text, path = text_of(target) or "", (*owner.path, "spec", "ports", i, "targetPort")
        number = int_of(target)
        if number is None and text not in names and not is_template(text):
            yield missing_name(
                owner.document, target, "unknown-port", f"{owner.title} sends to the port '{text}', which no container of its pods names.",
                text, names, path,
            )  # fmt: skip
        elif (
            number is not None
            and numbers
            and number not in numbers
            and all(g.ports and is_near(owner, g) for g in reached)
        ):
            yield owner.document.finding(
                target.span,
                "reference/unknown-port",
                Severity.MEDIUM,
                f"{owner.title} sends to port {number}, but the containers of its pods declare {_numbers(numbers)}.",
                "dangling-ref",
                path=path,
                suggestion=f"Use {min(numbers)}."
                if len(numbers) == 1
                else "Correct the port, or declare it on the container.",
            )


def _numbers(numbers: set[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:6])
