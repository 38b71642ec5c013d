"""Settings of compose services that contradict each other, and conditions that can never be met.

Sources: the Compose specification; Docker's guidelines for official images, which have no HEALTHCHECK.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.compose_services import (
    Service,
    environment,
    projects,
    services,
)
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import int_of, is_true, items, pairs, text_of, texts
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.references.missing_names import likely_typo
from automation_scripts.validation.values.formats import is_template


def check_compose_conflicts(corpus: Corpus) -> list[Finding]:
    """Every contradiction in the services of compose files."""
    found: list[Finding] = []
    for project in projects(corpus):
        by_name: dict[str, list[Service]] = {}
        for document in project:
            for service in services(document):
                by_name.setdefault(service.name, []).append(service)
        hosts = _hosts(project)
        for listed in by_name.values():
            for service in listed:
                found += _together(service)
                found += _conditions(service, by_name)
                found += _misspelt_hosts(service, hosts)
    return found


def _finding(
    service: Service, node: Node, rule: str, severity: Severity, message: str, key: str, advice: str, tag: str = "conflict"
) -> Finding:  # fmt: skip
    return service.document.finding(
        node.span,
        f"reference/{rule}",
        severity,
        f"Service '{service.name}': {message}",
        tag,
        path=(*service.path, key),
        suggestion=advice,
    )


def _together(service: Service) -> Iterator[Finding]:
    node = service.node
    mode, networks, ports = node.entry("network_mode"), node.entry("networks"), node.entry("ports")
    text = text_of(mode[1]) if mode else None
    if mode and networks and text and not is_template(text):
        yield _finding(
            service, mode[0], "network-mode-and-networks", Severity.HIGH, "`network_mode` and `networks` cannot both be given.",
            "network_mode", "Keep one of them; Compose refuses the file.",
        )  # fmt: skip
    if ports and items(ports[1]) and text and text.startswith(("host", "none", "service:", "container:")):
        refused = text.startswith(("service:", "container:"))
        yield _finding(
            service, ports[0], "ports-without-network", Severity.HIGH if refused else Severity.LOW,
            f"`ports` have no effect with `network_mode: {text}`.", "ports",
            "Publish them on the service whose network is shared." if refused else "Remove them.",
        )  # fmt: skip
    name = node.entry("container_name")
    replicas = node.at(("deploy", "replicas")) or node.get("scale")
    if name and (int_of(replicas) or 0) > 1:
        yield _finding(
            service, name[1], "named-container-with-replicas", Severity.HIGH,
            f"`container_name` names one container, but {text_of(replicas)} are to run.", "container_name", "Leave the name out.",
        )  # fmt: skip


# Images of Docker's library that other services wait for: none of them has a check of its own.
_OFFICIAL = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:postgres|mysql|mariadb|mongo|redis|valkey|memcached|rabbitmq|nats|cassandra|couchdb"
    r"|elasticsearch|influxdb|neo4j|zookeeper|nginx|httpd|caddy|haproxy|traefik|eclipse-mosquitto|vault|consul|wordpress"
    r"|ghost|alpine|busybox|debian|ubuntu|node|python|php|golang|ruby|openjdk|eclipse-temurin)(?::[\w.-]+)?(?:@sha256:\w+)?"
)


def _conditions(service: Service, by_name: dict[str, list[Service]]) -> Iterator[Finding]:
    for key, value in pairs(service.node.get("depends_on")):
        condition = value.get("condition") if value.kind is Kind.MAP else None
        targets = by_name.get(key.value, [])
        if condition is None or not targets or any(target.node.entry("extends") for target in targets):
            continue
        if text_of(condition) == "service_healthy":
            yield from _healthy(service, condition, key.value, targets)
        elif text_of(condition) == "service_completed_successfully":
            restart = next((r for target in targets if (r := target.node.get("restart")) is not None), None)
            if text_of(restart) in ("always", "unless-stopped"):
                yield _finding(
                    service, condition, "never-completed", Severity.MEDIUM,
                    f"it waits for '{key.value}' to end, which is always restarted (line {restart.span.line if restart else 0}).",
                    "depends_on", f"Set `restart: \"no\"` or `on-failure` for '{key.value}'.",
                )  # fmt: skip


def _healthy(service: Service, condition: Node, name: str, targets: list[Service]) -> Iterator[Finding]:
    checks = [check for target in targets if (check := target.node.get("healthcheck")) is not None]
    switched_off = any(is_true(check.get("disable")) or texts(check.get("test"))[:1] == ["NONE"] for check in checks)
    if switched_off:
        yield _finding(
            service, condition, "no-healthcheck", Severity.HIGH,
            f"it waits for '{name}' to be healthy, whose health check is switched off.", "depends_on",
            "Switch the check on, or wait for `service_started`.",
        )  # fmt: skip
    if checks or any(target.node.entry("build") for target in targets):
        return
    image = next((text for target in targets if (text := text_of(target.node.get("image")))), "")
    # About other images nothing is known.
    if _OFFICIAL.fullmatch(image):
        yield _finding(
            service, condition, "no-healthcheck", Severity.MEDIUM,
            f"it waits for '{name}' to be healthy, but '{name}' has no `healthcheck`, and neither has its image.", "depends_on",
            f"Add a `healthcheck` to '{name}', or wait for `service_started`.", "dangling-ref",
        )  # fmt: skip


_AUTHORITY = re.compile(r"\b[a-z][a-z0-9+.-]*://([^\s/?#\"',]+)")
_HOST = re.compile(r"([A-Za-z][\w-]*)(?::\d+)?")
_HOST_NAME = re.compile(r"(?:^|_)(?:HOST|HOSTNAME)$")
_NOT_SERVICES = frozenset(("localhost", "host", "gateway", "example", "hostname", "server"))


def _hosts(project: list[CheckedDocument]) -> frozenset[str] | None:
    """The names by which services reach each other; None when the project shares a network with others."""
    names: set[str] = set()
    for document in project:
        if document.root.entry("include"):
            return None
        if any(network.entry("external") for _, network in pairs(document.root.get("networks"))):
            return None
        for service in services(document):
            names.add(service.name)
            names |= {text for key in ("container_name", "hostname") if (text := text_of(service.node.get(key)))}
            names |= {link.partition(":")[2] for link in texts(service.node.get("links"))}
            names |= {host.partition(":")[0].partition("=")[0] for host in texts(service.node.get("extra_hosts"))}
            for _, network in pairs(service.node.get("networks")):
                names |= set(texts(network.get("aliases")))
    return frozenset(names - {""})


def _host_span(authority: re.Match[str]) -> tuple[int, int] | None:
    """Where the host stands in `user:password@host:port`; None for an address, a domain or a variable."""
    credentials, at, host = authority[1].rpartition("@")
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    start = authority.start(1) + len(credentials) + len(at)
    return start, start + len(match[1])


def _misspelt_hosts(service: Service, hosts: frozenset[str] | None) -> Iterator[Finding]:
    """Hosts in the environment that are nearly, but not quite, the name of a service."""
    if hosts is None:
        return
    for name, _, value, offset in environment(service):
        text = (text_of(value) or "")[offset:]
        found = [span for match in _AUTHORITY.finditer(text) if (span := _host_span(match)) is not None]
        if _HOST_NAME.search(name) and re.fullmatch(r"[A-Za-z][\w-]*", text):
            found.append((0, len(text)))
        for start, end in found:
            host = text[start:end]
            if host in hosts or host in _NOT_SERVICES or len(host) < 4 or not likely_typo(host, hosts):
                continue
            near = nearest(host, hosts)
            yield service.document.finding(
                service.document.part(value, offset + start, offset + end), "reference/unknown-host", Severity.MEDIUM,
                f"Service '{service.name}' reaches for the host '{host}' in {name}, and no service has that name.", "dangling-ref",
                path=(*service.path, "environment", name), suggestion=f"Did you mean '{near}'?",
            )  # fmt: skip
