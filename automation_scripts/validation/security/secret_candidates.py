"""What has a telling name: every (name, value) pair of a document, however it is written.

Keys, `NAME=value` items, `{name:, value:}` pairs, argument lists, and the same things inside longer texts.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import named_value
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.secret_words import Value, name_class, value_class


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of a scalar that a name says something about."""

    name: str
    node: Node
    start: int
    end: int
    path: tuple[PathKey, ...]

    @property
    def value(self) -> str:
        """The text under the name."""
        return self.node.value[self.start : self.end]


def candidates(document: CheckedDocument) -> Iterator[Candidate]:
    """Every candidate of a document; whether it is a secret is for others to say."""
    silent: set[str] = set()
    for match in document.index.matches:
        node, path = match.node, match.path
        if node.kind is Kind.MAP:
            yield from _named_pair(node, path)
        elif node.kind is Kind.SEQ:
            yield from _flag_and_value(node, path)
        elif node.value:
            if path and isinstance(path[-1], str):
                if (name_class(path[-1]) or path[-2:-1] in _SECTIONS) and not _is_schema_word(path):
                    yield Candidate(path[-1], node, 0, len(node.value), path)
                yield from _default(node, path)
            else:
                yield from _assignment_item(node, path)
            if len(node.value) > 8 and node.value not in silent:
                inside = [*_embedded(node, path), *_authorization(node, path)]
                yield from inside
                if not inside:
                    silent.add(node.value)


# Whatever a Secret holds is one.
_SECTIONS = (("data",), ("stringData",))
_DESCRIBED = frozenset(("properties", "definitions", "$defs", "parameters", "inputs", "schema"))


def _is_schema_word(path: tuple[PathKey, ...]) -> bool:
    """Below `properties`, `password: string` describes a value and is none; so do inputs of actions and forms."""
    return any(step in _DESCRIBED for step in path[:-1]) and (path[-1] not in ("default", "Default"))


def _default(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    """`Parameters: {DbPassword: {Default: x}}` of templates, and `inputs: {token: {default: x}}`."""
    if len(path) >= 3 and path[-1] in ("Default", "default") and path[-3] in ("Parameters", "inputs", "variables"):
        yield Candidate(str(path[-2]), node, 0, len(node.value), path)


def _named_pair(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    """`{name: DB_PASSWORD, value: x}`, as container environments, parameters and settings are written."""
    if found := named_value(node):
        name, value, value_key = found
        if value.value:
            yield Candidate(name, value, 0, len(value.value), (*path, value_key))


_FLAG = re.compile(r"--?([A-Za-z][\w.-]{0,80})")


def _flag_and_value(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    """`["--password", "x"]`: an argument list whose next item is the value."""
    texts = [child.resolved() for child in node.children]
    for i, (flag, value) in enumerate(pairwise(texts)):
        if flag.kind is not Kind.SCALAR or value.kind is not Kind.SCALAR or not value.value:
            continue
        if (match := _FLAG.fullmatch(flag.value)) and not value.value.startswith("-"):
            yield Candidate(match[1], value, 0, len(value.value), (*path, i + 1))


_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


def _assignment_item(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    if match := _ASSIGNMENT.fullmatch(node.value):
        start = match.start(2)
        text = match[2]
        if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
            start, text = start + 1, text[1:-1]
        yield Candidate(match[1], node, start, start + len(text), path)


# Bounded on both sides: a long run of word characters must not be tried from each of its characters to its end.
_NAMED = (
    r"[\w.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|requirepass)"
    r"[\w.-]{0,40}"
)
_EMBEDDED = re.compile(
    rf"(?P<name>(?<![\w$]){_NAMED})[\"']?(?:[ \t]*(?P<sign>=>|:=|=|:)[ \t]*|[ ]+)(?P<quote>[\"']?)(?P<value>[^\s\"'`,;&|)}}\]]+)",
    re.IGNORECASE,
)
_SHELL_PASSWORD = re.compile(
    r"\b(?:mysql|mysqladmin|mysqldump|mariadb|mariadb-admin)\b[^\n|;&]{0,300}?\s-p(?P<a>[^\s\"';|&]{3,})"
    r"|\bsshpass\s+-p\s*[\"']?(?P<b>[^\s\"';|&]{3,})"
    r"|\b(?:curl|wget)\b[^\n|;&]{0,300}?\s(?:-u|--user)[ =][\"']?[\w.@-]+:(?P<c>[^\s\"'@;|&]{3,})"
)


_HINTS = ("pass", "pwd", "secret", "token", "key", "mysql", "mariadb", "curl", "wget")


def _embedded(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    """`--password=x`, `export API_KEY=x`, `Server=db;Password=x`, and properties files inside a value."""
    text = node.value
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return
    for match in _EMBEDDED.finditer(text):
        name, sign = match["name"], match["sign"]
        # Only an option takes its value after a mere space; in prose the next word is just the next word.
        if sign is None and not name.startswith("-"):
            continue
        if sign == ":" and not _starts_line(text, match.start()):
            continue
        if match.start() == 0 and match.end() == len(text) and path and isinstance(path[-1], int):
            continue  # a whole `KEY=value` item
        yield Candidate(name.lstrip("-"), node, match.start("value"), match.end("value"), path)
    for match in _SHELL_PASSWORD.finditer(text):
        group = match.lastgroup or "a"
        yield Candidate("password", node, match.start(group), match.end(group), path)


def _starts_line(text: str, offset: int) -> bool:
    """`password: x` in an embedded YAML text; in the middle of a sentence the same characters are prose."""
    line = text.rfind("\n", 0, offset) + 1
    return text[line:offset].strip(" \t\"'-") == "" and "\n" in text


_AUTHORIZATION = re.compile(
    r"\b(?:Basic\s+(?P<basic>[A-Za-z0-9+/]{8,}={0,2})|Bearer\s+(?P<bearer>[A-Za-z0-9._~+/-]{16,}=*))(?![\w$])"
)


def _authorization(node: Node, path: tuple[PathKey, ...]) -> Iterator[Candidate]:
    if "Basic" not in node.value and "Bearer" not in node.value:
        return
    for match in _AUTHORIZATION.finditer(node.value):
        group = match.lastgroup or "bearer"
        if group == "basic" and b":" not in decoded(match[group]):
            continue
        yield Candidate("authorization", node, match.start(group), match.end(group), path)


def decoded(text: str) -> bytes:
    """The bytes of a base64 text; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


_INSIDE = re.compile(
    r"[\"']?(?P<name>[\w.-]{0,40}(?:passw(?:or)?d|secret|token|api[_-]?key)|_auth|auth)[\"']?[ \t]*[:=][ \t]*[\"']?(?P<value>[^\s\"',}]{4,400})",
    re.IGNORECASE,
)


def holds_credentials(text: str) -> bool:
    """Whether a file inside a Secret (.dockerconfigjson, .npmrc, a configuration) holds a literal one."""
    for match in _INSIDE.finditer(text[:20_000]):
        name, value = match["name"], match["value"]
        if name.lower() in ("auth", "_auth"):
            if b":" in decoded(value):
                return True
        elif value_class(name, value) is Value.LITERAL:
            return True
    return False
