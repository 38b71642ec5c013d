"""Accepted findings: hidden while they are there, told when they are gone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding
from automation_scripts.validation.team.baseline import (
    Baseline,
    apply_baseline,
    read_baseline,
    stale_findings,
    write_baseline,
)
from tests.validation.team.trees import finding, validated, write

NAME = "automation-baseline.json"


def accepted(folder: Path, *findings: Finding) -> Baseline:
    write_baseline(folder / NAME, findings)
    return read_baseline(folder / NAME)


def test_what_is_accepted_is_hidden_and_what_is_new_is_kept(tmp_path: Path) -> None:
    old, new = finding(message="old"), finding(message="new")
    kept, hidden, stale = apply_baseline([old, new], accepted(tmp_path, old))
    assert (kept, hidden, stale) == ([new], [old], [])


def test_shifted_lines_stay_accepted(tmp_path: Path) -> None:
    baseline = accepted(tmp_path, finding(message="the first of line 3 counts"))
    assert apply_baseline([finding(message="the first of line 44 counts", line=50)], baseline).kept == []


def test_equal_findings_are_counted(tmp_path: Path) -> None:
    three = [finding(line=line) for line in (3, 9, 12)]
    baseline = accepted(tmp_path, *three)
    assert [(entry.count, entry.lines) for entry in baseline.entries] == [(3, (3, 9, 12))]
    assert apply_baseline(three, baseline) == ([], three, [])
    assert [entry.count for entry in apply_baseline(three[:1], baseline).stale] == [2]


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ((10, 20, 30), (10, 20, 30, 40), [40]),
        ((10, 20, 30), (15, 25, 30, 35), [30]),
        ((10, 20, 30), (5, 12, 22, 32), [5]),
        ((10, 20, 30), (10, 15, 20, 30, 50), [15, 50]),
        ((10,), (10, 20), [20]),
        ((10,), (3, 11), [3]),
        ((7, 7), (7, 7, 7), [7]),
    ],
)
def test_a_new_one_among_equal_ones_is_told_by_the_distances(
    tmp_path: Path, before: tuple[int, ...], after: tuple[int, ...], new: list[int]
) -> None:
    baseline = accepted(tmp_path, *(finding(line=line) for line in before))
    kept, hidden, stale = apply_baseline([finding(line=line) for line in after], baseline)
    if len(before) > 1:
        assert [f.line for f in kept] == new
        assert (len(hidden), stale) == (len(before), [])
    else:
        # One finding's line is not written: nobody can tell, so both are shown.
        assert (len(kept), hidden, stale) == (2, [], [])


def test_many_equal_findings_take_no_time_to_tell_apart(tmp_path: Path) -> None:
    baseline = accepted(tmp_path, *(finding(line=line) for line in range(1, 400, 4)))
    got = apply_baseline([finding(line=line) for line in range(1, 400, 2)], baseline)
    assert (len(got.kept), len(got.accepted)) == (100, 100)


def test_a_moved_file_keeps_its_entries(tmp_path: Path) -> None:
    write(tmp_path, {"new/a.yaml": "", "here.yaml": ""})
    baseline = accepted(tmp_path, finding(file="old/a.yaml"), finding(file="here.yaml"), finding(file="b/before.yaml"))
    renamed = finding(file="b/after.yaml")
    moved = finding(file="new/a.yaml")
    assert apply_baseline([moved, renamed, finding(file="here.yaml")], baseline).kept == []
    # A file that is still there was copied, not moved.
    copied = finding(file="new/here.yaml")
    assert apply_baseline([copied, finding(file="here.yaml")], baseline).kept == [copied]


def test_an_item_put_in_front_brings_back_none_of_the_others(tmp_path: Path) -> None:
    def limits(item: int) -> Finding:
        return finding(message=f"spec.containers[{item}] has no limit", resource=f"spec.containers[{item}]")

    baseline = accepted(tmp_path, limits(0), limits(1))
    assert apply_baseline([limits(1), limits(2)], baseline) == ([], [limits(1), limits(2)], [])
    assert apply_baseline([limits(0), limits(1), limits(2)], baseline).kept == [limits(2)]


def test_another_value_in_the_sentence_is_new(tmp_path: Path) -> None:
    baseline = accepted(tmp_path, finding(message="port 22 is open to the world"))
    assert len(apply_baseline([finding(message="port 3306 is open to the world")], baseline).kept) == 1


def test_stale_entries_are_told_at_their_line_and_removed(tmp_path: Path) -> None:
    gone, there = finding(message="gone"), finding(message="there", file="b.yaml")
    baseline = accepted(tmp_path, gone, there)
    stale = apply_baseline([there], baseline).stale
    (told,) = stale_findings(stale, baseline)
    assert told.rule_id == "baseline/stale"
    assert told.tags == ("unused",)
    assert "gone" in (tmp_path / NAME).read_text().splitlines()[(told.line or 0) - 1]
    after = write_baseline(tmp_path / NAME, [there], before=baseline)
    assert [entry.file for entry in after.entries] == ["b.yaml"]


def test_entries_of_files_that_were_not_looked_at_are_neither_stale_nor_removed(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "", "b.yaml": ""})
    baseline = accepted(
        tmp_path, finding(message="a"), finding(message="b", file="b.yaml"), finding(file="deleted.yaml")
    )
    stale = apply_baseline([], baseline, checked={"a.yaml"}).stale
    assert [entry.file for entry in stale] == ["a.yaml", "deleted.yaml"]
    after = write_baseline(tmp_path / NAME, [], before=baseline, checked={"a.yaml"})
    assert [entry.file for entry in after.entries] == ["b.yaml"]


def test_a_broken_file_keeps_its_entries(tmp_path: Path) -> None:
    baseline = accepted(tmp_path, finding())
    broken = finding("yaml/syntax", "no end", tags=("syntax",))
    assert apply_baseline([broken], baseline).stale == []
    assert len(write_baseline(tmp_path / NAME, [broken], before=baseline).entries) == 2


def test_names_are_relative_to_the_baseline(tmp_path: Path) -> None:
    root = tmp_path / "deploy" / "conf"
    write(root, {"a.yaml": ""})
    baseline = write_baseline(tmp_path / NAME, [finding()], root=root)
    assert [entry.file for entry in baseline.entries] == ["deploy/conf/a.yaml"]
    assert apply_baseline([finding()], baseline, root=root).kept == []
    assert apply_baseline([finding()], baseline, root=tmp_path).kept == [finding()]


def test_the_file_is_stable_sorted_and_one_entry_a_line(tmp_path: Path) -> None:
    findings = [finding(message=m, file=f) for f in ("b.yaml", "a.yaml") for m in ("z", 'quoted "\\ ü', "tab\there")]
    write_baseline(tmp_path / NAME, findings)
    first = (tmp_path / NAME).read_bytes()
    write_baseline(tmp_path / NAME, findings[::-1], before=read_baseline(tmp_path / NAME))
    assert (tmp_path / NAME).read_bytes() == first
    lines = first.decode().splitlines()
    assert sum('"fingerprint"' in line for line in lines) == 6
    assert [json.loads(line.rstrip(","))["file"] for line in lines if "finger" in line] == ["a.yaml"] * 3 + [
        "b.yaml"
    ] * 3
    json.loads(first)


def test_nothing_is_written_when_nothing_changes(tmp_path: Path) -> None:
    baseline = accepted(tmp_path, finding())
    os.utime(tmp_path / NAME, (1, 1))
    write_baseline(tmp_path / NAME, [finding()], before=baseline)
    assert (tmp_path / NAME).stat().st_mtime == 1


def test_mode_and_link_of_the_file_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    write_baseline(real, [])
    real.chmod(0o640)
    (tmp_path / NAME).symlink_to(real)
    write_baseline(tmp_path / NAME, [finding()], before=read_baseline(tmp_path / NAME))
    assert (tmp_path / NAME).is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert len(read_baseline(real).entries) == 1


def test_findings_about_the_mechanisms_are_never_accepted(tmp_path: Path) -> None:
    own = finding("suppression/no-reason")
    baseline = accepted(tmp_path, own)
    assert baseline.entries == ()
    assert apply_baseline([own], baseline).kept == [own]


GOOD = '{"file": "a", "rule": "r/x", "message": "m", "fingerprint": "' + "0" * 32 + '"}'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "empty"),
        ("[]", 1, "must be an object"),
        ('{"version": 1,\n"finding": []}', 2, "did you mean `findings`?"),
        ('{"findings": []}', 1, "`version` is nothing"),
        ('{\n"version": 99}', 2, "Update automation_scripts"),
        ('{"version": 1,\n"findings": {}}', 2, "a list is expected"),
        ('{"version": 1, "findings": [\n{"file": "a"}]}', 2, "`rule` is missing|`fingerprint` is missing"),
        ('{"version": 1, "findings": [\n' + GOOD.replace("0" * 32, "xyz") + "]}", 2, "32 hexadecimal"),
        ('{"version": 1, "findings": [\n' + GOOD[:-1] + ', "count": 0}]}', 2, "whole number"),
        ('{"version": 1, "findings": [\n' + GOOD[:-1] + ', "count": "two"}]}', 2, "whole number"),
        ('{"version": 1, "findings": [\n' + GOOD[:-1] + ', "lines": [1, "x"]}]}', 2, "`lines` must be"),
        ('{"version": 1, "findings": [\n' + GOOD.replace('"a"', "3") + "]}", 2, "text in quotes"),
        ('{"version": 1,\n<<<<<<< ours\n"findings": []}', 2, "--update-baseline"),
        ('{"version": 1, "suppressions": [\n{"file": "a", "rules": [], "reason": "r"}]}', 2, "`rules` must be"),
        ('{"version": 1, "suppressions": [\n{"file": "a", "rules": ["x"], "until": "soon"}]}', 2, "2026-12-31"),
    ],
)
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(InvalidParameters, match=said) as error:
        read_baseline(tmp_path / NAME)
    assert f"line {line}:" in str(error.value)


def test_a_missing_file_is_an_error_or_empty(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="--update-baseline"):
        read_baseline(tmp_path / NAME)
    assert read_baseline(tmp_path / NAME, missing_ok=True).entries == ()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(InvalidParameters, match="pipe"):
        read_baseline(tmp_path / NAME, missing_ok=True)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="cannot be written"):
        write_baseline(tmp_path / "nowhere" / NAME, [finding()])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts, texts), max_size=6))
def test_any_finding_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("any") / NAME
    findings = [finding(f"x/{r}", m, file=f, resource=p) for r, m, f, p in told]
    write_baseline(path, findings)
    baseline = read_baseline(path)
    assert apply_baseline(findings, baseline) == ([], findings, [])


def test_a_real_tree_is_silent_once_accepted_and_no_secret_is_in_the_file(tmp_path: Path) -> None:
    secret = "tr0ub4dor-and-3-horses"
    root = write(
        tmp_path / "conf",
        {
            "compose.yaml": f"services:\n  db:\n    image: postgres:latest\n    environment:\n      DB_PASSWORD: {secret}\n",
            "a.json": '{"a": 1, "a": 2}',
        },
    )
    report = validated(root).findings
    baseline = write_baseline(tmp_path / NAME, report, root=root)
    assert any("hardcoded-secret" in f.tags or "secret-env" in f.tags for f in report)
    assert apply_baseline(report, baseline, root=root).kept == []
    assert secret not in (tmp_path / NAME).read_text()
