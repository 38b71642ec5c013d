"""`.env` files: their entries, duplicates in them, and the variables that compose files expect from them.

Source: the Compose specification, "Interpolation" and "Env_file format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.values.word_lists import words

_MAX_BYTES = 1024 * 1024
_ENTRY = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*(=|:\s)(.*)")
_VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_]\w*)([^}]*)\}|([A-Za-z_]\w*))")
_SAMPLE = re.compile(r"example|sample|template|dist|default", re.IGNORECASE)
# Set by the shell, by Compose itself or by CI: nobody writes these into a file.
_AMBIENT = words("ambient variables")


class NamedFile(Protocol):
    """A file with the name that findings show, such as `discovery.ConfigFile`."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One `NAME=value` line; positions are 1-based."""

    name: str
    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A parsed `.env` file."""

    name: str
    path: Path
    entries: tuple[EnvEntry, ...]

    @property
    def is_sample(self) -> bool:
        """True for `.env.example` and its like: they name the variables, but nothing reads them."""
        return bool(_SAMPLE.search(self.path.name))


def read_env_file(file: NamedFile) -> EnvFile:
    """Read one `.env` file; an unreadable one has no entries."""
    try:
        with file.path.open("rb") as stream:
            text = stream.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        text = ""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and (match := _ENTRY.match(line)):
            entries.append(EnvEntry(match[1], match[3].strip(), number, match.start(1) + 1))
    return EnvFile(file.name, file.path, tuple(entries))


def check_env_files(corpus: Corpus, files: Sequence[NamedFile]) -> list[Finding]:
    """Repeated names in `.env` files, and compose variables that no `.env` file beside the compose file sets."""
    parsed = [read_env_file(file) for file in files]
    found = [finding for file in parsed for finding in _repeated(file)]
    by_folder: dict[Path, list[EnvFile]] = {}
    for file in parsed:
        by_folder.setdefault(file.path.parent, []).append(file)
    for document in corpus.of("compose"):
        if beside := by_folder.get(document.folder):
            found += _unset(document, beside)
    return found


def _repeated(file: EnvFile) -> Iterator[Finding]:
    first: dict[str, EnvEntry] = {}
    for entry in file.entries:
        earlier = first.setdefault(entry.name, entry)
        if earlier is not entry:
            yield Finding(
                "reference/repeated-variable",
                Severity.MEDIUM,
                f"{entry.name} is set again; line {earlier.line} set it already, and only this one counts.",
                file=file.name,
                line=entry.line,
                column=entry.column,
                end_line=entry.line,
                end_column=entry.column + len(entry.name),
                resource=entry.name,
                suggestion="Keep one of the two.",
                tags=("dup-env",),
            )


def _unset(document: CheckedDocument, files: Sequence[EnvFile]) -> Iterator[Finding]:
    known = {entry.name for file in files for entry in file.entries}
    if not known:
        return
    names = ", ".join(sorted(file.name for file in files))
    seen: set[str] = set()
    for match in document.index.matches:
        if match.node.kind is not Kind.SCALAR or "$" not in match.node.value:
            continue
        for use in _VARIABLE.finditer(match.node.value):
            name = use[1] or use[3]
            if not name or name in known or name in _AMBIENT or name in seen or _has_fallback(use[2] or ""):
                continue
            seen.add(name)
            near = nearest(name, known)
            yield document.finding(
                document.part(match.node, *use.span()),
                "reference/unset-variable",
                Severity.MEDIUM,
                f"${{{name}}} is set in none of {names} and has no default: it becomes an empty text.",
                "dangling-ref",
                path=match.path,
                suggestion=f"Did you mean {near}?"
                if near
                else f"Add {name} to the file, or write ${{{name}:-default}}.",
            )


def _has_fallback(modifier: str) -> bool:
    """`:-x`, `-x`, `:+x`, `+x` give a value; `:?x` and `?x` stop with a message of their own."""
    return modifier.lstrip(":")[:1] in ("-", "+", "?") if modifier else False
