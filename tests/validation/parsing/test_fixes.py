"""Fixes: edits, the plan that is proved on a copy, and writing that a crash cannot spoil."""

from __future__ import annotations

import codecs
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes import atomic_write
from automation_scripts.validation.fixes.plan_fixes import (
    FixPlan,
    OverlappingEditsError,
    apply_edits,
    plan_fixes,
    write_fixes,
)
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.parsing.yaml_types import differences

Parse = Callable[..., ParsedFile]


def edit(start: tuple[int, int], end: tuple[int, int], text: str, file: str = "config.yaml") -> TextEdit:
    return TextEdit(file, *start, *end, text)


def finding(
    *edits: TextEdit, rule: str = "x/rule", severity: Severity = Severity.HIGH, tag: str = "conflict"
) -> Finding:
    return Finding(rule, severity, "wrong", file=edits[0].file, line=edits[0].start_line, fix=edits, tags=(tag,))


# Edits ------------------------------------------------------------------------------------------------------


def test_edits_apply_at_once_to_the_text_as_given() -> None:
    text = "a: 1\nb: 2\nc: 3\n"
    edits = [edit((3, 4), (3, 5), "30"), edit((1, 1), (2, 1), ""), edit((2, 4), (2, 4), "-")]
    assert apply_edits(text, edits) == "b: -2\nc: 30\n"
    assert apply_edits(text, reversed(edits)) == "b: -2\nc: 30\n"
    assert apply_edits(text, [*edits, *edits]) == "b: -2\nc: 30\n"
    assert apply_edits(text, []) == text


@pytest.mark.parametrize(
    "edits",
    [
        [edit((1, 1), (1, 4), "x"), edit((1, 3), (1, 5), "y")],
        [edit((1, 1), (1, 5), "x"), edit((1, 2), (1, 3), "y")],
        [edit((1, 2), (1, 2), "x"), edit((1, 2), (1, 2), "y")],
        [edit((1, 2), (1, 4), "x"), edit((1, 2), (1, 2), "y")],
    ],
)
def test_overlapping_edits_are_refused(edits: list[TextEdit]) -> None:
    with pytest.raises(OverlappingEditsError, match="line 1"):
        apply_edits("a: 12\n", edits)


@pytest.mark.parametrize(
    "wrong", [edit((9, 1), (9, 2), ""), edit((1, 9), (1, 99), ""), edit((1, 3), (1, 2), ""), edit((0, 1), (1, 1), "")]
)
def test_edits_outside_the_text_are_refused(wrong: TextEdit) -> None:
    with pytest.raises(ValueError, match=r"outside|before its start"):
        apply_edits("a: 1\n", [wrong])


def test_inserted_lines_take_the_text_s_line_endings() -> None:
    assert apply_edits("a: 1\r\nb: 2\r\n", [edit((2, 1), (2, 1), "x: 0\ny: 0\n")]) == "a: 1\r\nx: 0\r\ny: 0\r\nb: 2\r\n"


@given(st.text(alphabet="ab\r\n😀", max_size=30), st.data())
def test_an_edit_replaces_exactly_its_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    index = LineIndex(text)
    change = TextEdit("f", *index.position(start), *index.position(end), "NEW")
    assert apply_edits(text, [change]) == text[:start] + "NEW" + text[end:]


# Planning ---------------------------------------------------------------------------------------------------


def plan_text(parse: Parse, text: str, name: str = "config.yaml") -> FixPlan:
    parsed = parse(text, name)
    return plan_fixes([parsed], [*parsed.findings, *differences(parsed)])


def test_a_plan_shows_the_lines_before_and_after(parse: Parse) -> None:
    text = "# keep\na: no   # why\nports:\n  - 22:22\nx: 1\nx: 1\n"
    plan = plan_text(parse, text)
    assert [(c.resource, c.before, c.after) for c in plan.predicted_changes] == [
        ("config.yaml:2", "a: no   # why", "a: false   # why"),
        ("config.yaml:4", "  - 22:22", '  - "22:22"'),
        ("config.yaml:6", "x: 1", ""),
    ]
    assert plan.files[0].after == '# keep\na: false   # why\nports:\n  - "22:22"\nx: 1\n'
    assert plan.dropped == []
    assert all(change.reversible and 0 < change.confidence <= 1 and change.reason for change in plan.predicted_changes)


