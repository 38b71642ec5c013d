"""The settings of a document whose names end with certain words: by key, as pairs, and written out in texts.

Keys are judged once per spelling and texts once per document: the same ones come again and again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import named_value
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.settings_found import Setting
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.values.secret_words import words_of

_MAX_VALUE = 200


def settings(
    document: CheckedDocument, last_words: Container[str], matters: Callable[[str, str], bool]
) -> Iterator[Setting]:
    """Every setting of a document whose name ends with one of `last_words`, those with keys first.

    Long texts count only for the options and assignments inside them.

    Args:
        document: the document.
        last_words: the words in question.
        matters: whether a value counts under a last word; what it says must depend on nothing else.
    """
    index = document.index
    for name, matches in index.by_key.items():
        if _ends_with(name, last_words):
            last = words_of(name[:120])[-1]
            for match in matches:
                if _is_value(match.node) and matters(last, match.node.value):
                    yield _keyed(match, name)
    for match in index.keyed("value", "Value"):
        found = named_value(match.parent) if match.parent is not None and match.parent.kind is Kind.MAP else None
        if found and _ends_with(found[0], last_words) and len(found[1].value) <= _MAX_VALUE:
            yield _named_pair(match, *found)
    silent: set[str] = set()
    for match in index.matches:
        node = match.node
        if node.kind is not Kind.SCALAR or (len(node.value) <= 12 and not _in_list(match)):
            continue
        text = node.value
        if text in silent or ("=" not in text and not _may_hold_options(text)):
            continue
        pieces = list(_written_out(match, last_words))
        yield from pieces
        if not pieces:
            silent.add(text)


_BEFORE_OPTIONS = (" -", "\n-", '"-', "'-", "\t-", "[-", "(-", ",-", "`-")


def _may_hold_options(text: str) -> bool:
    return "-" in text and (text[0] == "-" or any(start in text for start in _BEFORE_OPTIONS))


def _is_value(node: Node) -> bool:
    return node.kind is Kind.SCALAR and 0 < len(node.value) <= _MAX_VALUE


def _in_list(match: Match) -> bool:
    return not match.path or isinstance(match.path[-1], int)


def _ends_with(name: str, last_words: Container[str]) -> bool:
    words = words_of(name[:120])
    return bool(words) and words[-1] in last_words


def _keyed(match: Match, name: str) -> Setting:
    words = [word for step in match.path[-3:] if isinstance(step, str) for word in words_of(step[:120])]
    own = "_".join(words_of(name[:120]))
    value = match.node.value
    return Setting(name, "_".join(words), own, value, match.node, 0, len(value), match.path, match.parent)


def _named_pair(match: Match, name: str, value: Node, value_key: str) -> Setting:
    words = "_".join(words_of(name[:120]))
    return Setting(name, words, words, value.value, value, 0, len(value.value), (*match.path[:-1], value_key))


_ASSIGNMENT = re.compile(r"(?<![\w$.-])([A-Za-z_][\w.]{2,60})=(?P<q>[\"']?)([^\s\"';&|]{1,60})(?P=q)")
_OPTION = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][\w.-]{2,60})(?:=(?P<q>[\"']?)(?P<value>[^\s\"';&|]{1,60})(?P=q))?(?![\w=-])"
)
_PARAMETER = re.compile(r"[?&;](?:amp;)?([A-Za-z][\w.-]{1,40})=([^&;\s\"']{1,40})")
_CURL = re.compile(r"\bcurl\b[^\n|;&]{0,300}?\s(-[fgiLnsSvI]*k[fgiLnsSvIo]*|--insecure)(?=\s|$)")


def _written_out(match: Match, last_words: Container[str]) -> Iterator[Setting]:
    """Assignments, options and URL parameters inside a text."""
    text = match.node.value
    if "=" in text:
        for found in _ASSIGNMENT.finditer(text):
            if _ends_with(found[1], last_words):
                yield _piece(match, found[1], found[3], *found.span(3))
        for found in _PARAMETER.finditer(text) if "?" in text or "&" in text or ";" in text else ():
            if _ends_with(found[1], last_words):
                yield _piece(match, found[1], found[2], *found.span(2))
    if _may_hold_options(text):
        for found in _OPTION.finditer(text):
            if not _ends_with(found["name"], last_words):
                continue
            if found["value"] is not None:
                yield _piece(match, found["name"], found["value"], *found.span("value"))
            else:
                yield _piece(match, found["name"], "true", *found.span("name"), is_flag=True)
        for found in _CURL.finditer(text) if "curl" in text else ():
            yield _piece(match, "curl --insecure", "true", *found.span(1), is_flag=True)


def _piece(match: Match, name: str, value: str, start: int, end: int, is_flag: bool = False) -> Setting:
    words = "_".join(words_of(name))
    return Setting(name, words, words, value, match.node, start, end, match.path, None, is_flag)
