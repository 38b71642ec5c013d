"""The measurement itself: what counts as found, and what counts as new."""

from __future__ import annotations

from benchmarks.validators.cases import Case
from benchmarks.validators.reported import Reported
from benchmarks.validators.scoring import Score, judge, new_reports, scores
from benchmarks.validators.tools import classes_of
from tests.corpus.mutating.source import Mutant

BASE = Case(0, "compose", "a.yml", (("a.yml", "one: 1\ntwo: 2\nthree: 3"),), "", 0)
CHANGED = Case(
    1, "compose", "a.yml", (("a.yml", "one: 1\nnew: x\ntwo: 2\nthree: 3"),), "", 0, "made", Mutant("", 2, "unknown-key")
)


def _report(line: int, cls: str = "unknown-key", message: str = "m", last: int = 0) -> Reported:
    return Reported("a.yml", line, frozenset({cls}), "rule", message, True, last)


def test_a_report_that_only_moved_is_not_new() -> None:
    assert new_reports(CHANGED, BASE, [_report(3), _report(1)], [_report(2), _report(1)]) == []


def test_of_two_equal_reports_the_one_on_the_new_line_is_new() -> None:
    assert new_reports(CHANGED, BASE, [_report(2), _report(3)], [_report(2)]) == [_report(2)]


def test_class_and_line_count_apart() -> None:
    for reports, expected in (
        ([_report(2)], (1, 1, 1, 1)),
        ([_report(3)], (0, 1, 0, 1)),
        ([_report(4)], (0, 0, 0, 1)),
        ([_report(2, "syntax")], (0, 0, 1, 1)),
        ([_report(1, last=4)], (0, 1, 0, 1)),
        ([], (0, 0, 0, 0)),
    ):
        score = Score()
        judge(CHANGED, reports, reports, score)
        assert (score.exact, score.near, score.placed, score.noticed) == expected


def test_scores_are_kept_by_group_and_a_case_that_did_not_run_does_not_count() -> None:
    found = scores([BASE, CHANGED], {0: [], 1: [_report(2)]}, lambda case: case.kind)
    assert (found["compose"].wanted, found["compose"].recall) == (1, 1.0)
    assert scores([BASE, CHANGED], {0: []}, lambda case: case.kind) == {}


def test_rules_of_other_tools_have_our_classes() -> None:
    assert classes_of("checkov", "CKV_K8S_16", "Do not admit privileged containers") == {"privileged"}
    assert classes_of("checkov", "CKV_K8S_8", "Liveness Probe Should be Configured") == frozenset()
    assert "dup-key" in classes_of("cfn-lint", "E0000", "Duplicate found 'a' (line 2)")
    assert classes_of("zizmor", "template-injection", "") == {"injection"}