def test_two_fixes_on_one_line_are_one_change(parse: Parse) -> None:
    plan = plan_text(parse, '{"a": True, "b": None,}\n', "a.json")
    [change] = plan.predicted_changes
    assert (change.before, change.after) == ('{"a": True, "b": None,}', '{"a": true, "b": null}')
    assert len(plan.fixed) == 3


def test_a_fix_that_does_not_help_is_dropped(parse: Parse) -> None:
    parsed = parse("a: 'x\n")
    [found] = parsed.findings
    useless = Finding(**{**vars_of(found), "fix": (edit((1, 1), (1, 2), "b"),)})
    plan = plan_fixes([parsed], [useless])
    assert plan.files == []
    assert "still be there" in plan.dropped[0].reason


def vars_of(found: Finding) -> dict[str, object]:
    return {name: getattr(found, name) for name in Finding.__dataclass_fields__}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit((2, 1), (2, 2), "a"), "yaml/duplicate-key"),
        (edit((2, 4), (2, 5), "'x"), "yaml/syntax"),
        (edit((2, 4), (2, 5), "*gone"), "yaml/undefined-alias"),
        (edit((2, 4), (2, 5), "no"), "yaml/version-difference"),
        (edit((2, 4), (2, 5), "{{ x }}"), "template"),
        (edit((2, 4), (2, 5), "2"), "changes nothing"),
        (edit((9, 1), (9, 2), "2"), "outside"),
    ],
)
def test_a_fix_that_breaks_something_is_dropped(parse: Parse, change: TextEdit, words: str) -> None:
    plan = plan_fixes([parse("a: 1\nb: 2\n")], [finding(change)])
    assert plan.files == []
    assert words in plan.dropped[0].reason


def test_the_good_fixes_stay_when_one_is_bad(parse: Parse) -> None:
    text = "".join(f"k{n}: no\n" for n in range(40))
    parsed = parse(text)
    bad = finding(edit((20, 1), (20, 4), "k3"))
    plan = plan_fixes([parsed], [*differences(parsed), bad])
    assert len(plan.fixed) == 40
    assert [d.finding for d in plan.dropped] == [bad]
    assert plan.files[0].after == text.replace("no", "false")


def test_the_worse_finding_wins_where_fixes_overlap(parse: Parse) -> None:
    low = finding(edit((1, 4), (1, 5), "5"), severity=Severity.LOW)
    high = finding(edit((1, 1), (1, 5), "b: 9"), severity=Severity.CRITICAL)
    plan = plan_fixes([parse("a: 1\n")], [low, high])
    assert plan.files[0].after == "b: 9\n"
    assert "overlaps" in plan.dropped[0].reason


def test_revalidation_judges_every_fix(parse: Parse) -> None:
    def checks(file: ParsedFile) -> Sequence[Finding]:
        return [
            Finding("rule/low-number", Severity.HIGH, "too low", file=file.name, line=v.span.line, column=1)
            for document in file.documents
            for _, v in document.root.entries
            if v.value.isdigit() and int(v.value) < 10
        ]

    parsed = parse("a: 1\nb: 2\nc: 30\n")
    good = finding(edit((1, 4), (1, 5), "10"), rule="rule/low-number")
    wrong = finding(edit((2, 4), (2, 5), "3"), rule="rule/low-number")
    worse = finding(edit((3, 4), (3, 6), "4"), rule="other")
    plan = plan_fixes([parsed], [good, wrong, worse], checks)
    assert plan.fixed == [good]
    assert {d.finding.line: d.reason.split(":")[0] for d in plan.dropped} == {
        2: "the finding would still be there",
        3: "it would cause a new finding (rule/low-number)",
    }


def test_mending_the_syntax_may_uncover_what_was_hidden(parse: Parse) -> None:
    parsed = parse("a: b: c\nd: no\nd: 2\ne: [\n")
    plan = plan_fixes([parsed], parsed.findings)
    assert plan.files[0].after.startswith("a: 'b: c'\n")


def test_fixes_for_files_that_were_not_read_are_dropped(parse: Parse) -> None:
    other = finding(edit((1, 1), (1, 2), "x", file="other.yaml"))
    both = finding(edit((1, 1), (1, 2), "x"), edit((1, 1), (1, 2), "x", file="other.yaml"))
    plan = plan_fixes([parse("a: 1\n")], [other, both])
    assert [d.reason for d in plan.dropped] == ["its edits touch more than one file", "other.yaml was not read"]


