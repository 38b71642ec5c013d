"""Fleets of similar files, as texts, and what is found in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.learned.check import check_learned
from automation_scripts.validation.parsing.files import parse_text

Place = tuple[str, str | None, int | None]


def found_in(files: dict[str, str], told: tuple[tuple[str, int], ...] = ()) -> list[Finding]:
    """The findings for files that need not exist."""
    return check_learned(Corpus([parse_text(Path("/srv") / name, name, text) for name, text in files.items()]), told)


def places(findings: list[Finding]) -> list[Place]:
    """What counts of findings: rule, file, line."""
    return [(finding.rule_id, finding.file, finding.line) for finding in findings]


def service(number: int) -> str:
    """The configuration of one service of many; numbers and names differ as they do in real ones."""
    return f"""\
service:
  name: shop-{number}
  image: registry.example.com/shop-{number}:1.{number}.0
  port: {8000 + number}
  mode: cluster
  debug: false
limits:
  memory: {256 * (1 + number % 4)}Mi
  timeout: {20 + number % 3}
  minWorkers: {1 + number % 2}
  maxWorkers: {4 + number % 5}
labels:
  app: shop-{number}
  team: team-{number % 6}
"""


def fleet(count: int = 40, change: Callable[[int, str], str] = lambda number, text: text) -> dict[str, str]:
    """`count` services, each in its folder."""
    return {f"services/s{number}/service.yaml": change(number, service(number)) for number in range(count)}


def with_odd(old: str, new: str, odd: int = 17, count: int = 40) -> dict[str, str]:
    """A fleet in which one service says `new` where it said `old`."""

    def change(number: int, text: str) -> str:
        if number != odd:
            return text
        assert old in text, (old, text)
        return text.replace(old, new, 1)

    return fleet(count, change)
