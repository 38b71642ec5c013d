"""The one way to say that a name leads nowhere, with the nearest name that exists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import SequenceMatcher

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.tree import Kind, Node, PathKey, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.references.graphs import cycles

_DIGITS = re.compile(r"\d+")


_MAX_CANDIDATES = 100


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The one known name that is nearly this one, as `suggest.nearest`; quick where there are many names.

    Of two letters every other name is near, so those have none.
    """
    size, low = len(name), name.lower()
    if size <= 2 or size > 200:
        return None
    letters = frozenset(low)
    candidates: list[str] = []
    for other in known:
        # Two changes bring in two letters and take two away at most.
        if abs(len(other) - size) <= 2 and other != name and len(letters.symmetric_difference(other.lower())) <= 4:
            candidates.append(other)
            if len(candidates) >= _MAX_CANDIDATES:
                return None  # in such a crowd no one name is meant
    return nearest(name, candidates) if candidates else None


def likely_typo(name: str, known: Iterable[str]) -> bool:
    """True when a name is nearly a known one, and not by a mere number (`test-1` is no typo of `test-2`)."""
    near = nearest_name(name, known)
    return near is not None and _DIGITS.sub("", near) != _DIGITS.sub("", name)


def meant_by(dangling: Iterable[str], unused: Sequence[str], used: Collection[str]) -> set[str]:
    """Which unused names the dangling ones were probably meant to be: one each, the most alike.

    A mistyped use leaves its definition unused; telling both would be telling one mistake twice.
    """
    left = list(unused)
    for name in sorted(set(dangling)):
        if not left:
            break
        near = nearest_name(name, left)
        if near is not None:
            left.remove(near)
            continue
        if likely_typo(name, used):
            continue  # it means a name that others use rightly
        left.remove(
            max(left, key=lambda other: SequenceMatcher(None, name.lower(), other.lower(), autojunk=False).ratio())
        )
    return set(unused) - set(left)


def missing_name(
    document: CheckedDocument,
    node: Node,
    rule: str,
    message: str,
    name: str,
    known: Iterable[str],
    path: Sequence[PathKey],
    *,
    severity: Severity = Severity.HIGH,
    span: Span | None = None,
    otherwise: str = "",
) -> Finding:
    """A finding for a name that nothing defines; the only near name becomes its fix."""
    known = sorted(set(known))
    near = nearest_name(name, known)
    whole = node.kind is Kind.SCALAR and node.value == name and node.style is Style.PLAIN and node.anchor is None
    if near:
        suggestion = f"Did you mean '{near}'?"
    elif otherwise:
        suggestion = otherwise
    elif known:
        listed = ", ".join(known[:8]) + ("…" if len(known) > 8 else "")
        suggestion = f"Define it, or use one of: {listed}."
    else:
        suggestion = "Define it, or remove the reference."
    return document.finding(
        span or node.span,
        f"reference/{rule}",
        severity,
        message,
        "dangling-ref",
        path=path,
        suggestion=suggestion,
        fix=(replace(document.file, node.span, near),) if near and whole else (),
    )


def cycle_findings(
    document: CheckedDocument,
    graph: dict[str, list[str]],
    edges: dict[tuple[str, str], tuple[Node, tuple[PathKey, ...]]],
    rule: str,
    what: str,
) -> list[Finding]:
    """One finding per cycle of `graph`, at the edge that closes it. `edges` says where each edge is written."""
    found = []
    for way in cycles(graph):
        node, path = edges[(way[-1], way[0])]
        shown = " → ".join([*way[:12], *(["…"] if len(way) > 12 else []), way[0]])
        found.append(
            document.finding(
                node.span,
                f"reference/{rule}",
                Severity.HIGH,
                f"{what} form a cycle: {shown}." if len(way) > 1 else f"'{way[0]}' refers to itself.",
                "cycle",
                path=path,
                suggestion="Remove one of these references.",
            )
        )
    return found
