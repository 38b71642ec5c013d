"""Settings, wherever they are written: nested keys, environment blocks, arguments, command lines, URL parameters.

A setting's name is reduced to its words (`verifySsl`, `VERIFY_SSL`, `--verify-ssl` and `verify: {ssl: }` are all
`verify_ssl`), so that one table of names serves every tool.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import named_value
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.secret_words import words_of

_MAX_VALUE = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name as written, its words with those of its parents, and its value's place in a scalar."""

    name: str
    words: str
    """`tls_enabled` for `{tls: {enabled: }}`: the last words of the path, joined with `_`."""
    own_words: str
    """Only the words of its own key."""
    value: str
    node: Node
    start: int
    end: int
    path: tuple[PathKey, ...]
    parent: Node | None = None
    is_flag: bool = False
    """A bare `--option`."""


def settings(document: CheckedDocument, last_words: Container[str]) -> Iterator[Setting]:
    """Every setting of a document whose name ends with one of `last_words`.

    Long texts count only for the options and assignments inside them.
    """
    for match in document.index.matches:
        node = match.node
        if node.kind is Kind.MAP:
            found = named_value(node)
            if found and _ends_with(found[0], last_words) and len(found[1].value) <= _MAX_VALUE:
                yield _named_pair(match, *found)
        elif node.kind is Kind.SCALAR and node.value:
            name = match.path[-1] if match.path else 0
            if isinstance(name, str) and len(node.value) <= _MAX_VALUE and _ends_with(name, last_words):
                yield _keyed(match, name)
            if isinstance(name, int) or len(node.value) > 12:
                yield from _written_out(match)


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
    return Setting(name, words, words, value.value, value, 0, len(value.value), (*match.path, value_key))


_ASSIGNMENT = re.compile(r"(?<![\w$.-])([A-Za-z_][\w.]{2,60})=(?P<q>[\"']?)([^\s\"';&|]{1,60})(?P=q)")
_OPTION = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][\w.-]{2,60})(?:=(?P<q>[\"']?)(?P<value>[^\s\"';&|]{1,60})(?P=q))?(?![\w=-])"
)
_PARAMETER = re.compile(r"[?&;](?:amp;)?([A-Za-z][\w.-]{1,40})=([^&;\s\"']{1,40})")


def _written_out(match: Match) -> Iterator[Setting]:
    """Assignments, options and URL parameters inside a text."""
    text = match.node.value
    if "=" in text:
        for pattern in (_ASSIGNMENT, _PARAMETER):
            for found in pattern.finditer(text):
                group = 3 if pattern is _ASSIGNMENT else 2
                yield _piece(match, found[1], found[group], *found.span(group))
    if "-" in text:
        for found in _OPTION.finditer(text):
            if found["value"] is not None:
                yield _piece(match, found["name"], found["value"], *found.span("value"))
            else:
                yield _piece(match, found["name"], "true", *found.span("name"), is_flag=True)
        for found in _CURL.finditer(text) if "curl" in text else ():
            yield _piece(match, "curl --insecure", "true", *found.span(1), is_flag=True)


_CURL = re.compile(r"\bcurl\b[^\n|;&]{0,300}?\s(-[fgiLnsSvI]*k[fgiLnsSvIo]*|--insecure)(?=\s|$)")


def _piece(match: Match, name: str, value: str, start: int, end: int, is_flag: bool = False) -> Setting:
    words = "_".join(words_of(name))
    return Setting(name, words, words, value, match.node, start, end, match.path, None, is_flag)
