"""A business rule, compiled, and the words that a rule file may use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from automation_scripts.results import Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import text_of
from automation_scripts.validation.documents.selectors import Selector
from automation_scripts.validation.rules.expressions import Expression

TEXT_KEYS = ("id", "severity", "class", "kind", "file", "select", "when", "assert", "message", "suggestion", "fix")
EXAMPLE_KEYS = ("bad", "good")
KEYS = (*TEXT_KEYS, *EXAMPLE_KEYS)
REQUIRED = ("id", "class", "select", "assert", "message")
PLACEHOLDERS = ("value", "path", "key", "file")
"""What `{...}` in a message may name; any other text in braces stays as it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled. The fields are those of the file."""

    id: str
    severity: Severity
    tag: str
    select: Selector
    holds: Expression
    message: str
    when: Expression | None = None
    kind: str = ""
    """`kubernetes`, `kubernetes/CronJob` or several, separated with `|`; empty for documents of every kind."""
    file: re.Pattern[str] | None = None
    suggestion: str | None = None
    fix: str | None = None
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()

    def concerns(self, document: CheckedDocument) -> bool:
        """Whether the rule looks at documents like this one."""
        if self.kind and not any(_is_of(document, kind) for kind in self.kind.split("|")):
            return False
        # `**/prod/*` means the folder at the top as well, so the name is also tried with a slash before it.
        name = document.file.name
        return self.file is None or any(self.file.fullmatch(text) for text in (name, f"/{name}"))


def _is_of(document: CheckedDocument, kind: str) -> bool:
    name, _, object_kind = kind.strip().partition("/")
    return document.kind == name and (not object_kind or text_of(document.root.get("kind")) == object_kind)
