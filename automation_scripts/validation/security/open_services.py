"""Services and data that everyone may use: listening daemons, public grants, web APIs open to every site.

CWE-284 (improper access control), CWE-668 (exposure to the wrong sphere), CWE-942 (permissive cross-domain policy).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_true, items
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.security.scanning import holding, scalars_with
from automation_scripts.validation.values.secret_words import words_of
from automation_scripts.validation.values.word_lists import words

_DESCRIBED_ONLY = frozenset(("openapi", "package-json", "tsconfig"))


def check_open_services(corpus: Corpus) -> list[Finding]:
    """Everything that is open to the world by itself in every document."""
    found: list[Finding] = []
    for document in holding(corpus, "2375"):
        found += _docker_daemons(document) if document.kind not in _DESCRIBED_ONLY else ()
    for document in corpus.documents:
        if document.kind not in _DESCRIBED_ONLY:
            found += _daemons(document)
            found += _public_members(document)
            found += _origins(document)
    return found


_DOCKER_TCP = re.compile(r"(?:^|[\s=\"'])tcp://(?:0\.0\.0\.0|\[?::\]?|\*)?:2375\b")


def _docker_daemons(document: CheckedDocument) -> Iterator[Finding]:
    for match in scalars_with(document, "2375"):
        if _DOCKER_TCP.search(match.node.value):
            yield document.finding(
                match.node.span,
                "security/docker-daemon-open",
                Severity.CRITICAL,
                "The Docker daemon listens on the network without TLS: whoever reaches the port is root on the host.",
                "open-to-world",
                path=match.path,
                suggestion="Listen on the local socket only, or on 2376 with client certificates.",
                cwe="CWE-306",
            )


def _daemons(document: CheckedDocument) -> Iterator[Finding]:
    """Databases told to listen everywhere whose default is loopback, because they trust whoever connects."""
    if document.kind == "helm-values":
        return  # inside a pod the service decides what is reached
    for match in document.index.keyed("bindIp", "bind_ip", "bindIpAll", "network.host"):
        value = match.node.value if match.node.kind is Kind.SCALAR else ""
        everywhere = "0.0.0.0" in value.split(",") or value in ("::", "*", "_global_")  # noqa: S104 (what is looked for)
        if everywhere or (match.path[-1] == "bindIpAll" and is_true(match.node)):
            yield document.finding(
                match.node.span,
                "security/daemon-open",
                Severity.MEDIUM,
                f"The database listens on every interface ({match.path[-1]}: {value}).",
                "open-to-world",
                path=match.path,
                suggestion="Listen on loopback and on the private address that clients use.",
                cwe="CWE-668",
            )


def _public_members(document: CheckedDocument) -> Iterator[Finding]:
    """Cloud roles given to everyone."""
    for match in document.index.keyed("member", "members", "entity", "grantee"):
        for item in items(match.node):
            if item.kind is Kind.SCALAR and item.value in ("allUsers", "allAuthenticatedUsers"):
                yield document.finding(
                    item.span,
                    "security/public-grant",
                    Severity.HIGH,
                    f"The role is given to {item.value}: everyone on the internet.",
                    "open-to-world",
                    path=match.path,
                    suggestion="Name the groups or service accounts that need it.",
                    cwe="CWE-284",
                )


_ORIGIN_KEYS = words("origin keys")


def _origins(document: CheckedDocument) -> Iterator[Finding]:
    for key, matches in document.index.by_key.items():
        if not _may_be_origin(key):
            continue
        for match in matches:
            for item in items(match.node):
                if item.kind is Kind.SCALAR and item.value in ("*", "'*'", '"*"', "true") and _is_origin(match, item):
                    yield _any_origin(document, match, item)


@lru_cache(maxsize=10_000)
def _may_be_origin(key: str) -> bool:
    last = words_of(key[:120])[-1:]
    return bool(last) and last[0] in ("origin", "origins", "domain", "domains", "hosts")


def _is_origin(match: Match, item: Node) -> bool:
    steps = [step for step in match.path if isinstance(step, str)]
    key = "_".join(words_of(steps[-1][:120])) if steps[-1] != "AllowedHosts" else ""  # .NET's own default
    if item.value == "true":
        return key.endswith("cors_allow_all_origins")
    in_cors = len(steps) > 1 and "cors" in words_of(steps[-2][:120]) and key in ("origin", "origins")
    return in_cors or any(key == name or key.endswith(f"_{name}") for name in _ORIGIN_KEYS)


def _any_origin(document: CheckedDocument, match: Match, item: Node) -> Finding:
    credentials = match.parent is not None and any(
        is_true(match.parent.get(name))
        for name in ("allow_credentials", "allowCredentials", "AllowCredentials", "credentials")
    )
    return document.finding(
        item.span,
        "security/any-origin",
        Severity.MEDIUM if credentials else Severity.LOW,
        f"'{match.path[-1]}' lets every site in" + (", with the user's credentials." if credentials else "."),
        "open-to-world",
        path=match.path,
        suggestion="List the sites that need it.",
        cwe="CWE-942",
    )
