"""Our validator on one folder, without Prefect. The one place that says how it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation_scripts.results import Severity
from benchmarks.validators.reported import Reported

if TYPE_CHECKING:
    from automation_scripts.validation.parameters import ConfigValidatorParameters
    from automation_scripts.validation.validate import Validation


@dataclass(frozen=True, slots=True)
class Outcome:
    """The findings of one folder, and what became of its fixes."""

    reported: tuple[Reported, ...]
    fixes_offered: int = 0
    fixes_good: int = 0


def validate_folder(folder: Path, fixes: bool = False, known: frozenset[str] = frozenset()) -> Outcome:
    """All findings under a folder.

    With `fixes`, the corrections are written, and all is checked again: `fixes_good` is how many of them hold. A plan
    may bring to light what an unreadable file hid, so what is in `known` (see `keys`) does not count as new.
    """
    from automation_scripts.validation.parameters import ConfigValidatorParameters
    from automation_scripts.validation.validate import validate

    parameters = ConfigValidatorParameters(config_path=str(folder))
    done = validate(parameters)
    reported = tuple(
        Reported(
            finding.file or "",
            finding.line or 0,
            frozenset(finding.tags),
            finding.rule_id,
            finding.message,
            finding.severity.at_least(Severity.MEDIUM),
        )
        for finding in done.report.findings
    )
    return Outcome(reported, *(_fixes(done, parameters, known | keys(reported)) if fixes else (0, 0)))


def keys(reported: Iterable[Reported]) -> frozenset[str]:
    """What the reports say, without numbers: those of lines change with every edit."""
    return frozenset(re.sub(r"\d+", "0", f"{one.path} {one.rule} {one.message}") for one in reported)


def _fixes(done: Validation, parameters: ConfigValidatorParameters, known: frozenset[str]) -> tuple[int, int]:
    """(offered, good): a fix is good when its finding is gone and its file has nothing new of medium severity."""
    from automation_scripts.validation.fixes.writing import write_fixes
    from automation_scripts.validation.validate import planned_fixes, validate

    plan = planned_fixes(done, parameters)
    if not plan.fixed:
        return 0, 0
    write_fixes(plan)
    after = validate(parameters).report.findings
    left = {finding.fingerprint for finding in after}
    spoilt = {
        finding.file
        for finding in after
        if finding.severity.at_least(Severity.MEDIUM)
        and not known & keys([Reported(finding.file or "", 0, frozenset(), finding.rule_id, finding.message)])
    }
    return len(plan.fixed), sum(
        finding.fingerprint not in left and finding.file not in spoilt for finding in plan.fixed
    )
