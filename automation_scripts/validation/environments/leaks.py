"""What environments must not have in common: secrets, databases, and each other's hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.pointing import path_text
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.environments.configurations import Configuration, Path, Value
from automation_scripts.validation.environments.names import DEVELOPERS, PRODUCTION, WORDS
from automation_scripts.validation.environments.words import listed
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.secret_words import Value as SecretValue
from automation_scripts.validation.values.secret_words import value_class, words_of

_DATABASES = listed("databases")
_DATABASE_NAMES = listed("database names")
_URL = re.compile(
    r"(?:jdbc:)?([a-z][a-z0-9+.-]*)://(?:[^\s/@]*@)?([^\s/:?#,]+)(?::\d+)?(?:/([^\s?#]*))?", re.IGNORECASE
)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,30}", re.IGNORECASE)
_HOST_KEYS = frozenset({"host", "hosts", "hostname", "url", "uri", "endpoint", "address", "server", "domain", "dsn"})
_INSIDE = re.compile(r"^127\.|^0\.0\.0\.0$|(?:^|\.)localhost$|\.(?:local|svc|lan)$|^host\.docker\.internal$")
# Words that name an environment in a host; `dev` and `test` are also names of products and top-level domains.
_HOST_WORDS = frozenset({"staging", "stg", "stage", "qa", "uat", "preprod", "development", "dev", "prod", "production"})
_MOST_TOLD = 20


def shared(holders: list[Configuration], path: Path) -> Iterator[Finding]:
    """A literal secret or a database that production and another environment have in common.

    Args:
        holders: the configurations that have a value at the path.
        path: the key path.
    """
    for production in holders:
        if production.environment != PRODUCTION or path not in production.own:
            continue
        mine = production.own[path]
        if mine.node.kind is not Kind.SCALAR or is_template(mine.node.value):
            continue
        for other in holders:
            if other.environment == PRODUCTION or path not in other.own:
                continue
            if other.own[path].node.kind is not Kind.SCALAR or other.own[path].node.value != mine.node.value:
                continue
            found = _same_secret(production, other, path) or _same_database(production, other, path)
            if found:
                yield found
                break


def _same_secret(production: Configuration, other: Configuration, path: Path) -> Finding | None:
    node = production.own[path].node
    if len(node.value) < 6 or value_class(path[-1], node.value) is not SecretValue.LITERAL:
        return None
    return _told(
        production,
        path,
        "shared-secret",
        Severity.HIGH if other.environment not in DEVELOPERS else Severity.MEDIUM,
        f"is the same secret in production and in {other.environment} ({other.place(path)}): whoever can read the one "
        "can use the other",
        "Give every environment a secret of its own, and keep it out of the file.",
    )


def _same_database(production: Configuration, other: Configuration, path: Path) -> Finding | None:
    words = {word for step in path[-3:] for word in words_of(step[:120])}
    own = words_of(path[-1][:120])
    text = production.own[path].node.value.strip()
    url = _URL.fullmatch(text)
    if url and url[2] and (words & _DATABASES or url[1].lower() in _DATABASES):
        host = url[2]
    elif words & _DATABASES and own and own[-1] in ("host", "hostname", "server") and _HOST.fullmatch(text):
        if _has_own_name(production, other, path):
            return None
        host = text
    else:
        return None
    # A service beside the application has the same short name everywhere, and is another one each time.
    if "." not in host or _INSIDE.search(host.lower()):
        return None
    return _told(
        production,
        path,
        "shared-database",
        Severity.HIGH,
        f"is the same database in production and in {other.environment} ({other.place(path)})",
        "Give every environment a database of its own, or declare that the difference is meant to be none.",
    )


def _has_own_name(production: Configuration, other: Configuration, path: Path) -> bool:
    """True when the name beside a shared host differs: two databases of one server."""
    for sibling, value in production.effective.items():
        if sibling[:-1] != path[:-1] or sibling == path or value.node.kind is not Kind.SCALAR:
            continue
        words = words_of(sibling[-1][:120])
        theirs = other.effective.get(sibling)
        if words and words[-1] in _DATABASE_NAMES and theirs is not None and theirs.node.value != value.node.value:
            return True
    return False


def strangers(member: Configuration, environments: set[str]) -> Iterator[Finding]:
    """Hosts of another environment of the group that production names, and of production that others name.

    Args:
        member: the configuration to look at.
        environments: the environments of its group: only their names are known to be such.
    """
    found = []
    for path, value in member.own.items():
        for node in _texts(value):
            if (stranger := _stranger(member, path, node, environments)) is not None:
                found.append((path, node, *stranger))
    # A file that is full of them is about them: a monitor, a gateway, a list of origins.
    if len(found) > max(3, len(member.own) // 4):
        return
    for path, node, host, environment in found[:_MOST_TOLD]:
        yield member.own[path].document.finding(
            node.span,
            "drift/other-environment",
            Severity.HIGH if member.environment == PRODUCTION else Severity.MEDIUM,
            f"'{path_text(path)}' names the host {host} of {environment} in the configuration of {member.environment}.",
            "drift",
            path=member.own[path].where,
            suggestion=f"Name the host of {member.environment}, or add the comment 'drift-ignore' to the line.",
        )


def _texts(value: Value) -> list[Node]:
    if value.node.kind is Kind.SCALAR:
        return [value.node]
    if value.node.kind is Kind.SEQ:
        return [item for child in value.node.children if (item := child.resolved()).kind is Kind.SCALAR]
    return []


def _stranger(member: Configuration, path: Path, node: Node, environments: set[str]) -> tuple[str, str] | None:
    text = node.value.strip()
    if not 4 <= len(text) <= 300 or is_template(text) or member.ignores(path):
        return None
    url = _URL.match(text)
    words = words_of(path[-1][:120])
    if url:
        host = url[2]
    elif words and words[-1] in _HOST_KEYS and _HOST.fullmatch(text.partition(":")[0]):
        host = text.partition(":")[0]
    else:
        return None
    # The last label is a top-level domain: `web.dev` is no development.
    labels = re.split(r"[.\-_]", host.lower().rpartition(".")[0] or host.lower())
    named = {WORDS[label] for label in labels if label in _HOST_WORDS}
    if not named or member.environment in named:
        return None
    (environment, *more) = sorted(named)
    concerns = PRODUCTION in (environment, member.environment)
    return (host, environment) if not more and environment in environments and concerns else None


def _told(production: Configuration, path: Path, rule: str, severity: Severity, what: str, suggestion: str) -> Finding:
    value = production.own[path]
    return value.document.finding(
        value.node.span,
        f"drift/{rule}",
        severity,
        f"'{path_text(path)}' {what}.",
        "drift",
        path=value.where,
        suggestion=suggestion,
    )
