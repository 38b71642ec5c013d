"""Mistakes in Kubernetes objects that are about names, references, versions and what is left out."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.kubernetes import K8S
from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, items, scalar


def _named_entries(source: Source, list_name: str) -> list[Pair]:
    """`name` keys that begin the items of a block list with that key."""
    return source.where(
        lambda p: p.name == "name" and len(p.path) > 2 and p.path[-3] == list_name and source.simple(p)
        and not source.first_on_line(p)
    )  # fmt: skip


def _again(source: Source, pair: Pair) -> tuple[str, int]:
    """The item of a list that a key begins, written twice: the text and the line of the second one."""
    last = source.last_line(pair.parent)
    return source.insert(last, source.lines[pair.line - 1 : last]), last + 1


@mutation(K8S)
def dup_env(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(_named_entries(source, "env"), rng)
    if pair is None:
        return None
    text, line = _again(source, pair)
    return Mutant(text, line, "dup-env", frozenset({pair.line}), frozenset({"dup-name"}))


@mutation(K8S)
def dup_name(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(_named_entries(source, rng.choice(["containers", "volumes"])), rng)
    if pair is None:
        return None
    text, line = _again(source, pair)
    return Mutant(text, line, "dup-name", frozenset({pair.line}))


@mutation(K8S)
def dup_object(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: len(p.path) == 3 and p.path[1:] == ("metadata", "name") and source.simple(p)), rng
    )
    if pair is None or len(source.documents) != 1 or source.text.startswith("---"):
        return None
    text = source.text.rstrip("\n") + "\n---\n" + source.text
    line = text.count("\n", 0, len(source.text.rstrip("\n"))) + 2 + pair.line
    return Mutant(text, line, "dup-name", frozenset({pair.line, line - 1}))


@mutation(K8S)
def port_collision(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.name == "port"
                and p.path[1:3] == ("spec", "ports")
                and source.simple(p)
                and not child(p.parent, "name")
                and not source.first_on_line(p)
            )
        ),
        rng,
    )
    if pair is None:
        return None
    text, line = _again(source, pair)
    return Mutant(text, line, "port-collision", frozenset({pair.line}), frozenset({"dup-name"}))


@mutation(K8S)
def no_limits(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: p.name == "resources" and source.first_on_line(p) and child(p.value, "limits") is not None
            and isinstance(p.path[-2], int)
        ),
        rng,
    )  # fmt: skip
    if pair is None or pair.parent.value[0][0] is pair.key:
        return None
    first = pair.parent.value[0][0].start_mark.line + 1
    named = {key.start_mark.line + 1 for key, _ in pair.parent.value if key.value in ("name", "image")}
    gone = source.last_line(pair.value) - pair.line + 1
    return Mutant(source.without(pair), first, "no-limits", frozenset(n - gone if n > pair.line else n for n in named))


@mutation(K8S)
def dangling_mount(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "name" and "volumeMounts" in p.path and source.simple(p)), rng)
    return changed(source, pair, pair.text + "-gone", "dangling-ref") if pair else None


@mutation(K8S)
def dangling_selector(source: Source, rng: random.Random) -> Mutant | None:
    """A Service that selected the pods of a workload in the same file, and does no more."""
    labels = {
        (str(p.path[-1]), p.text)
        for p in source.pairs
        if p.path[2:-1] == ("template", "metadata", "labels")
    }  # fmt: skip
    pair = pick(
        source.where(
            lambda p: (
                p.path[1:3] == ("spec", "selector")
                and len(p.path) == 4
                and (p.name, p.text) in labels
                and scalar(source.documents[int(p.path[0])], "kind") == "Service"
                and source.simple(p)
            )
        ),
        rng,
    )
    if pair is None:
        return None
    above = next(p.line for p in source.pairs if p.value is pair.parent)
    found = changed(source, pair, pair.text + "-old", "dangling-ref")
    return Mutant(found.text, found.line, found.cls, frozenset({above}))


@mutation(K8S)
def selector_mismatch(source: Source, rng: random.Random) -> Mutant | None:
    """A workload whose selector is not the labels of its own pods."""
    pair = pick(source.where(lambda p: p.path[1:4] == ("spec", "selector", "matchLabels") and source.simple(p)), rng)
    if pair is None:
        return None
    above = frozenset(p.line for p in source.pairs if p.value is pair.parent)
    found = changed(source, pair, pair.text + "-old", "dangling-ref", "conflict", "invalid-value")
    return Mutant(found.text, found.line, found.cls, above, found.also)


OLD = {
    "Deployment": "extensions/v1beta1",
    "DaemonSet": "extensions/v1beta1",
    "StatefulSet": "apps/v1beta2",
    "Ingress": "extensions/v1beta1",
    "CronJob": "batch/v1beta1",
    "NetworkPolicy": "extensions/v1beta1",
    "Role": "rbac.authorization.k8s.io/v1beta1",
    "ClusterRole": "rbac.authorization.k8s.io/v1beta1",
    "RoleBinding": "rbac.authorization.k8s.io/v1alpha1",
    "PodDisruptionBudget": "policy/v1beta1",
}


@mutation(K8S)
def deprecated_api(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.name == "apiVersion"
                and len(p.path) == 2
                and source.simple(p)
                and "beta" not in p.text
                and scalar(p.parent, "kind") in OLD
            )
        ),
        rng,
    )
    return changed(source, pair, OLD[scalar(pair.parent, "kind")], "deprecated-api") if pair else None


@mutation(K8S)
def wildcard_perm(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.name in ("verbs", "resources")
                and p.path[1:2] == ("rules",)
                and len(items(p.value)) > 0
                and all(item.value != "*" for item in items(p.value))
                and source.own_line(p)
            )
        ),
        rng,
    )
    if pair is None:
        return None
    if isinstance(pair.value, yaml.SequenceNode) and pair.value.flow_style:
        found = source.replace(pair.value, '["*"]')
        return Mutant(found, pair.value.start_mark.line + 1, "wildcard-perm")
    item = items(pair.value)[0]
    return Mutant(source.replace(item, "'*'"), item.start_mark.line + 1, "wildcard-perm", frozenset({pair.line}))


@mutation(K8S)
def limit_below_request(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.path[-3:] in (("resources", "limits", "memory"), ("resources", "limits", "cpu"))
                and source.simple(p)
                and any(
                    q.path == (*p.path[:-2], "requests", p.path[-1]) and q.text not in ("", "0") for q in source.pairs
                )
            )
        ),
        rng,
    )
    if pair is None:
        return None
    found = changed(source, pair, "1Ki" if pair.name == "memory" else "1m", "conflict", "invalid-value")
    other = (*pair.path[:-2], "requests", pair.path[-1])
    return Mutant(
        found.text, found.line, found.cls, frozenset(q.line for q in source.pairs if q.path == other), found.also
    )


@mutation(K8S)
def open_to_world(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.name == "selector"
                and len(p.path) == 3
                and source.first_on_line(p)
                and scalar(source.documents[int(p.path[0])], "kind") == "Service"
                and not child(p.parent, "type")
            )
        ),
        rng,
    )
    if pair is None:
        return None
    lines = ["type: LoadBalancer", "loadBalancerSourceRanges:", '  - "0.0.0.0/0"']
    return added(source, pair, lines, 2, "open-to-world")
