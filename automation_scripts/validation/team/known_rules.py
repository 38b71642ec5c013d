"""Which rule ids there are, for "did you mean" in suppressions.

There is no register of rules: each family names its own. So the ids are read from where they are written, our modules
and rule files, and only when a suppression names one that nothing was found of. An id that is put together when it is
needed (`drift/` and a word) is not among them; so a family that is known excuses an id that is like no other.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.classes import CLASSES

_PACKAGE = Path(__file__).resolve().parent.parent
_LITERAL = re.compile(r"\"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)/([a-z][a-z0-9]*(?:-[a-z0-9]+)*(?=\")|\{)")
_RULE = re.compile(r"(?m)^[ ]*-[ ]+id:[ ]+([a-z0-9-]+)/([a-z0-9-]+)[ ]*$")


@dataclass(frozen=True, slots=True)
class KnownRules:
    """Rule ids and their families."""

    ids: frozenset[str]
    families: frozenset[str]

    def objection(self, name: str) -> tuple[str, str | None] | None:
        """What is wrong with a rule id, class or `family/*` that a suppression names, and the likely right one."""
        family, slash, rest = name.partition("/")
        if not slash:
            if name in CLASSES:
                return None
            return f"There is no class '{name}'", nearest(name, [*CLASSES, *self.ids])
        if name in self.ids or (rest == "*" and family in self.families):
            return None
        if rest == "*":
            guess = nearest(family, self.families)
            return f"There is no family of rules '{family}'", f"{guess}/*" if guess else None
        guess = nearest(name, self.ids)
        if guess is None and family in self.families:
            return None
        return f"There is no rule '{name}'", guess


def known_rules(more: Collection[str] = ()) -> KnownRules:
    """The rules of this package, and `more` ids: of the user's own rules and of what was found."""
    ids, families = _written()
    return KnownRules(ids | set(more), families | {name.partition("/")[0] for name in more})


@lru_cache(maxsize=1)
def _written() -> tuple[frozenset[str], frozenset[str]]:
    ids: set[str] = set()
    families: set[str] = set()
    for path in sorted(_PACKAGE.rglob("*.py")):
        _collect(_LITERAL, path, ids, families)
    for path in sorted((_PACKAGE / "rules" / "built_in").glob("*.yaml")):
        _collect(_RULE, path, ids, families)
    return frozenset(ids), frozenset(families)


def _collect(pattern: re.Pattern[str], path: Path, ids: set[str], families: set[str]) -> None:
    for family, rest in pattern.findall(path.read_text(encoding="utf-8")):
        families.add(family)
        if rest != "{":
            ids.add(f"{family}/{rest}")
