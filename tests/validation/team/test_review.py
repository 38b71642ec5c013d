"""Suppressions, the baseline and what changed, in their order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from automation_scripts.sarif import to_sarif
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.team.baseline import read_baseline, write_baseline
from automation_scripts.validation.team.git_changes import changes_since
from automation_scripts.validation.team.review import Review, review
from tests.validation.team.test_changed import committed
from tests.validation.team.trees import finding, write

TODAY = date(2026, 1, 1)
TEXT = "a: 1  # automation: ignore[k8s/port] why not\nb: 2\nc: 3\nd: 4\n"


def reviewed(root: Path, baseline: Path | None = None, revision: str = "") -> Review:
    found = [finding(line=line, end_line=line, message=f"at {line}") for line in (1, 2, 3, 4)]
    return review(
        found,
        [parse_file(root / "a.yaml", "a.yaml")],
        root=root,
        today=TODAY,
        baseline=read_baseline(baseline) if baseline else None,
        changes=changes_since(revision, root) if revision else None,
    )


def test_each_finding_is_in_one_place_and_counted(tmp_path: Path) -> None:
    root = committed(tmp_path, {"a.yaml": TEXT.replace("d: 4", "d: 0")})
    write(root, {"a.yaml": TEXT})
    write_baseline(root / "b.json", [finding(message="at 2"), finding(message="at 9")])
    done = reviewed(root, root / "b.json", "HEAD")
    assert [(f.rule_id, f.line) for f in done.shown] == [("k8s/port", 4), ("baseline/stale", 5)]
    assert [(h.finding.line, h.kind, h.accepted) for h in done.hidden] == [
        (1, "inSource", False),
        (2, "external", True),
    ]
    assert [f.line for f in done.unchanged] == [3]
    assert done.counts() == "1 suppressed, 1 accepted, 1 on unchanged lines"
    assert [f.line for f in done.to_accept] == [2, 3, 4]


def test_without_anything_all_is_shown(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.yaml": "a: 1\nb: 2\nc: 3\nd: 4\n"})
    done = reviewed(root)
    assert len(done.shown) == 4
    assert done.counts() == ""


def test_sarif_tells_what_is_hidden_and_why(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.yaml": TEXT})
    write_baseline(root / "b.json", [finding(message="at 2")])
    done = reviewed(root, root / "b.json")
    results = to_sarif(done.shown, hidden=done.hidden)["runs"][0]["results"]
    assert [result["suppressions"] for result in results] == [
        [],
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "why not"}],
        [{"kind": "external", "status": "accepted", "justification": "accepted in b.json"}],
    ]
    assert "suppressions" not in to_sarif(done.shown)["runs"][0]["results"][0]
