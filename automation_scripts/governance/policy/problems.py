"""What is wrong with policy files, and the one error that tells all of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from automation_scripts.errors import ConfigurationError
from automation_scripts.settings.problems import Position, Problem

DEFAULTS = Path(__file__).parent / "defaults"
"""The policies that are installed with the program."""

_SHOWN = 50


class PolicyError(ConfigurationError):
    """The policies cannot be used, so nothing is allowed; `problems` lists every reason, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.source or "", p.at or Position(0, 0))))
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"and {len(self.problems) - _SHOWN} more")
        if len(self.problems) > 1:
            lines.insert(0, f"The policies have {len(self.problems)} problems:")
        super().__init__("\n".join(lines))


def printable(text: object) -> str:
    """Text that comes from outside, harmless to a terminal and on one line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
