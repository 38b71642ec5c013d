"""Where images come from: a tree that takes nearly all of them from one registry of its own."""

from __future__ import annotations

import re
from collections import Counter

from automation_scripts.results import Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.learned.habits import Break, Habit, first
from automation_scripts.validation.learned.populations import Row
from automation_scripts.validation.learned.statistics import LEAST_PLACES
from automation_scripts.validation.learned.tables import Table
from automation_scripts.validation.values.formats import is_template

_IMAGE = re.compile(
    r"(?:(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?)/)?[a-z0-9][\w./-]*(?::[\w.-]+)?(?:@\S+)?"
)
_EVERYBODYS = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io"})
_KINDS = ("kubernetes", "compose")


def habits_of_registries(corpus: Corpus) -> list[Habit]:
    """The one habit of a tree's images, if they have one; nothing when most come from Docker Hub."""
    rows, hosts = [], []
    for document in corpus.of(*_KINDS):
        for match in document.index.keyed("image"):
            node = match.node
            if node.kind is not Kind.SCALAR or is_template(node.value) or not (found := _IMAGE.fullmatch(node.value)):
                continue
            rows.append(Row(document, match.key, node))
            hosts.append(found["host"] or "")
    if len(rows) < LEAST_PLACES:
        return []
    usual, kept = Counter(hosts).most_common(1)[0]
    if usual in _EVERYBODYS:
        return []
    table = Table("images", "", rows, {})
    breaks = [
        Break(i, row.node.span, f"takes '{row.node.value}' from {host or 'docker.io'}", f"Take it from {usual} too.")
        for i, (row, host) in enumerate(zip(rows, hosts, strict=True))
        if host != usual
    ]
    keepers = first((i, row.node) for i, row in enumerate(rows) if hosts[i] == usual)
    what = f"come from {usual}"
    return [Habit("registry", table, ("image",), what, kept, len(rows), breaks, keepers, severity=Severity.MEDIUM)]
