"""Which rules can find anything in a document, told from the document's keys alone.

A rule can only match where every key step of its selector has some key of the document. With a bit for each step,
a document's keys become one number, and a rule is ruled out by one comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from automation_scripts.validation.documents.selectors import Step
from automation_scripts.validation.rules.types import Rule


class RuleIndex:
    """The selectors of some rules, ready to be compared with the keys of documents."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._literal: dict[str, int] = {}
        """The bits of steps that take one key."""
        self._patterns: list[tuple[int, Step]] = []
        """The bits of the others."""
        self._bits_of_name: dict[str, int] = {}
        bits: dict[str, int] = {}
        self._needs: dict[str, int] = {}
        for rule in rules:
            need = 0
            for step in rule.select.steps:
                # `*` takes indexes as well, so no key need be there.
                if step.key is None or step.index is not None:
                    continue
                if step.key.pattern not in bits:
                    bits[step.key.pattern] = 1 << len(bits)
                    self._remember(step, bits[step.key.pattern])
                need |= bits[step.key.pattern]
            self._needs[rule.id] = need

    def _remember(self, step: Step, bit: int) -> None:
        if step.literal is not None:
            self._literal[step.literal] = bit
        else:
            self._patterns.append((bit, step))

    def keys(self, names: Iterable[str]) -> int:
        """The steps that at least one of these keys meets, a bit each."""
        met = 0
        for name in names:
            bits = self._bits_of_name.get(name)
            if bits is None:
                bits = self._literal.get(name, 0) | sum(bit for bit, step in self._patterns if step.takes(name))
                self._bits_of_name[name] = bits
            met |= bits
        return met

    def may_match(self, rule: Rule, keys: int) -> bool:
        """False when the rule's selector surely finds nothing in a document with these keys."""
        return keys & self._needs[rule.id] == self._needs[rule.id]
