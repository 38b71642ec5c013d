"""What the validator finds, and what it finds too much: floors a little under what is reached.

The samples are there always; the real files only where `CONFIG_CORPUS` is set (see loader.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.validators.cases import Case, cases, write
from benchmarks.validators.compare import ours_on
from benchmarks.validators.reading import read_again
from benchmarks.validators.scoring import scores
from benchmarks.validators.tools import Run
from tests.corpus.loader import VARIABLE, CorpusFile, load, repositories_folder
from tests.corpus.samples import samples

corpus = pytest.mark.skipif(repositories_folder() is None, reason=f"{VARIABLE} names no folder of repositories")

FLOORS = {
    "auth-off": 0.93,
    "conflict": 0.50,
    "cycle": 0.85,
    "dangerous-cap": 0.96,
    "dangling-ref": 0.91,
    "deprecated-api": 0.96,
    "docker-sock": 0.96,
    "drift": 0.78,
    "dup-env": 0.96,
    "dup-key": 0.96,
    "dup-name": 0.96,
    "hardcoded-secret": 0.96,
    "host-mount": 0.96,
    "host-namespace": 0.96,
    "injection": 0.96,
    "invalid-enum": 0.79,
    "invalid-value": 0.63,
    "latest-tag": 0.58,
    "missing-required": 0.86,
    "no-limits": 0.96,
    "open-to-world": 0.94,
    "port-collision": 0.96,
    "priv-escalation": 0.96,
    "privileged": 0.96,
    "secret-env": 0.96,
    "syntax": 0.95,
    "unencrypted": 0.76,
    "unknown-key": 0.83,
    "unused": 0.80,
    "wildcard-perm": 0.96,
    "writable-rootfs": 0.96,
    "wrong-type": 0.72,
}
"""Recall by class and exact line over the whole corpus, for every class that any file of it can have."""


def _files() -> tuple[CorpusFile, ...]:
    folder = repositories_folder()
    assert folder is not None
    return load(folder)


def _run(made: Sequence[Case], root: Path, fixes: bool = False) -> tuple[Run, int, int]:
    write(made, root)
    run, offered, good = ours_on(made, root, fixes)
    assert run.crashed == []
    return run, offered, good


def test_clean_samples_give_nothing_serious(tmp_path: Path) -> None:
    made = cases(samples(), share=0.0)
    run, _, _ = _run(made, tmp_path)
    assert [report for reports in run.reports.values() for report in reports if report.serious] == []


def test_mistakes_in_samples_are_found_with_class_and_line(tmp_path: Path) -> None:
    made = cases(samples())
    run, _, _ = _run(made, tmp_path)
    everything = scores(made, run.reports, lambda case: "all")["all"]
    assert everything.wanted >= 220
    assert everything.recall >= 0.87
    syntax = [case for case in made if case.mutant is None or case.mutant.cls in ("syntax", "dup-key")]
    assert scores(syntax, run.reports, lambda case: "all")["all"].recall == 1.0


def test_most_fixes_offered_for_samples_hold(tmp_path: Path) -> None:
    _, offered, good = _run(cases(samples(), share=0.5), tmp_path, fixes=True)
    assert offered >= 10
    assert good / offered >= 0.75


@corpus
def test_a_part_of_the_mistakes_in_real_files(tmp_path: Path) -> None:
    made = cases(_files(), share=0.03)
    run, _, _ = _run(made, tmp_path)
    assert scores(made, run.reports, lambda case: "all")["all"].recall >= 0.88


@corpus
def test_true_mistakes_and_false_alarms_of_files_that_were_read_by_hand(tmp_path: Path) -> None:
    made = cases(_files(), share=0.0)
    run, _, _ = _run(made, tmp_path)
    reading = read_again(made, run.reports)
    assert reading.files >= 60
    assert reading.found / reading.mistakes >= 0.9, reading.missed
    assert len(reading.alarms) / reading.clean <= 0.1, reading.alarms


@corpus
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_mistakes_in_real_files(tmp_path: Path) -> None:
    made = cases(_files())
    run, _, _ = _run(made, tmp_path)
    by_class = scores(made, run.reports, lambda case: case.mutant.cls if case.mutant else "")
    assert set(by_class) >= set(FLOORS)
    low = {name: score.recall for name, score in by_class.items() if score.recall < FLOORS.get(name, 0.0)}
    assert low == {}
