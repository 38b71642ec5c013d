"""What is wrong with the settings, where, and the one error that tells all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from automation_scripts.errors import ConfigurationError

KeyPath = tuple[str | int, ...]
"""The way to a value: keys, and indexes into lists."""

REFERENCE = Path(__file__).parent.parent / "reference.yaml"
"""The commented reference configuration that is installed with the program."""

_SHOWN = 50


class Position(NamedTuple):
    """A place in a file; both are 1-based and count characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `source` is the file, or `environment variable NAME`."""

    message: str
    path: KeyPath = ()
    source: str | None = None
    at: Position | None = None

    def __str__(self) -> str:
        where = [self.source or "settings", *map(str, self.at or ())]
        key = f"{dotted(self.path)}: " if self.path else ""
        line = f"{':'.join(where)}: {key}{self.message}"
        # Names come from the file: what would move the cursor of a terminal is shown as its escape.
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class SettingsError(ConfigurationError):
    """The settings cannot be used; `problems` lists every reason, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.source or "", p.at or Position(0, 0))))
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"and {len(self.problems) - _SHOWN} more")
        if len(self.problems) > 1:
            lines.insert(0, f"The settings have {len(self.problems)} problems:")
        lines.append(f"Every key with its default and meaning: {REFERENCE}")
        super().__init__("\n".join(lines))


def dotted(path: KeyPath) -> str:
    """`automation.require_approval_for[1]`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{shortened(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def shortened(text: str, longest: int = 60) -> str:
    """The text, cut when it is too long for a message."""
    return text if len(text) <= longest else f"{text[:longest]}…"
