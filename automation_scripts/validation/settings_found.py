"""Settings, wherever they are written: nested keys, environment blocks, arguments, command lines, URL parameters.

A setting's name is reduced to its words (`verifySsl`, `VERIFY_SSL`, `--verify-ssl` and `verify: {ssl: }` are all
`verify_ssl`), so that one table of names serves every tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.corpus import CheckedDocument
from automation_scripts.validation.scalars import text_of
from automation_scripts.validation.secret_words import words_of
from automation_scripts.validation.selectors import Match
from automation_scripts.validation.tree import Kind, Node, PathKey

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


def settings(document: CheckedDocument) -> Iterator[Setting]:
    """Every setting of a document. Long texts count only for the options and assignments inside them."""
    for match in document.index.matches:
        node = match.node
        if node.kind is Kind.MAP:
            yield from _named_pair(match)
        elif node.kind is Kind.SCALAR and node.value:
            in_map = bool(match.path) and isinstance(match.path[-1], str)
            if in_map and len(node.value) <= _MAX_VALUE:
                yield _keyed(match)
            if not in_map or len(node.value) > 12:
                yield from _written_out(match)


def _keyed(match: Match) -> Setting:
    name = str(match.path[-1])
    steps = [step for step in match.path[-3:] if isinstance(step, str)]
    own = words_of(name)
    words = [word for step in steps for word in words_of(step[:120])]
    return Setting(
        name,
        "_".join(words),
        "_".join(own),
        match.node.value,
        match.node,
        0,
        len(match.node.value),
        match.path,
        match.parent,
    )


def _named_pair(match: Match) -> Iterator[Setting]:
    for name_key, value_key in (("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value")):
        name, value = text_of(match.node.get(name_key)), match.node.get(value_key)
        if name and value is not None and value.kind is Kind.SCALAR and len(value.value) <= _MAX_VALUE:
            words = "_".join(words_of(name[:120]))
            yield Setting(name, words, words, value.value, value, 0, len(value.value), (*match.path, value_key))


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


_CURL = re.compile(r"\bcurl\b[^\n|;&]*?\s(-[fgiLnsSvI]*k[fgiLnsSvIo]*|--insecure)(?=\s|$)")


def _piece(match: Match, name: str, value: str, start: int, end: int, is_flag: bool = False) -> Setting:
    words = "_".join(words_of(name))
    return Setting(name, words, words, value, match.node, start, end, match.path, None, is_flag)
