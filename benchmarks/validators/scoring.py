"""How well reports fit the labels: recall by class and line, what came besides, and alarms on clean files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.validators.cases import Case
from benchmarks.validators.reported import Reported


@dataclass(slots=True)
class Score:
    """Counts of one validator over some cases with a mistake each."""

    wanted: int = 0
    exact: int = 0
    """Class and line as in the label."""
    near: int = 0
    """Class as in the label, and the line off by one at most or within the block that is reported."""
    placed: int = 0
    """The line as in the label, whatever the class."""
    noticed: int = 0
    """Anything at all that was not reported without the mistake."""
    missed: list[Case] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share that was found with class and line."""
        return self.exact / self.wanted if self.wanted else 0.0

    @property
    def near_recall(self) -> float:
        """Share that was found with class and about the line."""
        return self.near / self.wanted if self.wanted else 0.0


def new_reports(case: Case, base: Case, after: Sequence[Reported], before: Sequence[Reported]) -> list[Reported]:
    """What is reported with the mistake and not without it.

    A report is known when its rule and words stood on the same line before, lines counted from whichever end of the
    file the mistake leaves alone; then, for what moved within the file, by its rule and words alone.
    """
    move = _line_before(case, base)
    places = Counter((report.path, report.rule, report.message, report.line) for report in before)
    left: list[Reported] = []
    for report in after:
        line = move(report.line) if report.path.endswith(case.path) else report.line
        key = (report.path, report.rule, report.message, line)
        if places[key]:
            places[key] -= 1
        else:
            left.append(report)
    words = Counter[tuple[str, str, str]]()
    for (path, rule, message, _), count in places.items():
        words[path, rule, message] += count
    new: list[Reported] = []
    for report in left:
        if words[report.path, report.rule, report.message] > 0:
            words[report.path, report.rule, report.message] -= 1
        else:
            new.append(report)
    return new


def _line_before(case: Case, base: Case) -> Callable[[int], int]:
    """From a line of the changed file to the same line of the file as it was; 0 for the lines that changed."""
    now, was = case.text.split("\n"), base.text.split("\n")
    same = 0
    while same < min(len(now), len(was)) and now[same] == was[same]:
        same += 1
    tail = 0
    while tail < min(len(now), len(was)) - same and now[-1 - tail] == was[-1 - tail]:
        tail += 1
    return lambda line: line if line <= same else (line - len(now) + len(was) if line > len(now) - tail else 0)


def judge(case: Case, all_of_it: Sequence[Reported], new: Sequence[Reported], score: Score) -> None:
    """Count one case with a mistake.

    The place was clean of the class before, so what is said of the very line counts whether or not the same rule spoke
    of the file before; for the other lines only what is new counts.
    """
    mutant = case.mutant
    assert mutant is not None
    classes = {mutant.cls, *mutant.also}
    lines = {mutant.line, *mutant.also_lines}
    there = [report for report in all_of_it if report.path.endswith(case.path) and report.line == mutant.line]
    fitting = [report for report in (*there, *new) if classes & report.classes]
    exact = any(report.line in lines for report in fitting)
    blocks = [report for report in (*all_of_it, *new) if classes & report.classes and report.last > report.line]
    near = any(abs(report.line - line) <= 1 for report in fitting for line in lines)
    inside = any(report.line <= mutant.line <= report.last for report in blocks)
    score.wanted += 1
    score.exact += exact
    score.near += exact or near or inside
    score.placed += any(report.line in lines for report in (*there, *new))
    score.noticed += bool(new) or exact
    if not exact:
        score.missed.append(case)


def scores(
    made: Iterable[Case], reports: Mapping[int, Sequence[Reported]], key: Callable[[Case], str]
) -> dict[str, Score]:
    """A score for each group of cases with a mistake; `key` names the group."""
    found: dict[str, Score] = defaultdict(Score)
    by_number = {case.number: case for case in made}
    for case in by_number.values():
        if case.mutant is not None and case.number in reports and case.base in reports:
            after = reports[case.number]
            new = new_reports(case, by_number[case.base], after, reports[case.base])
            judge(case, after, new, found[key(case)])
    return dict(found)
