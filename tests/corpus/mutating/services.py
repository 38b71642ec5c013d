"""Mistakes in OpenAPI documents, Prometheus and Alertmanager files, Helm values and playbooks."""

from __future__ import annotations

import random

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, items, scalar
from tests.corpus.mutating.words import password

API = "openapi"
PROMETHEUS = "prometheus"
HELM = "helm-values"
ANSIBLE = "ansible"


def _operations(source: Source) -> list[Pair]:
    return source.where(
        lambda p: p.name == "operationId" and p.path[1] == "paths" and len(p.path) == 5 and source.simple(p)
        and source.first_on_line(p)
    )  # fmt: skip


@mutation(API)
def dangling_reference(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "$ref" and p.text.startswith("#/") and source.simple(p)), rng)
    return changed(source, pair, f'"{pair.text}Gone"', "dangling-ref") if pair else None


@mutation(API)
def same_operation(source: Source, rng: random.Random) -> Mutant | None:
    found = _operations(source)
    if len(found) < 2:
        return None
    one, other = rng.sample(found, 2)
    mutant = changed(source, other, f'"{one.text}"', "dup-name")
    return Mutant(mutant.text, mutant.line, mutant.cls, frozenset({one.line}))


@mutation(API)
def open_operation(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _operations(source) if not child(p.parent, "security")], rng)
    secured = any(p.name in ("securitySchemes", "securityDefinitions") for p in source.pairs)
    if pair is None or not secured:
        return None
    return added(source, pair, ['"security": []' if source.json else "security: []"], 0, "auth-off")


@mutation(API)
def plain_server(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: p.name == "url" and p.path[1] == "servers" and p.text.startswith("https:") and source.simple(p)
        ),
        rng,
    )
    return changed(source, pair, f'"{pair.text.replace("https:", "http:")}"', "unencrypted") if pair else None


@mutation(API)
def unused_schema(source: Source, rng: random.Random) -> Mutant | None:
    pair = next((p for p in source.pairs if p.path[1:3] == ("components", "schemas") and len(p.path) == 4), None)
    if pair is None or source.json or not source.first_on_line(pair):
        return None
    indent = " " * pair.key.start_mark.column
    text = source.insert(pair.line - 1, [indent + "NobodyRefersToThis:", indent + "  type: object"])
    return Mutant(text, pair.line, "unused")


@mutation(API)
def status_code(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "200" and p.path[-2] == "responses" and source.own_line(p)), rng)
    if pair is None:
        return None
    return Mutant(source.replace(pair.key, '"2000"'), pair.line, "invalid-value", also=frozenset({"unknown-key"}))


@mutation(API)
def path_parameter(source: Source, rng: random.Random) -> Mutant | None:
    """A parameter in the path that is not among the operation's parameters any more."""
    pair = pick(
        source.where(
            lambda p: p.name == "name" and "parameters" in p.path and p.path[1] == "paths" and scalar(p.parent, "in") == "path"
            and source.simple(p)
        ),
        rng,
    )  # fmt: skip
    if pair is None:
        return None
    head = {p.line for p in source.pairs if p.path in (pair.path[:3], pair.path[:4])}
    found = changed(
        source, pair, f'"{pair.text}Other"', "dangling-ref", "missing-required", "conflict", "invalid-value"
    )
    return Mutant(found.text, found.line, found.cls, frozenset(head), found.also)


@mutation(API)
def required_unknown(source: Source, rng: random.Random) -> Mutant | None:
    """A property that is required and not there."""
    for pair in source.where(
        lambda p: (p.name == "required" and p.path[-2] in ("schema",)) or p.path[-3:-2] == ("schemas",)
    ):
        listed = items(pair.value)
        if pair.name == "required" and listed and child(pair.parent, "properties") is not None:
            item = rng.choice(listed)
            return Mutant(
                source.replace(item, '"notAProperty"'), item.start_mark.line + 1, "dangling-ref", frozenset({pair.line})
            )
    return None


@mutation(PROMETHEUS)
def same_job(source: Source, rng: random.Random) -> Mutant | None:
    found = source.where(lambda p: p.name == "job_name" and source.simple(p))
    if len(found) < 2:
        return None
    mutant = changed(source, found[-1], f'"{found[0].text}"', "dup-name")
    return Mutant(mutant.text, mutant.line, mutant.cls, frozenset({found[0].line}))


@mutation(PROMETHEUS)
def same_group(source: Source, rng: random.Random) -> Mutant | None:
    found = source.where(
        lambda p: p.name == "name" and p.path[1] in ("groups", "receivers") and len(p.path) == 4 and source.simple(p)
    )
    if len(found) < 2:
        return None
    mutant = changed(source, found[-1], f'"{found[0].text}"', "dup-name")
    return Mutant(mutant.text, mutant.line, mutant.cls, frozenset({found[0].line}))


@mutation(PROMETHEUS)
def dangling_receiver(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "receiver" and p.path[1] == "route" and source.simple(p)), rng)
    return changed(source, pair, "nobody-hears", "dangling-ref") if pair else None