def test_a_finding_without_a_fix_is_passed_over(parse: Parse) -> None:
    plan = plan_fixes([parse("a: 1\na: 2\n")], parse("a: 1\na: 2\n").findings)
    assert (plan.files, plan.dropped) == ([], [])


# Writing ----------------------------------------------------------------------------------------------------


def planned(path: Path, name: str = "a.yaml") -> FixPlan:
    parsed = parse_file(path, name)
    return plan_fixes([parsed], [*parsed.findings, *differences(parsed)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a: no\r\nb: 1\r\n", b"a: false\r\nb: 1\r\n"),
        (codecs.BOM_UTF8 + "a: no # é\n".encode(), codecs.BOM_UTF8 + "a: false # é\n".encode()),
        ("a: no # é\n".encode("utf-16"), "a: false # é\n".encode("utf-16")),
        (b"a: no", b"a: false"),
        (b"a: no\rb: 1\n\r\n", b"a: false\rb: 1\n\r\n"),
    ],
)
def test_encoding_mark_and_line_endings_stay(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(before)
    plan = planned(path)
    assert write_fixes(plan) == plan.predicted_changes != []
    assert path.read_bytes() == after
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_mode_stays_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real" / "a.yaml"
    real.parent.mkdir()
    real.write_text("a: no\n")
    real.chmod(0o640)
    link = tmp_path / "a.yaml"
    link.symlink_to("real/a.yaml")
    write_fixes(planned(link))
    assert link.is_symlink()
    assert real.read_text() == "a: false\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.yaml", "real"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: no\n")
    os.chown(path, 12345, 23456)
    path.chmod(0o604)
    write_fixes(planned(path))
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 23456, 0o604)


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("a: no\n")
    second.write_text("b: no\n")
    parsed = [parse_file(first, "a.yaml"), parse_file(second, "b.yaml")]
    plan = plan_fixes(parsed, [f for p in parsed for f in differences(p)])
    second.write_text("b: yes\n")
    with pytest.raises(InvalidParameters, match=r"b\.yaml: the file changed.*Nothing was written"):
        write_fixes(plan)
    assert first.read_text() == "a: no\n"
    second.unlink()
    with pytest.raises(InvalidParameters, match=r"b\.yaml"):
        write_fixes(plan)


def test_a_change_in_the_last_moment_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 2\n")
    with pytest.raises(atomic_write.ChangedMeanwhileError):
        atomic_write.replace_file(path, b"a: 3\n", expected=b"a: 1\n")
    assert path.read_text() == "a: 2\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_with_undecodable_bytes_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: no\nb: caf\xe9\n")
    with pytest.raises(InvalidParameters, match="UTF-8"):
        write_fixes(planned(path))
    assert path.read_bytes() == b"a: no\nb: caf\xe9\n"


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: no\n")
    plan = planned(path)

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(atomic_write.os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InvalidParameters, match="No space left on device"):
        write_fixes(plan)
    assert path.read_text() == "a: no\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


_CRASH = """
import os, sys
from pathlib import Path
from automation_scripts.validation.fixes import atomic_write
step = int(sys.argv[2])
calls = 0
def counted(function):
    def call(*arguments, **options):
        global calls
        if calls == step:
            os._exit(9)
        calls += 1
        return function(*arguments, **options)
    return call
for name in ("open", "write", "fsync", "fchmod", "close"):
    setattr(atomic_write.os, name, counted(getattr(os, name)))
Path.replace = counted(Path.replace)
atomic_write.replace_file(Path(sys.argv[1]), b"new: 1\\n" * 1000)
"""


def test_a_crash_at_any_step_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    outcomes = []
    for step in range(12):
        path.write_bytes(b"old: 1\n")
        done = subprocess.run([sys.executable, "-c", _CRASH, str(path), str(step)], check=False, timeout=60)
        outcomes.append(path.read_bytes())
        assert outcomes[-1] in (b"old: 1\n", b"new: 1\n" * 1000)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert outcomes[0] == b"old: 1\n"
    assert outcomes[-1] == b"new: 1\n" * 1000
    assert len(set(outcomes)) == 2


def test_a_read_only_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everything, so the answer of the system is put in."""
    path = tmp_path / "a.yaml"
    path.write_text("a: no\n")
    plan = planned(path)
    monkeypatch.setattr(atomic_write.os, "access", lambda *arguments: False)
    with pytest.raises(InvalidParameters, match="read-only"):
        write_fixes(plan)
    assert path.read_text() == "a: no\n"
