"""The labels of the real files: what a careful reader found in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Mistake:
    """A class, and the lines that are as good as each other; none of them means any line."""

    cls: str
    lines: frozenset[int]

    def fits(self, classes: frozenset[str], line: int) -> bool:
        """Whether a report is about this."""
        return self.cls in classes and (not self.lines or line in self.lines)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is in one file. No mistakes: the file is clean."""

    mistakes: tuple[Mistake, ...]
    arguable: tuple[Mistake, ...]


@cache
def labels() -> dict[str, Labels]:
    """The labels of each file that was read, by the first ten digits of its hash."""
    path = Path(__file__).with_name("labels.yaml")
    # As text, so that a hash of digits alone, or one like 1e868, stays what it is.
    data: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    names = [*data["mistakes"], *data["clean"]]
    return {
        name: Labels(_mistakes(data["mistakes"].get(name, [])), _mistakes(data["arguable"].get(name, [])))
        for name in names
    }


def _mistakes(entries: list[dict[str, Any]]) -> tuple[Mistake, ...]:
    return tuple(Mistake(entry["class"], frozenset(map(int, entry.get("lines", [])))) for entry in entries)
