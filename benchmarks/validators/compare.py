"""All validators on the same cases in one run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.validators.cases import Case, cases, write
from benchmarks.validators.ours import Outcome, keys, validate_folder
from benchmarks.validators.reading import Reading, read_again
from benchmarks.validators.scoring import Score, scores
from benchmarks.validators.tools import TOOLS, Run, install, known_classes, run
from tests.corpus.loader import load

OURS = "config_validator"


@dataclass(slots=True)
class Compared:
    """What one validator reached, and what ours reached on the very same cases."""

    name: str
    run: Run
    ours: Run
    cases: list[Case]
    same_classes: list[Case] = field(default_factory=list)
    """The cases whose class the validator has a rule for at all."""

    def score(self, of: Run, among: Sequence[Case]) -> Score:
        """All of those cases as one score; without any, an empty one."""
        return scores([*among], of.reports, lambda case: "all").get("all", Score())

    def by_kind(self, of: Run) -> dict[str, Score]:
        """A score for each kind of file."""
        return scores(self.cases, of.reports, lambda case: case.kind)

    def by_class(self, of: Run) -> dict[str, Score]:
        """A score for each class."""
        return scores(self.cases, of.reports, lambda case: case.mutant.cls if case.mutant else "")

    def reading(self, of: Run) -> Reading:
        """The labelled real files."""
        return read_again(self.cases, of.reports)


@dataclass(slots=True)
class Comparison:
    """Everything of one run. `notes` says why a tool is not there."""

    cases: list[Case]
    ours: Run
    offered: int
    good: int
    tools: list[Compared]
    notes: dict[str, str]


def ours_on(made: Sequence[Case], root: Path, fixes: bool = False) -> tuple[Run, int, int]:
    """Our validator on each case; with `fixes`, how many were offered and how many hold. Fixes are really written."""
    result = Run(files=len(made))
    offered = good = 0
    for case in made:
        begin = time.process_time()
        known = keys(result.reports[case.base]) if case.mutant is not None else frozenset[str]()
        try:
            outcome = validate_folder(root / case.folder, fixes, known)
        except Exception as error:
            # The others are judged by what they wrote before they stopped, and so is ours; the figures tell of it.
            result.crashed.append(f"{case.folder} {case.kind} {case.name} {case.path}: {error!r}")
            outcome = Outcome(())
        result.cpu += time.process_time() - begin
        result.reports[case.number] = list(outcome.reported)
        offered += outcome.fixes_offered
        good += outcome.fixes_good
    return result, offered, good


def compare(corpus: Path, root: Path, tools: Path, share: float) -> Comparison:
    """Seed `share` of the mistakes, run every validator that can be had, ours last: it writes its fixes."""
    made = cases(load(corpus), share)
    write(made, root)
    notes = install(tools)
    runs = {name: run(name, made, root, tools) for name in TOOLS if name not in notes}
    ours, offered, good = ours_on(made, root, fixes=True)
    return Comparison(made, ours, offered, good, [*_compared(made, runs, ours)], notes)


def _compared(made: Sequence[Case], runs: dict[str, Run], ours: Run) -> Iterator[Compared]:
    for name, result in runs.items():
        taken = [case for case in made if case.number in result.reports]
        known = known_classes(name)
        same = [case for case in taken if case.mutant is None or case.mutant.cls in known]
        subset = Run({case.number: ours.reports[case.number] for case in taken}, 0.0, len(taken))
        yield Compared(name, result, subset, taken, same)
