"""Ciphers and versions of TLS that are broken, wherever suites and protocols are listed. CWE-326, CWE-327."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.secret_words import words_of
from automation_scripts.validation.values.word_lists import words

_SKIPPED = frozenset(("openapi", "package-json", "tsconfig", "json-schema", "github-issue-form"))
_CIPHER_KEYS = words("cipher keys")
_VERSION_KEYS = words("protocol keys")
# `!RC4` and `-RC4` take it out of the list.
_WEAK = re.compile(
    r"(?<![!\w-])(?:[A-Za-z0-9]{1,30}[-_]){0,10}?(?:RC4|ARCFOUR\d*|3DES|DES|MD5|NULL|EXPORT\d*|EXP|ADH|AECDH|ANON|RC2|IDEA|SEED|BLOWFISH)(?:[-_@][\w.@-]+)?(?![\w])",
    re.IGNORECASE,
)
_OLD = re.compile(
    r"(?<![!\w-])\+?(?:SSL[ _-]?v?[23](?:\.0)?|TLS[ _-]?v?1(?:[._-]?[01])?|VersionTLS1[01])(?![\w.])", re.IGNORECASE
)


def check_weak_ciphers(corpus: Corpus) -> list[Finding]:
    """Every list of suites or versions in every document."""
    found: list[Finding] = []
    for document in corpus.documents:
        if document.kind in _SKIPPED:
            continue
        for key, matches in document.index.by_key.items():
            topic = _topic(key)
            if topic:
                for match in matches:
                    found += _listed(document, match.node, match.path, topic)
    return found


@lru_cache(maxsize=10_000)
def _topic(key: str) -> str:
    joined = "_".join(words_of(key[:120])[-2:])
    last = joined.rpartition("_")[2]
    if joined in _CIPHER_KEYS or last in _CIPHER_KEYS:
        return "cipher"
    return "version" if joined in _VERSION_KEYS else ""


def _listed(document: CheckedDocument, node: Node, path: tuple[PathKey, ...], topic: str) -> Iterator[Finding]:
    is_list = node.kind is Kind.SEQ
    if topic == "version" and not is_list:
        return  # a single version is a setting like others
    for item in items(node):
        text = item.value
        found = (_WEAK if topic == "cipher" else _OLD).search(text) if len(text) <= 4000 else None
        if found is None or "${" in found[0]:
            continue
        is_cipher = topic == "cipher"
        yield document.finding(
            document.part(item, *found.span()),
            "security/weak-cipher" if is_cipher else "security/old-tls-version",
            Severity.MEDIUM,
            f"'{path[-1]}' allows {found[0]}, which is broken.",
            "unencrypted",
            path=path,
            suggestion="Allow AES-GCM and ChaCha20 with ephemeral keys only."
            if is_cipher
            else "Require TLS 1.2 or later.",
            cwe="CWE-327" if is_cipher else "CWE-326",
        )
