"""Mistakes in Kubernetes objects that are about what a container may do."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, scalar
from tests.corpus.mutating.words import password, token

K8S = "kubernetes"


def images(source: Source) -> list[Pair]:
    """The `image` keys of containers that a line can be put after."""
    return source.where(
        lambda p: p.name == "image" and "containers" in p.path and source.simple(p) and isinstance(p.path[-2], int)
    )


def pod_specs(source: Source) -> list[Pair]:
    """The `containers` keys of pod specs, each alone at the start of its line."""
    return source.where(lambda p: p.name == "containers" and source.first_on_line(p))


def _security(source: Source, rng: random.Random, key: str, lines: list[str], at: int, cls: str) -> Mutant | None:
    """A setting in the security context of a container: in the one that is there, else in a new one."""
    pair = pick(images(source), rng)
    if pair is None:
        return None
    context = child(pair.parent, "securityContext")
    if context is None:
        return added(source, pair, ["securityContext:", *("  " + line for line in lines)], at + 1, cls)
    if not isinstance(context, yaml.MappingNode) or context.flow_style or not context.value or child(context, key):
        return None
    beside = next(p for p in source.pairs if p.parent is context)
    return added(source, beside, lines, at, cls)


@mutation(K8S)
def privileged(source: Source, rng: random.Random) -> Mutant | None:
    return _security(source, rng, "privileged", ["privileged: true"], 0, "privileged")


@mutation(K8S)
def priv_escalation(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["allowPrivilegeEscalation: true"]
    return _security(source, rng, "allowPrivilegeEscalation", lines, 0, "priv-escalation")


@mutation(K8S)
def writable_rootfs(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["readOnlyRootFilesystem: false"]
    return _security(source, rng, "readOnlyRootFilesystem", lines, 0, "writable-rootfs")


@mutation(K8S)
def dangerous_cap(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["capabilities:", "  add:", "    - " + rng.choice(["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "ALL"])]
    return _security(source, rng, "capabilities", lines, 2, "dangerous-cap")


@mutation(K8S + " compose gitlab-ci")
def latest_tag(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: p.name == "image" and source.simple(p) and "$" not in p.text and not p.text.endswith(":latest")
        ),
        rng,
    )
    if pair is None:
        return None
    base, _, last = pair.text.split("@")[0].rpartition("/")
    image = (base + "/" if base else "") + last.split(":")[0] + rng.choice([":latest", ":latest", ""])
    return changed(source, pair, image, "latest-tag")


@mutation(K8S)
def host_namespace(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in pod_specs(source) if not child(p.parent, "hostNetwork")], rng)
    key = rng.choice(["hostNetwork", "hostPID", "hostIPC"])
    if pair is None or child(pair.parent, key):
        return None
    return added(source, pair, [f"{key}: true"], 0, "host-namespace")


@mutation(K8S)
def docker_sock(source: Source, rng: random.Random) -> Mutant | None:
    return _host_path(source, rng, "/var/run/docker.sock", "docker-sock")


@mutation(K8S)
def host_mount(source: Source, rng: random.Random) -> Mutant | None:
    return _host_path(source, rng, rng.choice(["/", "/etc", "/root", "/var/lib/kubelet"]), "host-mount")


def _host_path(source: Source, rng: random.Random, path: str, cls: str) -> Mutant | None:
    pair = pick([p for p in pod_specs(source) if not child(p.parent, "volumes")], rng)
    if pair is None:
        return None
    return added(source, pair, ["volumes:", "  - name: host-part", "    hostPath:", f"      path: {path}"], 3, cls)


@mutation(K8S)
def secret_env(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in images(source) if not child(p.parent, "env")], rng)
    if pair is None:
        return None
    name = rng.choice(["DB_PASSWORD", "API_TOKEN", "ADMIN_PASSWORD"])
    lines = ["env:", f"  - name: {name}", f'    value: "{password(rng)}"']
    found = added(source, pair, lines, 2, "secret-env", "hardcoded-secret")
    return Mutant(found.text, found.line, found.cls, frozenset({found.line - 1}), found.also)


@mutation(K8S)
def hardcoded_secret(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                len(p.path) == 3
                and p.path[1] == "data"
                and source.own_line(p)
                and scalar(source.documents[int(p.path[0])], "kind") == "ConfigMap"
            )
        ),
        rng,
    )
    return added(source, pair, [f'api-token: "{token(rng)}"'], 0, "hardcoded-secret", "secret-env") if pair else None
