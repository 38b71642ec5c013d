"""Ansible: secrets that are printed, and files that are fetched without protection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_true, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.security.plain_protocols import is_public
from automation_scripts.validation.values.secret_words import Name, name_class

Path = tuple[PathKey, ...]
# What these fetch is run or installed.
_FETCHERS = {
    "get_url": ("url",),
    "uri": ("url",),
    "unarchive": ("src",),
    "yum": ("name",),
    "dnf": ("name",),
    "apt": ("deb",),
    "rpm_key": ("key",),
    "apt_key": ("url", "keyserver"),
    "yum_repository": ("baseurl", "gpgkey"),
    "pip": ("index_url", "extra_args"),
}
_HTTP = re.compile(r"\bhttp://([^\s/:?#'\"]+)")
_LOOPS = ("loop", "with_items", "with_dict", "with_list", "with_nested", "with_subelements", "with_flattened")
_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)")


def check_playbooks(corpus: Corpus) -> list[Finding]:
    """Every task of every playbook and task file."""
    return [
        finding
        for document in corpus.of("ansible-playbook", "ansible-tasks")
        for match in document.index.matches
        if match.node.kind is Kind.MAP and match.path and isinstance(match.path[-1], int)
        for finding in _task(document, match.node, match.path)
    ]


def _task(document: CheckedDocument, task: Node, path: Path) -> Iterator[Finding]:
    hidden = is_true(task.get("no_log"))
    for key, value in pairs(task):
        module = key.value.rpartition(".")[2]
        for name in _FETCHERS.get(module, ()):
            source = value.get(name) if value.kind is Kind.MAP else value
            if source is not None and source.kind is Kind.SCALAR:
                yield from _fetched(document, source, (*path, key.value, name), value.kind is Kind.MAP)
        if module == "debug" and not hidden:
            yield from _printed(document, value, (*path, key.value))
    if not hidden and any(task.entry(loop) for loop in _LOOPS):
        yield from _looped(document, task, path)


def _fetched(document: CheckedDocument, node: Node, path: Path, alone: bool) -> Iterator[Finding]:
    for found in _HTTP.finditer(node.value):
        if (alone and path[-1] == "name" and found.start() != 0) or not is_public(found[1]):
            continue
        yield document.finding(
            document.part(node, *found.span()),
            "security/plain-download",
            Severity.MEDIUM,
            f"What is fetched from {found[1]} comes over plain HTTP: whoever is in between can exchange it.",
            "unencrypted",
            path=path,
            suggestion="Use https, and check the file with `checksum`.",
            cwe="CWE-494",
        )


def _printed(document: CheckedDocument, value: Node, path: Path) -> Iterator[Finding]:
    shown = value.get("var") if value.kind is Kind.MAP else None
    if shown is not None and name_class((text_of(shown) or "").rpartition(".")[2]) is Name.PASSWORD:
        yield _leak(document, shown, (*path, "var"), f"The password '{text_of(shown)}' is printed.")
    text = value.get("msg") if value.kind is Kind.MAP else value
    if text is not None and text.kind is Kind.SCALAR:
        for found in _VARIABLE.finditer(text.value):
            if name_class(found[1].rpartition(".")[2]) is Name.PASSWORD:
                span_of = Node(Kind.SCALAR, document.part(text, *found.span(1)))
                yield _leak(document, span_of, path, f"The password '{found[1]}' is printed.")


def _looped(document: CheckedDocument, task: Node, path: Path) -> Iterator[Finding]:
    """With a loop, Ansible prints every item, whatever the module hides."""
    for key, value in pairs(task):
        for option, given in pairs(value) if value.kind is Kind.MAP else ():
            text = text_of(given) or ""
            if name_class(option.value) is Name.PASSWORD and re.search(r"\{\{[^}]*\bitem\b", text):
                where = (*path, key.value, option.value)
                yield _leak(document, given, where, "The loop prints its items, and so this password, on every run.")


def _leak(document: CheckedDocument, node: Node, path: Path, message: str) -> Finding:
    return document.finding(
        node.span,
        "security/secret-printed",
        Severity.LOW,
        message,
        "hardcoded-secret",
        path=path,
        suggestion="Add `no_log: true` to the task.",
        cwe="CWE-532",
    )
