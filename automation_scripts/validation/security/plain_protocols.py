"""Addresses with protocols that encrypt nothing, to hosts that are reached over the internet. CWE-319."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.security.scanning import holding, scalars_with
from automation_scripts.validation.values.secret_words import words_of
from automation_scripts.validation.values.word_lists import words

_SKIPPED = frozenset(("openapi", "package-json", "tsconfig", "json-schema", "github-issue-form"))
_SCHEMES = {
    "ftp": "sftp or https",
    "telnet": "ssh",
    "ldap": "ldaps",
    "amqp": "amqps",
    "mqtt": "mqtts",
    "smtp": "smtps",
    "rsh": "ssh",
    "http": "https",
    "ws": "wss",
}
_URL = re.compile(
    r"\b(ftp|telnet|ldap|amqp|mqtt|smtp|rsh|http|ws)://(?:([^\s/@:'\"]+):[^\s/@'\"]+@)?([^\s/:?#'\"@,;|)\]}>]+)"
)
_NEEDLES = tuple(f"{scheme}://" for scheme in _SCHEMES)
_KEYS = words("keys of protected addresses")
_PRIVATE_ENDS = words("private host names")


def is_public(host: str) -> bool:
    """True for a host that stands on the internet as far as its name says. Templates and examples are not."""
    host = host.strip("[]").lower().rstrip(".")
    if re.search(r"[^a-z0-9.:-]", host) or "." not in host:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        labels = host.split(".")
    if labels[-1] in _PRIVATE_ENDS or (labels[-2] == "example" and len(labels) >= 2) or not labels[-1].isalpha():
        return False
    # Names of a cluster's own network: `db.namespace.svc`, `db.namespace.svc.cluster.local`.
    return "svc" not in labels and "internal" not in labels


def check_plain_protocols(corpus: Corpus) -> list[Finding]:
    """Every address in every document."""
    return [
        finding
        for document in holding(corpus, *_NEEDLES)
        if document.kind not in _SKIPPED
        for match in scalars_with(document, "://")
        for finding in _addresses(document, match)
    ]


def _addresses(document: CheckedDocument, match: Match) -> Iterator[Finding]:
    text = match.node.value
    if len(text) > 2000 or not any(needle in text for needle in _NEEDLES) or "\n" in text:
        return
    for found in _URL.finditer(text):
        scheme, user, host = found.groups()
        if scheme in ("http", "ws") and user is None and not (found.start() == 0 and _is_protected(match)):
            continue
        if not is_public(host):
            continue
        yield document.finding(
            document.part(match.node, *found.span(1)),
            "security/plain-protocol",
            Severity.MEDIUM if user is not None else Severity.LOW,
            f"{scheme}:// to {host} is not encrypted"
            + (
                ", and the password goes with it."
                if user is not None
                else ": whoever is in between can read and change it."
            ),
            "unencrypted",
            path=match.path,
            suggestion=f"Use {_SCHEMES[scheme]}.",
            cwe="CWE-319",
        )


def _is_protected(match: Match) -> bool:
    """`token_url`, `webhook`, `registry`: what is sent there, or comes from there, must not be changed."""
    name = next((step for step in reversed(match.path) if isinstance(step, str)), "")
    words_ = words_of(name[:120])
    return bool(words_) and ("_".join(words_[-2:]) in _KEYS or words_[-1] in _KEYS)