@mutation(PROMETHEUS)
def slow_scrape(source: Source, rng: random.Random) -> Mutant | None:
    """A timeout longer than the interval."""
    pair = pick(
        source.where(lambda p: p.name == "scrape_interval" and source.simple(p) and source.first_on_line(p)
                     and not child(p.parent, "scrape_timeout")), rng
    )  # fmt: skip
    if pair is None:
        return None
    found = added(source, pair, ["scrape_timeout: 1h"], 0, "conflict", "invalid-value")
    return Mutant(found.text, found.line, found.cls, frozenset({pair.line}), found.also)


def _jobs(source: Source) -> list[Pair]:
    return source.where(
        lambda p: p.name == "job_name" and source.simple(p) and not getattr(p.parent, "flow_style", False)
    )


@mutation(PROMETHEUS)
def no_verification(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _jobs(source) if not child(p.parent, "tls_config")], rng)
    if pair is None:
        return None
    return added(source, pair, ["tls_config:", "  insecure_skip_verify: true"], 1, "auth-off", "unencrypted")


@mutation(PROMETHEUS)
def scrape_password(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _jobs(source) if not child(p.parent, "basic_auth")], rng)
    if pair is None:
        return None
    lines = ["basic_auth:", "  username: scraper", f"  password: {password(rng)}"]
    return added(source, pair, lines, 2, "hardcoded-secret", "secret-env")


FLIPS = {
    "privileged": ("false", "true", "privileged"),
    "allowPrivilegeEscalation": ("false", "true", "priv-escalation"),
    "readOnlyRootFilesystem": ("true", "false", "writable-rootfs"),
    "hostNetwork": ("false", "true", "host-namespace"),
    "hostPID": ("false", "true", "host-namespace"),
    "hostIPC": ("false", "true", "host-namespace"),
}


@mutation(HELM)
def weaker(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name in FLIPS and source.simple(p) and p.text == FLIPS[p.name][0]), rng)
    return changed(source, pair, FLIPS[pair.name][1], FLIPS[pair.name][2]) if pair else None


@mutation(HELM)
def latest_image(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name == "tag" and source.own_line(p) and bool(child(p.parent, "repository"))
                     and p.key.start_mark.line == p.value.end_mark.line and p.text != "latest"), rng
    )  # fmt: skip
    return changed(source, pair, "latest", "latest-tag") if pair else None


@mutation(HELM)
def written_password(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: p.name in ("password", "rootPassword", "adminPassword", "postgresPassword", "secretKey", "apiKey")
            and source.own_line(p) and getattr(p.value, "style", None) in ('"', "'") and p.key.start_mark.line == p.value.end_mark.line
        ),
        rng,
    )  # fmt: skip
    return changed(source, pair, f'"{password(rng)}"', "hardcoded-secret", "secret-env") if pair else None


@mutation(HELM)
def added_capability(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name == "drop" and p.path[-2] == "capabilities" and source.first_on_line(p)), rng
    )
    return added(source, pair, ["add:", "  - SYS_ADMIN"], 1, "dangerous-cap") if pair else None


def _tasks(source: Source) -> list[Pair]:
    """The names of tasks that call something."""
    return source.where(
        lambda p: p.name == "name" and isinstance(p.path[-2], int) and source.own_line(p)
        and not child(p.parent, "hosts") and not child(p.parent, "block") and len(p.parent.value) > 1
        and not getattr(p.parent, "flow_style", False)
    )  # fmt: skip


@mutation(ANSIBLE)
def dangling_handler(source: Source, rng: random.Random) -> Mutant | None:
    if not any(p.name == "handlers" for p in source.pairs):
        return None
    pair = pick([p for p in _tasks(source) if not child(p.parent, "notify") and "handlers" not in p.path], rng)
    return added(source, pair, ["notify: no such handler"], 0, "dangling-ref") if pair else None


@mutation(ANSIBLE)
def written_secret(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in _tasks(source) if not child(p.parent, "vars")], rng)
    if pair is None:
        return None
    return added(source, pair, ["vars:", f"  db_password: {password(rng)}"], 1, "hardcoded-secret", "secret-env")


@mutation(ANSIBLE)
def open_mode(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "mode" and source.simple(p)), rng)
    return changed(source, pair, '"0777"', "wildcard-perm", "open-to-world") if pair else None


@mutation(ANSIBLE)
def unchecked_download(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name == "url" and source.simple(p) and not child(p.parent, "validate_certs")), rng
    )
    return added(source, pair, ["validate_certs: false"], 0, "auth-off", "unencrypted") if pair else None


@mutation(ANSIBLE)
def newest_package(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "state" and p.text == "present" and source.simple(p)), rng)
    return changed(source, pair, "latest", "latest-tag") if pair else None


@mutation(ANSIBLE)
def two_modules(source: Source, rng: random.Random) -> Mutant | None:
    """One task that calls two modules."""
    pair = pick(
        [
            p
            for p in _tasks(source)
            if not any(
                k.value in ("shell", "command", "ansible.builtin.shell", "ansible.builtin.command")
                for k, _ in p.parent.value
            )
        ],
        rng,
    )
    if pair is None:
        return None
    found = added(source, pair, ["ansible.builtin.command: /bin/true"], 0, "conflict", "invalid-value", "unknown-key")
    return Mutant(found.text, found.line, found.cls, frozenset({pair.line, found.line + 1}), found.also)
