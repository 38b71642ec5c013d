"""Differences that are meant, declared in `drift.yaml`.

```yaml
differences:
  - path: database.pool_size      # `*` is one key, `**` any number of them
    file: "overlays/**"           # optional; relative to the folder of this file
    reason: production has a larger server
    expires: 2027-06-30           # optional
```

A declaration counts for the files of its folder and below. One that is wrong, expired, or declares nothing is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.documents.tree import Kind, Node

_NAME = re.compile(r"(?:^|/)\.?drift\.ya?ml$", re.IGNORECASE)
_KEYS = ("path", "file", "reason", "expires")


@dataclass(eq=False, slots=True)
class Declaration:
    """One declared difference."""

    document: CheckedDocument
    index: int
    node: Node
    pattern: re.Pattern[str]
    file: str
    used: bool = False

    def covers(self, finding: Finding) -> bool:
        """True when it declares what a finding tells."""
        folder = self.document.file.name.replace("\\", "/").rpartition("/")[0]
        name = (finding.file or "").replace("\\", "/")
        if folder and not name.startswith(f"{folder}/"):
            return False
        below = name[len(folder) + 1 :] if folder else name
        if self.file and not _matches_file(below, self.file):
            return False
        path = re.sub(r"\[\d+\]", "", finding.resource or "").replace('"', "")
        return self.pattern.fullmatch(path) is not None


def _matches_file(name: str, glob: str) -> bool:
    return fnmatchcase(name, glob) or fnmatchcase(name, glob.replace("**/", ""))


def apply_declarations(found: Iterable[Finding], corpus: Corpus, today: date) -> list[Finding]:
    """The findings that nothing declares, and those about the declarations themselves."""
    problems: list[Finding] = []
    declarations = [
        declaration
        for document in corpus.documents
        if is_declarations(document)
        for declaration in _declarations(document, today, problems)
    ]
    left = []
    for finding in found:
        covering = [declaration for declaration in declarations if declaration.covers(finding)]
        for declaration in covering:
            declaration.used = True
        if not covering:
            left.append(finding)
    return [*left, *problems, *(_unused(declaration) for declaration in declarations if not declaration.used)]


def is_declarations(document: CheckedDocument) -> bool:
    """True for a `drift.yaml` that declares differences, and is not some other file of this name."""
    if document.kind or not _NAME.search(document.file.name.replace("\\", "/")) or document.root.kind is not Kind.MAP:
        return False
    return document.root.entry("differences") is not None


def _declarations(document: CheckedDocument, today: date, problems: list[Finding]) -> Iterable[Declaration]:
    key, listed = document.root.entry("differences") or (None, document.root)
    listed = listed.resolved()
    if listed.kind is not Kind.SEQ:
        problems.append(_problem(document, key, listed, "differences", "'differences' must be a list.", "wrong-type"))
        return
    for i, child in enumerate(listed.children):
        node = child.resolved()
        before = len(problems)
        _judge(document, i, node, today, problems)
        path = node.get("path") if node.kind is Kind.MAP else None
        if len(problems) == before and path is not None:
            file = node.get("file")
            yield Declaration(document, i, node, _pattern(path.value), file.value if file is not None else "")


def _judge(document: CheckedDocument, i: int, node: Node, today: date, problems: list[Finding]) -> None:
    at = f"differences[{i}]"
    if node.kind is not Kind.MAP:
        problems.append(
            _problem(document, None, node, at, "A declaration is a map with 'path' and 'reason'.", "wrong-type")
        )
        return
    for key, given in node.entries:
        value = given.resolved()
        if key.value not in _KEYS:
            near = nearest(key.value, _KEYS)
            hint = f" Did you mean '{near}'?" if near else f" Known are {', '.join(_KEYS)}."
            message = f"A declaration has no key '{key.value}'.{hint}"
            problems.append(_problem(document, None, key, f"{at}.{key.value}", message, "unknown-key"))
        elif value.kind is not Kind.SCALAR or not value.value.strip():
            message = f"'{key.value}' must be a text."
            problems.append(_problem(document, key, value, f"{at}.{key.value}", message, "wrong-type"))
    for name in ("path", "reason"):
        if node.entry(name) is None:
            message = f"The declaration has no '{name}'."
            problems.append(_problem(document, None, node, at, message, "missing-required"))
    expires = node.get("expires")
    if expires is not None and expires.kind is Kind.SCALAR and expires.value.strip():
        _judge_date(document, expires, f"{at}.expires", today, problems)


def _judge_date(document: CheckedDocument, node: Node, at: str, today: date, problems: list[Finding]) -> None:
    try:
        expires = date.fromisoformat(node.value.strip())
    except ValueError:
        message = f"'{node.value[:40]}' is no date: write 2027-06-30."
        problems.append(_problem(document, None, node, at, message, "invalid-value"))
        return
    if expires < today:
        message = f"The declaration expired on {expires.isoformat()}: the difference is told again."
        problems.append(_problem(document, None, node, at, message, "invalid-value"))


def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*\.?|\*|\?)", glob.strip().replace('"', ""))
    known = {"**": ".*", "**.": "(?:.*\\.)?", "*": "[^.]*", "?": "[^.]"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def _problem(document: CheckedDocument, key: Node | None, node: Node, path: str, message: str, tag: str) -> Finding:
    return document.finding(
        head(key, node),
        "drift/declaration",
        Severity.MEDIUM,
        message,
        tag,
        path=path,
        suggestion="Each entry of 'differences' needs 'path' and 'reason'; 'file' and 'expires' are optional.",
    )


def _unused(declaration: Declaration) -> Finding:
    path = declaration.node.get("path")
    return declaration.document.finding(
        head(None, path if path is not None else declaration.node),
        "drift/unused-declaration",
        Severity.LOW,
        "No difference of this path was found: the declaration declares nothing.",
        "unused",
        path=f"differences[{declaration.index}].path",
        suggestion="Remove the declaration, or correct its path.",
    )
