"""Annotations of GitHub Actions: escaped, the worst first, and not more than are shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.github_annotations import MOST_OF_A_LEVEL, to_annotations
from automation_scripts.results import Finding, Severity
from tests.validation.team.trees import validated, write

LINE = re.compile(r"::(error|warning|notice) ((?:\w+=[^:,\r\n]*,?)*)::([^\r\n]*)")


def one(severity: Severity = Severity.HIGH, message: str = "wrong", **more: object) -> Finding:
    told: dict[str, object] = {"file": "a.yaml", "line": 3, "column": 5, "end_line": 3, "end_column": 9}
    return Finding("k8s/port", severity, message, **{**told, **more})  # type: ignore[arg-type]


def test_one_finding_in_full() -> None:
    assert to_annotations([one(suggestion="Mend it.")]) == (
        "::error file=a.yaml,line=3,endLine=3,col=5,endColumn=8,title=k8s/port (high)::wrong%0AMend it.\n"
    )


def test_places_over_several_lines_have_no_columns() -> None:
    assert "line=3,endLine=4,title" in to_annotations([one(end_line=5, end_column=1)])
    assert "line=3,endLine=5,title" in to_annotations([one(end_line=5, end_column=2)])


def test_without_a_place_there_is_only_a_title() -> None:
    bare = one(file=None, line=None, column=None, end_line=None, end_column=None)
    assert to_annotations([bare]) == "::error title=k8s/port (high)::wrong\n"
    assert "file=a.yaml,title" in to_annotations([one(line=None)])


def test_files_are_named_from_the_root_of_the_repository() -> None:
    assert "file=deploy/conf/a.yaml," in to_annotations([one()], folder="deploy/conf/")
    assert "file=a.yaml," in to_annotations([one()], folder=".")


def test_severities() -> None:
    lines = to_annotations([one(severity) for severity in Severity]).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice", "::notice"]


def test_the_worst_ten_of_a_level_are_shown_and_the_rest_is_counted() -> None:
    many = [one(Severity.HIGH, f"high {n}", line=n) for n in range(1, 13)] + [one(Severity.CRITICAL, "worst", line=99)]
    lines = to_annotations(many).splitlines()
    assert len(lines) == MOST_OF_A_LEVEL + 1
    assert lines[0].endswith("worst")
    assert "3 of 13 findings are not shown" in lines[-1]
    assert lines[-1].startswith("::notice title=")


def test_the_last_notice_counts_among_the_ten() -> None:
    lines = to_annotations([one(Severity.LOW, line=n) for n in range(1, 30)]).splitlines()
    assert len(lines) == MOST_OF_A_LEVEL
    assert "20 of 29 findings are not shown" in lines[-1]


def test_nothing_can_begin_another_command() -> None:
    bad = "x\n::stop-commands::y\r\n::add-mask::z, a:b 100%"
    text = to_annotations([one(message=bad, suggestion=bad, file=f"{bad}.yaml")])
    assert len(text.splitlines()) == 1
    found = LINE.fullmatch(text.rstrip("\n"))
    assert found is not None
    assert unquote(found[3]) == bad + "\n" + bad


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.lists(st.tuples(anything, anything, anything, st.sampled_from(Severity)), max_size=30))
def test_any_text_gives_whole_lines_that_can_be_written(told: list[tuple[str, str, str, Severity]]) -> None:
    text = to_annotations([one(s, m, file=f, suggestion=g) for m, f, g, s in told])
    text.encode()
    assert all(LINE.fullmatch(line) for line in text.split("\n")[:-1])
    assert len(text.split("\n")) - 1 <= 3 * MOST_OF_A_LEVEL


def test_no_secret_is_printed(tmp_path: Path) -> None:
    secret = "tr0ub4dor-and-3-horses"
    text = f"services:\n  db:\n    image: a:1\n    environment:\n      DB_PASSWORD: {secret}\n      URL: postgres://u:{secret}@db/x\n"
    findings = validated(write(tmp_path, {"compose.yaml": text})).findings
    assert any("secret" in f.rule_id for f in findings)
    assert secret not in to_annotations(findings)
