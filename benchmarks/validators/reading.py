"""Reports on the real files as they are, against what a careful reader found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.validators.cases import Case
from benchmarks.validators.reported import Reported
from tests.corpus.labels import labels


@dataclass(slots=True)
class Reading:
    """Counts over the labelled files that a validator takes."""

    files: int = 0
    clean: int = 0
    mistakes: int = 0
    found: int = 0
    """Mistakes reported with class and line, whatever the severity."""
    near: int = 0
    """The same, the line within one or within the block reported."""
    alarms: list[tuple[Case, Reported]] = field(default_factory=list)
    """Reports of medium severity or worse on files without a mistake, that are not even arguable."""
    missed: list[tuple[Case, str]] = field(default_factory=list)


def read_again(made: Iterable[Case], reports: Mapping[int, Sequence[Reported]]) -> Reading:
    """Judge the cases without a seeded mistake whose files are labelled."""
    result = Reading()
    for case in made:
        known = labels().get(case.blob[:10])
        if case.mutant is not None or known is None or case.number not in reports:
            continue
        said = [report for report in reports[case.number] if report.path.endswith(case.path)]
        result.files += 1
        result.clean += not known.mistakes
        for mistake in known.mistakes:
            exact = any(mistake.fits(report.classes, report.line) for report in said)
            near = any(
                mistake.cls in report.classes
                and any(report.line - 1 <= line <= max(report.last, report.line + 1) for line in mistake.lines)
                for report in said
            )
            result.mistakes += 1
            result.found += exact
            result.near += exact or near
            if not exact:
                result.missed.append((case, f"{mistake.cls} {sorted(mistake.lines)}"))
        if not known.mistakes:
            result.alarms += [
                (case, report)
                for report in said
                if report.serious
                and report.classes
                and not any(one.fits(report.classes, report.line) for one in known.arguable)
            ]
    return result
