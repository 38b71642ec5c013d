"""GitLab and CircleCI pipelines: images without a version, variables that print secrets, strangers' text in commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_true, items, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.security.images import floats

Path = tuple[PathKey, ...]


def check_pipelines(corpus: Corpus) -> list[Finding]:
    """Every GitLab CI and CircleCI file."""
    found: list[Finding] = []
    for document in corpus.of("gitlab-ci", "circleci"):
        found += _images(document)
        if document.kind == "gitlab-ci":
            found += _variables(document)
            found += _scripts(document)
            found += _includes(document)
        else:
            found += _orbs(document)
    return found


def _images(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("image", "services"):
        if match.path[-1] == "services":
            nodes = [item.get("name") if item.kind is Kind.MAP else item for item in items(match.node)]
        else:
            nodes = [match.node.get("name") if match.node.kind is Kind.MAP else match.node]
            if document.kind == "circleci" and "docker" not in match.path:
                continue
        for node in nodes:
            if node is not None and node.kind is Kind.SCALAR and "variables" not in match.path and floats(node.value):
                yield document.finding(
                    node.span,
                    "security/image-latest",
                    Severity.MEDIUM,
                    f"The image {node.value} has no fixed version.",
                    "latest-tag",
                    path=match.path,
                    suggestion="Name a version or a digest, so that every run uses the same program.",
                    cwe="CWE-1357",
                )


def _variables(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("CI_DEBUG_TRACE", "CI_DEBUG_SERVICES"):
        node = _value(match.node)
        if node is not None and is_true(node):
            yield document.finding(
                node.span,
                "security/job-trace",
                Severity.MEDIUM,
                f"{match.path[-1]} prints every variable of the job, secrets included, into its log.",
                "secret-env",
                path=match.path,
                suggestion="Turn it on for a single run by hand, and off again.",
                cwe="CWE-532",
            )
    for match in document.index.keyed("DOCKER_TLS_CERTDIR"):
        node = _value(match.node)
        if node is not None and node.value == "" and match.key is not None:
            yield document.finding(
                match.key.span,
                "security/tls-not-used",
                Severity.LOW,
                "The Docker daemon of the job listens without TLS: DOCKER_TLS_CERTDIR is empty.",
                "unencrypted",
                path=match.path,
                suggestion='Write DOCKER_TLS_CERTDIR: "/certs" and use port 2376.',
                cwe="CWE-319",
            )


def _value(node: Node) -> Node | None:
    value = node.get("value") if node.kind is Kind.MAP else node
    return value if value is not None and value.kind is Kind.SCALAR else None


_STRANGERS = (
    r"\$\{?CI_(?:COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|REF_NAME|BRANCH|TAG_MESSAGE)"
    r"|MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS)|EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME)\b"
)
_EVALUATED = re.compile(
    rf"(?:\beval\s+|\b(?:ba|z|da)?sh\s+-c\s+|\bssh\b[^\n|;]{{0,200}}?\s(?=\")|\b(?:python3?|node|perl|ruby)\s+-[ce]\s+)\"[^\"\n]{{0,400}}?({_STRANGERS})"
)


def _scripts(document: CheckedDocument) -> Iterator[Finding]:
    for match in document.index.keyed("script", "before_script", "after_script"):
        for path, node in _commands(match):
            for found in _EVALUATED.finditer(node.value):
                yield document.finding(
                    document.part(node, *found.span(1)),
                    "security/script-injection",
                    Severity.HIGH,
                    f"'{found[1].lstrip('${')}' becomes part of a command: whoever writes that text runs commands here.",
                    "injection",
                    path=path,
                    suggestion="Hand it over as an argument or through the environment, and quote it there.",
                    cwe="CWE-78",
                )


def _commands(match: Match) -> Iterator[tuple[Path, Node]]:
    stack = [(match.path, match.node)]
    while stack:
        path, node = stack.pop()
        if node.kind is Kind.SCALAR:
            yield path, node
        elif node.kind is Kind.SEQ and len(path) < 20:
            stack += [((*path, i), child.resolved()) for i, child in reversed(list(enumerate(node.children)))]


def _includes(document: CheckedDocument) -> Iterator[Finding]:
    for i, item in enumerate(items(document.root.get("include"))):
        remote = item.get("remote") if item.kind is Kind.MAP else item
        if remote is not None and (text_of(remote) or "").startswith("http://"):
            yield document.finding(
                remote.span,
                "security/plain-protocol",
                Severity.HIGH,
                "The pipeline is read over plain HTTP: whoever is in between decides what it runs.",
                "unencrypted",
                path=("include", i),
                suggestion="Use https, or a project or component of a fixed version.",
                cwe="CWE-494",
            )
        project = item.entry("project") if item.kind is Kind.MAP else None
        if project and item.get("ref") is None:
            yield document.finding(
                project[1].resolved().span,
                "security/include-branch",
                Severity.INFO,
                "The included file is taken from the newest state of that project.",
                "latest-tag",
                path=("include", i),
                suggestion="Add `ref` with a tag or a commit.",
                cwe="CWE-1357",
            )


def _orbs(document: CheckedDocument) -> Iterator[Finding]:
    orbs = document.root.get("orbs")
    for key, value in orbs.entries if orbs is not None and orbs.kind is Kind.MAP else ():
        if (text_of(value) or "").endswith("@volatile"):
            yield document.finding(
                value.span,
                "security/action-branch",
                Severity.MEDIUM,
                f"The orb '{key.value}' is taken in its newest state, whatever that is.",
                "latest-tag",
                path=("orbs", key.value),
                suggestion="Name a version.",
                cwe="CWE-1357",
            )
