"""Reads one settings file as plain data, with the position of every key and value."""

from __future__ import annotations

import codecs
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation_scripts.settings.problems import KeyPath, Position, Problem
from automation_scripts.settings.writers import open_to_others
from automation_scripts.settings.yaml_tree import FileRefused, Node, build

MAX_BYTES = 256 * 1024

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PLAIN_TAGS = frozenset({None, "!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))})


@dataclass(slots=True)
class Document:
    """A file's data, where each part of it stands, and what is wrong with how it is written."""

    file: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    """Where each key stands."""
    values: dict[KeyPath, Position] = field(default_factory=dict)
    """Where each value stands."""
    problems: list[Problem] = field(default_factory=list)
    _reported: set[tuple[str, Position | None]] = field(default_factory=set)

    def report(self, message: str, at: Position | None = None, path: KeyPath = ()) -> None:
        """Adds one problem, once: an anchored part is read again wherever an alias repeats it."""
        if (message, at) not in self._reported:
            self._reported.add((message, at))
            self.problems.append(Problem(message, path, self.file, at))


def read_document(path: Path) -> Document:
    """The file's only YAML document. Never raises for what the file is or holds: see `problems`."""
    document = Document(file=str(path))
    try:
        root = build(_text(path))
        if root is None or (root.kind == "scalar" and root.value is None):
            return document
        if root.kind == "map":
            document.data = _map(root, (), document)
        else:
            document.report("the file must be a mapping of sections such as `automation:`", root.at)
    except FileRefused as refused:
        document.report(str(refused), refused.at)
    return document


def _text(path: Path) -> str:
    try:
        # Asked before opening, because opening a pipe would wait for somebody to write to it.
        if not stat.S_ISREG(path.stat().st_mode):
            what = "is a folder" if path.is_dir() else "is not a regular file"
            raise FileRefused(f"{what}; give the path of a YAML file")
        with path.open("rb") as file:
            if reason := open_to_others(os.fstat(file.fileno())):
                raise FileRefused(reason)
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise FileRefused("there is no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileRefused(f"cannot be read: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise FileRefused(f"is larger than {MAX_BYTES // 1024} KiB, the most that a settings file may be")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw[:4]:
        raise FileRefused("is UTF-16 or UTF-32, or not text at all; save it as UTF-8", Position(1, 1))
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        at = _end(error.object[: error.start].decode())
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise FileRefused(message, at) from None
    if bad := _UNPRINTABLE.search(text):
        message = f"character U+{ord(bad[0]):04X} is not allowed in YAML; remove it"
        raise FileRefused(message, _end(text[: bad.start()]))
    return text


def _end(text: str) -> Position:
    """The place that follows this text."""
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _plain(node: Node, path: KeyPath, document: Document) -> Any:
    """The node as dicts, lists and scalars; notes where everything below it stands."""
    document.values.setdefault(path, node.at)
    if node.tag not in _PLAIN_TAGS:
        tag = str(node.tag).replace("tag:yaml.org,2002:", "!!")
        document.report(f"the tag {tag} is not allowed; write the plain value", node.at, path)
    if node.kind == "map":
        return _map(node, path, document)
    if node.kind == "seq":
        return [_plain(child, (*path, index), document) for index, child in enumerate(node.children)]
    return node.value


def _map(node: Node, path: KeyPath, document: Document) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, (key, value) in _entries(node, path, document).items():
        here = (*path, name)
        document.keys[here] = key.at
        if value.text == "":
            document.values[here] = key.at  # nothing is written there to point at
        data[name] = _plain(value, here, document)
    return data


def _entries(node: Node, path: KeyPath, document: Document) -> dict[str, tuple[Node, Node]]:
    """The map's keys and values by name. Its own keys win over merged ones, earlier merges over later."""
    entries: dict[str, tuple[Node, Node]] = {}
    merged: list[Node] = []
    for key, value in zip(node.children[::2], node.children[1::2], strict=True):
        if key.merge:
            sources = value.children if value.kind == "seq" else [value]
            merged.extend(source for source in sources if source.kind == "map")
            if not all(source.kind == "map" for source in sources):
                document.report("`<<` takes a mapping or a list of mappings", key.at, path)
        elif not key.text or key.tag not in _PLAIN_TAGS:
            document.report("a key must be a plain name", key.at, path)
        elif key.text in entries:
            first = entries[key.text][0].at.line
            document.report(f"this key is already on line {first}; keep one", key.at, (*path, key.text))
        else:
            entries[key.text] = (key, value)
    for source in merged:
        for name, entry in _entries(source, path, document).items():
            entries.setdefault(name, entry)
    return entries
