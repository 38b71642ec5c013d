"""Defaults that are none of the values allowed beside them: `enum`, `options`, `choices`, `allowedValues`."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_null, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.values.formats import is_template

_LISTS = {
    "enum": "default",
    "options": "default",
    "choices": "default",
    "values": "default",
    "allowedValues": "defaultValue",
}
_SURE = frozenset(("enum", "allowedValues"))


def check_defaults(corpus: Corpus) -> list[Finding]:
    """Every default that its own list of values does not have."""
    return [
        finding
        for document in corpus.documents
        for key in _LISTS
        for match in document.index.keyed(key)
        for finding in _of_list(document, match, key)
    ]


def _of_list(document: CheckedDocument, match: Match, key: str) -> Iterator[Finding]:
    parent = match.parent
    if match.node.kind is not Kind.SEQ or not match.node.children or parent is None or parent.kind is not Kind.MAP:
        return
    # `options` and its like are common words: only beside a type they say what is allowed.
    if (key not in _SURE and not parent.entry("type")) or any(step in ("example", "examples") for step in match.path):
        return
    default = parent.get(_LISTS[key])
    listed = [child.resolved() for child in match.node.children]
    text = text_of(default)
    if (
        default is None
        or text is None
        or is_null(default)
        or is_template(text)
        or any(c.kind is not Kind.SCALAR for c in listed)
    ):
        return
    known = [child.value for child in listed]
    # Tools that read the list by regular expression or ignoring case are many.
    if (
        text in known
        or text.lower() in (each.lower() for each in known)
        or text == ""
        or any(is_template(each) for each in known)
    ):
        return
    near = nearest(text, known)
    yield document.finding(
        default.span, "reference/default-not-allowed", Severity.HIGH,
        f"The default '{text[:60]}' is not one of the allowed values: {', '.join(known[:8])}.", "invalid-enum",
        path=(*match.path[:-1], _LISTS[key]), suggestion=f"Did you mean '{near}'?" if near else "Use one of them.",
    )  # fmt: skip
