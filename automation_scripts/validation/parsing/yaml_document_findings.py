"""What is wrong in one document that could be read: repeated keys, aliases, anchors, and keys without their space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from automation_scripts.results import Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Node
from automation_scripts.validation.parsing.yaml_documents import Anchor, BuiltDocument
from automation_scripts.validation.parsing.yaml_keys import add_repeated_keys

_Item = TypeVar("_Item")


def report_document(built: BuiltDocument, reporter: Reporter) -> None:
    """Add the findings of one document."""
    for node in _until_full(built.repeated, reporter, "yaml/duplicate-key"):
        add_repeated_keys(node, reporter, "yaml/duplicate-key")
    for alias, known in _until_full(built.dangling, reporter, "yaml/undefined-alias"):
        _dangling(alias, known, reporter)
    for alias in _until_full(built.cycles, reporter, "yaml/recursive-alias"):
        reporter.report(
            "yaml/recursive-alias",
            f"*{alias.value} stands inside what &{alias.value} names: the value contains itself and never ends.",
            alias.span.start,
            alias.span.end,
            tag="cycle",
            suggestion="Write the inner value out, or name a smaller part.",
        )
    for start, end in _until_full(built.glued, reporter, "yaml/missing-space"):
        reporter.report(
            "yaml/missing-space",
            f"{reporter.index.text[start:end]!r} is no key here: without a space after the ':' the line is plain text.",
            start,
            end,
            severity=Severity.MEDIUM,
            tag="invalid-value",
            suggestion="Write a space after the ':', or quote the text.",
            edits=[(end, end, " ")],
        )
    unused = (anchor for anchor in built.anchors if not anchor.used) if built.root is not None else ()
    for anchor in _until_full(unused, reporter, "yaml/unused-anchor"):
        _unused(anchor, reporter)


def _until_full(items: Iterable[_Item], reporter: Reporter, rule_id: str) -> Iterator[_Item]:
    for item in items:
        if reporter.is_full(rule_id):
            return
        yield item


def _dangling(alias: Node, known: tuple[str, ...], reporter: Reporter) -> None:
    likely = nearest(alias.value, known)
    span = alias.span
    hint = f"Did you mean *{likely}? " if likely else ""
    listed = f"Anchors known here: {', '.join(sorted(known)[:10])}." if known else "No anchor is defined above it."
    reporter.report(
        "yaml/undefined-alias",
        f"*{alias.value} refers to an anchor that is not defined above it in this document.",
        span.start,
        span.end,
        tag="dangling-ref",
        suggestion=hint + listed,
        edits=[(span.start, span.end, f"*{likely}")] if likely else [],
    )


def _unused(anchor: Anchor, reporter: Reporter) -> None:
    text, start, end = reporter.index.text, anchor.start, anchor.end
    while text[end : end + 1] == " ":
        end += 1
    if text[end : end + 1] in ("\n", "\r", "") and text[start - 1 : start] == " ":
        start, end = start - 1, anchor.end
    reporter.report(
        "yaml/unused-anchor",
        f"The anchor &{anchor.name} is never used in this document.",
        anchor.start,
        anchor.end,
        severity=Severity.LOW,
        tag="unused",
        suggestion=f"Remove &{anchor.name}, or refer to it with *{anchor.name}.",
        edits=[(start, end, "")],
    )
