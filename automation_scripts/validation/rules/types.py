"""A business rule, compiled, and the words that a rule file may use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from automation_scripts.results import Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
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

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """The kinds of documents that the rule is for, each with the kind of object; empty for all."""
        return _kinds(self.kind)

    def concerns(self, document: CheckedDocument) -> bool:
        """Whether the rule looks at documents like this one."""
        kinds = self.kinds
        if kinds and not any(
            document.kind == name and (not wanted or document.object_kind == wanted) for name, wanted in kinds
        ):
            return False
        # `**/prod/*` means the folder at the top as well, so the name is also tried with a slash before it.
        name = document.file.name
        return self.file is None or any(self.file.fullmatch(text) for text in (name, f"/{name}"))


@lru_cache(maxsize=1024)
def _kinds(text: str) -> tuple[tuple[str, str], ...]:
    parts = (part.strip().partition("/") for part in text.split("|") if part.strip())
    return tuple((name, object_kind) for name, _, object_kind in parts)
