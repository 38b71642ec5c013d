"""Mistakes in Compose files."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, items, scalar
from tests.corpus.mutating.words import password

COMPOSE = "compose"


def services(source: Source) -> list[Pair]:
    """A key of each service that lines can be put after: its image, or a simple build."""
    return source.where(
        lambda p: len(p.path) == 4 and p.path[1] == "services" and p.name in ("image", "build", "restart")
        and source.simple(p) and source.first_on_line(p)
    )  # fmt: skip


def _into(
    source: Source, rng: random.Random, keys: str, lines: list[str], at: int, cls: str, *also: str
) -> Mutant | None:
    """New lines in a service that has none of these keys."""
    found = [p for p in services(source) if not any(child(p.parent, key) for key in keys.split())]
    pair = pick(found, rng)
    return added(source, pair, lines, at, cls, *also) if pair else None


@mutation(COMPOSE)
def privileged(source: Source, rng: random.Random) -> Mutant | None:
    return _into(source, rng, "privileged", ["privileged: true"], 0, "privileged")


@mutation(COMPOSE)
def dangerous_cap(source: Source, rng: random.Random) -> Mutant | None:
    cap = rng.choice(["SYS_ADMIN", "ALL", "NET_ADMIN"])
    return _into(source, rng, "cap_add", ["cap_add:", f"  - {cap}"], 1, "dangerous-cap")


@mutation(COMPOSE)
def docker_sock(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["volumes:", "  - /var/run/docker.sock:/var/run/docker.sock"]
    return _into(source, rng, "volumes", lines, 1, "docker-sock")


@mutation(COMPOSE)
def host_mount(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["volumes:", f"  - {rng.choice(['/etc:/host/etc', '/:/rootfs', '/root:/root'])}"]
    return _into(source, rng, "volumes", lines, 1, "host-mount")


@mutation(COMPOSE)
def host_namespace(source: Source, rng: random.Random) -> Mutant | None:
    line = rng.choice(["network_mode: host", "pid: host", "ipc: host"])
    return _into(source, rng, "network_mode pid ipc ports networks", [line], 0, "host-namespace")


@mutation(COMPOSE)
def secret_env(source: Source, rng: random.Random) -> Mutant | None:
    name = rng.choice(["DB_PASSWORD", "SECRET_KEY", "API_TOKEN", "MYSQL_ROOT_PASSWORD"])
    secret = password(rng)
    line = rng.choice([f"  - {name}={secret}", f"  {name}: {secret}"])
    return _into(source, rng, "environment", ["environment:", line], 1, "secret-env", "hardcoded-secret")


@mutation(COMPOSE)
def auth_off(source: Source, rng: random.Random) -> Mutant | None:
    setting = rng.choice(
        ["POSTGRES_HOST_AUTH_METHOD: trust", 'MYSQL_ALLOW_EMPTY_PASSWORD: "yes"', 'ALLOW_ANONYMOUS_LOGIN: "yes"']
    )
    return _into(source, rng, "environment", ["environment:", f"  {setting}"], 1, "auth-off")


@mutation(COMPOSE)
def unencrypted(source: Source, rng: random.Random) -> Mutant | None:
    setting = "DATABASE_URL: postgres://db.example.com:5432/app?sslmode=disable"
    return _into(source, rng, "environment", ["environment:", f"  {setting}"], 1, "unencrypted")


@mutation(COMPOSE)
def dup_env(source: Source, rng: random.Random) -> Mutant | None:
    line = "  - MODE=a"
    return _into(source, rng, "environment", ["environment:", line, "  - LEVEL=1", "  - MODE=b"], 3, "dup-env")


@mutation(COMPOSE)
def dangling_depends(source: Source, rng: random.Random) -> Mutant | None:
    return _into(source, rng, "depends_on", ["depends_on:", "  - not-a-service"], 1, "dangling-ref")


@mutation(COMPOSE)
def dangling_network(source: Source, rng: random.Random) -> Mutant | None:
    return _into(source, rng, "networks network_mode", ["networks:", "  - not-a-network"], 1, "dangling-ref")


@mutation(COMPOSE)
def dangling_volume(source: Source, rng: random.Random) -> Mutant | None:
    return _into(source, rng, "volumes", ["volumes:", "  - not-a-volume:/data"], 1, "dangling-ref")


@mutation(COMPOSE)
def cycle(source: Source, rng: random.Random) -> Mutant | None:
    """Two services that wait for each other."""
    for pair in services(source):
        needed = child(pair.parent, "depends_on")
        for item in items(needed):
            other = next((p for p in services(source) if p.path[2] == item.value), None)
            if other is not None and not child(other.parent, "depends_on"):
                found = added(source, other, ["depends_on:", f"  - {pair.path[2]}"], 1, "cycle")
                moved = item.start_mark.line + 1 + (2 if item.start_mark.line + 1 >= found.line - 1 else 0)
                heads = {p.line for p in source.pairs if p.path[1:] in (pair.path[1:3], other.path[1:3])}
                return Mutant(found.text, found.line, "cycle", frozenset({found.line - 1, moved, *heads}))
    return None


@mutation(COMPOSE)
def port_collision(source: Source, rng: random.Random) -> Mutant | None:
    """Two services at one port of the host."""
    taken = [
        item.value
        for p in source.pairs
        if p.name == "ports" and len(p.path) == 4
        for item in items(p.value)
        if isinstance(item, yaml.ScalarNode) and item.value.count(":") == 1 and item.value.replace(":", "").isdigit()
    ]
    if not taken:
        return None
    host = taken[0].split(":")[0]
    found = _into(source, rng, "ports network_mode", ["ports:", f'  - "{host}:9999"'], 1, "port-collision")
    if found is None:
        return None
    others = frozenset(
        number
        for number, line in enumerate(found.text.split("\n"), 1)
        if line.strip(" -'\"").startswith(f"{host}:") and number != found.line
    )
    return Mutant(found.text, found.line, found.cls, others)


@mutation(COMPOSE)
def dup_name(source: Source, rng: random.Random) -> Mutant | None:
    named = source.where(lambda p: p.name == "container_name" and source.simple(p))
    if not named:
        return None
    found = _into(source, rng, "container_name", [f"container_name: {named[0].text}"], 0, "dup-name")
    if found is None:
        return None
    line = named[0].line + (1 if named[0].line >= found.line else 0)
    return Mutant(found.text, found.line, found.cls, frozenset({line}))


@mutation(COMPOSE)
def unused(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: len(p.path) == 3 and p.path[1] in ("volumes", "networks") and source.first_on_line(p)),
        rng,
    )
    return added(source, pair, ["nobody-takes-this: {}"], 0, "unused") if pair else None


@mutation(COMPOSE)
def conflict(source: Source, rng: random.Random) -> Mutant | None:
    """Host networking together with networks: Compose refuses it."""
    pair = pick(
        [p for p in services(source) if child(p.parent, "networks") and not scalar(p.parent, "network_mode")], rng
    )
    if pair is None:
        return None
    found = added(source, pair, ["network_mode: bridge"], 0, "conflict", "invalid-value")
    at = next(key.start_mark.line + 1 for key, _ in pair.parent.value if key.value == "networks")
    return Mutant(found.text, found.line, found.cls, frozenset({at + (1 if at >= found.line else 0)}), found.also)


@mutation(COMPOSE)
def bad_port(source: Source, rng: random.Random) -> Mutant | None:
    return _into(source, rng, "ports network_mode", ["ports:", '  - "99999:80"'], 1, "invalid-value")


@mutation(COMPOSE)
def unused_alias(source: Source, rng: random.Random) -> Mutant | None:
    """An anchor that no alias names."""
    pair = pick(services(source), rng)
    if pair is None:
        return None
    return changed(
        source, pair, "&never_taken " + source.text[pair.value.start_mark.index : pair.value.end_mark.index], "unused"
    )
