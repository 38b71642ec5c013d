"""The baseline file's own form: JSON, one entry a line, sorted. Reading says where a mistake stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NoReturn

from automation_scripts.errors import InvalidParameters
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.limits import DEFAULT_LIMITS
from automation_scripts.validation.input.reading import NotReadable, read_bytes
from automation_scripts.validation.input.text import decode
from automation_scripts.validation.parsing.json import parse_json

VERSION = 1
_FINDING_KEYS = ("file", "rule", "resource", "message", "count", "lines", "fingerprint")
_SUPPRESSION_KEYS = ("file", "rules", "resource", "reason", "until")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_AGAIN = "Mend it, or accept all findings anew with --update-baseline."


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """Findings of one file that are accepted and equal but for their lines."""

    file: str
    rule: str
    resource: str
    message: str
    """How the sentence begins, for people."""
    fingerprint: str
    count: int = 1
    line: int = field(default=0, compare=False)
    """Where the entry stands in the baseline file; 0 for one that is not written yet."""
    lines: tuple[int, ...] = field(default=(), compare=False)
    """Where they stood when they were accepted. Written only for several equal ones, to tell a new one from them."""


@dataclass(frozen=True, slots=True, order=True)
class Sidecar:
    """A suppression for a file that cannot hold a comment. `resource` is a path in it; empty for the whole file."""

    file: str
    rules: tuple[str, ...]
    resource: str = ""
    reason: str = ""
    until: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(slots=True)
class Content:
    """What a baseline file holds, with its text."""

    entries: list[Entry] = field(default_factory=list)
    suppressions: list[Sidecar] = field(default_factory=list)
    text: str = ""


def render(entries: Iterable[Entry], suppressions: Iterable[Sidecar]) -> str:
    """The text of the file: the same for the same content, whatever its order was."""
    found: list[dict[str, object]] = [
        {
            "file": entry.file,
            "rule": entry.rule,
            **({"resource": entry.resource} if entry.resource else {}),
            "message": entry.message,
            **({"count": entry.count, "lines": sorted(entry.lines)} if entry.count > 1 else {}),
            "fingerprint": entry.fingerprint,
        }
        for entry in sorted(entries)
    ]
    hidden: list[dict[str, object]] = [
        {
            "file": sidecar.file,
            "rules": list(sidecar.rules),
            **({"resource": sidecar.resource} if sidecar.resource else {}),
            "reason": sidecar.reason,
            **({"until": sidecar.until.isoformat()} if sidecar.until else {}),
        }
        for sidecar in sorted(suppressions, key=lambda s: (s.file, s.resource, s.rules))
    ]
    return f'{{\n"version": {VERSION},\n"findings": {_lines(found)},\n"suppressions": {_lines(hidden)}\n}}\n'


def parse(path: Path) -> Content:
    """Read and check a baseline file.

    Raises:
        InvalidParameters: when it cannot be read or does not hold what it should: the file, the line, what to do.
    """
    try:
        data = read_bytes(path, DEFAULT_LIMITS)
    except NotReadable as error:
        hint = "" if path.exists() else " Write it with --update-baseline, or leave --baseline out."
        raise InvalidParameters(f"baseline: {path}: {error.message}{hint}") from error
    decoded = decode(data, path.name)
    parsed = parse_json(path.absolute(), path.name, decoded.text)
    wrong = [*decoded.findings, *parsed.findings]
    if wrong or not parsed.documents:
        line, message = (wrong[0].line, wrong[0].message) if wrong else (1, "it holds no JSON.")
        raise InvalidParameters(f"baseline: {path}, line {line}: {message} {_AGAIN}")
    return _Reader(path).content(parsed.documents[0].root, decoded.text)


def _lines(entries: list[dict[str, object]]) -> str:
    if not entries:
        return "[]"
    # A lone half of a surrogate pair is no UTF-8; it is written as an escape.
    return "[\n" + ",\n".join(_encodable(json.dumps(entry, ensure_ascii=False)) for entry in entries) + "\n]"


def _encodable(text: str) -> str:
    return re.sub(r"[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def content(self, root: Node, text: str) -> Content:
        top = self._map(root, ("version", "findings", "suppressions"), "A baseline")
        version = top.get("version")
        if version is None or version.value != str(VERSION):
            said = version.value if version is not None and version.kind is Kind.SCALAR else "nothing"
            self._fail(
                version or root,
                f"`version` is {said}, and this version of automation_scripts reads {VERSION}",
                "Update automation_scripts, or accept all findings anew with --update-baseline.",
            )
        return Content(
            [self._entry(node) for node in self._items(top.get("findings"))],
            [self._sidecar(node) for node in self._items(top.get("suppressions"))],
            text,
        )

    def _entry(self, node: Node) -> Entry:
        values = self._map(node, _FINDING_KEYS, "An accepted finding")
        count = values.get("count")
        if count is not None and not re.fullmatch(r"[1-9]\d{0,8}", count.value):
            self._fail(count, f"`count` is {count.value[:40]}, not a whole number from 1 on")
        fingerprint = self._text(values, "fingerprint", node)
        if not _FINGERPRINT.fullmatch(fingerprint):
            self._fail(values["fingerprint"], "`fingerprint` is not 32 hexadecimal digits")
        return Entry(
            self._text(values, "file", node),
            self._text(values, "rule", node),
            self._text(values, "resource"),
            self._text(values, "message"),
            fingerprint,
            int(count.value) if count is not None else 1,
            node.span.line,
            self._numbers(values.get("lines")),
        )

    def _numbers(self, node: Node | None) -> tuple[int, ...]:
        listed = list(self._items(node))
        for item in listed:
            if not re.fullmatch(r"\d{1,9}", item.value):
                self._fail(item, "`lines` must be a list of whole numbers")
        return tuple(int(item.value) for item in listed)

    def _sidecar(self, node: Node) -> Sidecar:
        values = self._map(node, _SUPPRESSION_KEYS, "A suppression")
        listed = values.get("rules")
        rules = tuple(item.value for item in listed.children) if listed is not None else ()
        if not rules or not all(rules):
            self._fail(listed or node, "`rules` must be a list of rule ids or classes")
        until = self._text(values, "until")
        try:
            day = date.fromisoformat(until) if until else None
        except ValueError:
            self._fail(values["until"], f"`until` is {until[:40]!r}, not a day such as 2026-12-31")
        return Sidecar(
            self._text(values, "file", node),
            rules,
            self._text(values, "resource"),
            self._text(values, "reason").strip(),
            day,
            node.span.line,
        )

    def _map(self, node: Node, known: tuple[str, ...], what: str) -> dict[str, Node]:
        if node.kind is not Kind.MAP:
            self._fail(node, f"{what} must be an object with {', '.join(known)}")
        for key, _ in node.entries:
            if key.value not in known:
                guess = nearest(key.value, known)
                hint = f"; did you mean `{guess}`?" if guess else f"; known are {', '.join(known)}"
                self._fail(key, f"the key `{key.value[:60]}` is unknown{hint}")
        return {key.value: value for key, value in node.entries}

    def _items(self, node: Node | None) -> Iterator[Node]:
        if node is None:
            return
        if node.kind is not Kind.SEQ:
            self._fail(node, "a list is expected here")
        yield from node.children

    def _text(self, values: dict[str, Node], key: str, needed_by: Node | None = None) -> str:
        node = values.get(key)
        if node is None:
            if needed_by is not None:
                self._fail(needed_by, f"`{key}` is missing")
            return ""
        if node.kind is not Kind.SCALAR or node.style is not Style.DOUBLE:
            self._fail(node, f"`{key}` must be a text in quotes")
        return node.value

    def _fail(self, node: Node, why: str, hint: str = _AGAIN) -> NoReturn:
        raise InvalidParameters(f"baseline: {self.path}, line {node.span.line}: {why}. {hint}")
