"""Comments that hide a finding: only true comments, only with a reason, only for as long as they say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.file_kinds import FileKind
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.team.baseline import Baseline
from automation_scripts.validation.team.baseline_file import Sidecar
from automation_scripts.validation.team.comments import Comments
from automation_scripts.validation.team.suppressions import Suppressed, apply_suppressions
from tests.validation.team.trees import finding, validated, write

TODAY = date(2026, 6, 30)


def parsed(text: str, name: str = "a.yaml") -> ParsedFile:
    return parse_text(Path("/tree") / name, name, text)


def applied(text: str, *findings: Finding, name: str = "a.yaml", today: date = TODAY) -> Suppressed:
    return apply_suppressions(findings, [parsed(text, name)], today=today)


def at(line: int, rule: str = "k8s/port", tag: str = "invalid-value", **more: object) -> Finding:
    return finding(rule, line=line, end_line=line, tags=(tag,), **more)


def rules_of(findings: list[Finding]) -> list[str]:
    return [f.rule_id for f in findings]


def test_on_the_line_by_rule_class_or_family() -> None:
    for named in ("k8s/port", "invalid-value", "k8s/*", "other/rule, k8s/port"):
        got = applied(f"a: 1\nb: 2  # automation: ignore[{named}] the probe needs it\nc: 3\n", at(2), at(3))
        assert [h.finding for h in got.hidden] == [at(2)], named
        assert got.hidden[0].justification == "the probe needs it"
        assert got.hidden[0].kind == "inSource"
        assert got.kept == [at(3)]


def test_on_a_line_of_its_own_it_speaks_of_the_next_content() -> None:
    text = "a: 1\n# automation: ignore[k8s/port] why not\n\n# another comment\nb: 2\nc: 3\n"
    got = applied(text, at(1), at(5), at(6))
    assert [h.finding.line for h in got.hidden] == [5]


def test_a_comment_before_the_document_mark_speaks_of_the_first_line() -> None:
    assert applied("# automation: ignore[k8s/port] because\n---\na: 1\n", at(3)).kept == []


def test_findings_inside_a_text_over_several_lines_are_reached_from_its_key() -> None:
    text = "a:\n  run: |  # automation: ignore[injection] trusted input\n    one\n    two\nb: 1\n"
    got = applied(text, at(4, "security/script-injection", "injection"), at(5, "x/y", "injection"))
    assert [h.finding.line for h in got.hidden] == [4]
    above = "a:\n  # automation: ignore[injection] trusted\n  run: |\n    one\n    two\n"
    assert applied(above, at(5, "security/script-injection", "injection")).kept == []


def test_the_whole_file_and_a_block() -> None:
    whole = "# a title\n# automation: ignore-file[k8s/*] a sample\na: 1\nb: 2\n"
    assert applied(whole, at(3), at(4), finding(line=None, end_line=None)).kept == []
    block = "a: 1\n# automation: ignore-start[k8s/port] fixtures\nb: 2\nc: 3\n# automation: ignore-end\nd: 4\n"
    assert [f.line for f in applied(block, at(1), at(3), at(4), at(6)).kept] == [1, 6]


@pytest.mark.parametrize(
    "text",
    [
        "a: 'x # automation: ignore[k8s/port] no comment'\n",
        'a: "x\n  # automation: ignore[k8s/port] no comment"\n',
        "a: |\n  # automation: ignore[k8s/port] no comment\n  x\n",
        "a: >-\n  x\n  # automation: ignore[k8s/port] no comment\n",
        "a: x# automation: ignore[k8s/port] no comment\n",
        "- |\n  # automation: ignore[k8s/port] no comment\n",
        "? |\n  # automation: ignore[k8s/port] no comment\n: 1\n",
    ],
)
def test_text_that_is_no_comment_hides_nothing_and_is_not_told(text: str) -> None:
    for line in (1, 2, 3):
        got = applied(text, at(line))
        assert got == ([at(line)], [], [])


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  text\n# automation: ignore[k8s/port] below a block scalar\nb: 1\n",
        "a:\n  b: >\n    text\n\n  # automation: ignore[k8s/port] below, indented\nb: 1\n",
        "a: |-\n  text\n\n\n# automation: ignore[k8s/port] after blank lines\nb: 1\n",
    ],
)
def test_a_comment_below_a_block_scalar_is_one(text: str) -> None:
    line = text.split("\n").index("b: 1") + 1
    assert applied(text, at(line)).kept == []


def test_comments_in_flow_collections_and_with_other_line_breaks() -> None:
    assert applied("a: [1,  # automation: ignore[k8s/port] flow\n  2]\n", at(1)).kept == []
    assert applied("a: 1\r\nb: 2 # automation: ignore[k8s/port] windows\r\n", at(2)).kept == []
    assert applied("\ufeffa: 1 # automation: ignore[k8s/port] mark\n".lstrip("\ufeff"), at(1)).kept == []


def test_comments_of_jsonc() -> None:
    text = '{\n  // automation: ignore[k8s/port] line\n  "a": 1,\n  "b": "// automation: ignore[k8s/port] text",\n  "c": 3 /* automation: ignore[k8s/port] block */\n}\n'
    file = parse_text(Path("/tree/a.jsonc"), "a.jsonc", text, kind=FileKind.JSONC)
    findings = [at(line, file="a.jsonc") for line in (3, 4, 5)]
    got = apply_suppressions(findings, [file], today=TODAY)
    assert [h.finding.line for h in got.hidden] == [3, 5]
    assert [h.justification for h in got.hidden] == ["line", "block"]


def test_without_a_reason_nothing_is_hidden_and_that_is_told() -> None:
    for reason in ("", " -- ", " (until 2027-01-01)", " :"):
        got = applied(f"a: 1  # automation: ignore[k8s/port]{reason}\n", at(1))
        assert got.kept == [at(1)]
        assert rules_of(got.about) == ["suppression/no-reason"], reason


def test_it_counts_through_its_last_day() -> None:
    text = "a: 1  # automation: ignore[k8s/port] moved next month (until 2026-06-30)\n"
    assert applied(text, at(1), today=date(2026, 6, 30)).kept == []
    late = applied(text, at(1), today=date(2026, 7, 1))
    assert late.kept == [at(1)]
    assert rules_of(late.about) == ["suppression/expired"]
    assert "2026-06-30" in late.about[0].message


@pytest.mark.parametrize("day", ["soon", "31.12.2026", "2026-13-01", ""])
def test_a_day_that_is_none_is_told_and_hides_nothing(day: str) -> None:
    got = applied(f"a: 1  # automation: ignore[k8s/port] why (until {day})\n", at(1))
    assert got.kept == [at(1)]
    assert rules_of(got.about) == ["suppression/invalid"]


def test_unknown_rules_are_told_with_the_likely_one() -> None:
    got = applied("a: 1  # automation: ignore[latst-tag, k8s/no-limts, k8/*, k8s/port] why\n", at(1))
    assert rules_of(got.about) == ["suppression/unknown-rule"] * 3
    assert [f.suggestion for f in got.about] == [
        "Did you mean 'latest-tag'?",
        "Did you mean 'k8s/no-limits'?",
        "Did you mean 'k8s/*'?",
    ]
    assert got.kept == []


def test_rules_that_are_known_by_family_or_are_the_users_own_are_not_unknown() -> None:
    text = "a: 1  # automation: ignore[drift/some-word, shop/replicas] why\n"
    got = apply_suppressions([at(1)], [parsed(text)], today=TODAY, own_rules=["shop/replicas"])
    assert rules_of(got.about) == ["suppression/unused"]


def test_what_hides_nothing_is_told_once_a_comment() -> None:
    got = applied("a: 1  # automation: ignore[k8s/port, latest-tag] why\n", at(1))
    (told,) = got.about
    assert told.rule_id == "suppression/unused"
    assert told.tags == ("unused",)
    assert "latest-tag" in told.message
    assert "k8s/port" not in told.message
    assert (told.line, told.column) == (1, 7)


def test_families_that_were_left_out_and_broken_files_are_not_called_unused() -> None:
    text = "a: 1  # automation: ignore[expectation/timeouts] why\n"
    assert apply_suppressions([], [parsed(text)], today=TODAY, not_run=["expectation"]).about == []
    broken = "a: 1  # automation: ignore[k8s/port] why\n---\nb: [1\n"
    file = parsed(broken)
    assert file.findings
    assert apply_suppressions(file.findings, [file], today=TODAY).about == []


def test_errors_of_syntax_are_never_hidden() -> None:
    error = at(2, "yaml/syntax", "syntax")
    got = applied("# automation: ignore-file[yaml/syntax, syntax, yaml/*] please\na: 1\n", error)
    assert got.kept == [error]
    assert "suppression/invalid" in rules_of(got.about)


def test_a_suppression_cannot_hide_what_is_said_about_suppressions() -> None:
    text = "# automation: ignore-file[suppression/no-reason] shush\na: 1  # automation: ignore[k8s/port]\n"
    assert "suppression/no-reason" in rules_of(applied(text, at(2)).about)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1  # automation: ignore k8s/port because\n",
        "a: 1  # automation: ignore[] because\n",
        "a: 1  # automation: ignore[*] because\n",
        "a: 1  # automation: ignore[not a rule] because\n",
        "a: 1  # automation: ignroe[k8s/port] because\n",
        "a: 1\n# automation: ignore-file[k8s/port] too late\nb: 1\n",
        "a: 1\n# automation: ignore-start[k8s/port] never closed\nb: 1\n",
        "a: 1\n# automation: ignore-end\nb: 1\n",
    ],
)
def test_what_does_not_work_is_told(text: str) -> None:
    got = applied(text, at(1), at(3))
    assert got.kept == [at(1), at(3)]
    assert rules_of(got.about) == ["suppression/invalid"]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1  # automation: the pipeline sets this\n",
        "a: 1  # automation: ignored by the bot\n",
        "# automation scripts ignore[this]\na: 1\n",
        "a: 1  # automation:\n",
        "a: 1\n",
    ],
)
def test_other_comments_are_nobodys_business(text: str) -> None:
    assert applied(text, at(1)) == ([at(1)], [], [])


def test_a_template_can_be_passed_over_as_a_whole(tmp_path: Path) -> None:
    text = "# automation: ignore-file[file/template] rendered by the chart's own tests\n{{- if .Values.on }}\na: 1\n{{- end }}\n"
    root = write(tmp_path, {"templates/a.yaml": text, "Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n"})
    done = validated(root)
    got = apply_suppressions(done.findings, done.corpus.files, today=TODAY)
    assert rules_of([h.finding for h in got.hidden]) == ["file/template"]


def test_suppressions_for_json_stand_in_the_baseline(tmp_path: Path) -> None:
    file = parse_text(tmp_path / "conf/a.json", "a.json", '{"db": {"port": 1}, "web": {"port": 2}}')
    findings = [at(1, file="a.json", resource=path) for path in ("db.port", "web.port", "dbx.port")]
    sidecar = Sidecar("conf/a.json", ("k8s/port",), "db", "a test server", None, 4)
    baseline = Baseline(tmp_path / "automation-baseline.json", suppressions=(sidecar,))
    got = apply_suppressions(findings, [file], today=TODAY, baseline=baseline, root=tmp_path / "conf")
    assert [h.finding.resource for h in got.hidden] == ["db.port"]
    assert got.hidden[0].kind == "external"
    late = Baseline(baseline.path, suppressions=(Sidecar("conf/a.json", ("k8s/port",), "", "r", date(2020, 1, 1), 7),))
    got = apply_suppressions(findings, [file], today=TODAY, baseline=late, root=tmp_path / "conf")
    assert (rules_of(got.about), got.about[0].file, got.about[0].line) == (
        ["suppression/expired"],
        "../automation-baseline.json",
        7,
    )


def test_real_findings_are_hidden_where_they_stand(tmp_path: Path) -> None:
    text = (
        "services:\n  web:\n    image: nginx:latest  # automation: ignore[latest-tag] a demo\n"
        "    # automation: ignore[security/privileged] needs the device\n    privileged: true\n"
    )
    done = validated(write(tmp_path, {"compose.yaml": text}))
    got = apply_suppressions(done.findings, done.corpus.files, today=TODAY)
    assert {h.finding.rule_id for h in got.hidden} == {"compose/image-latest", "security/privileged"}
    assert got.about == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.sampled_from(["a.yaml", "a.json", "a.jsonc"]))
def test_any_comment_is_read_without_an_error(text: str, name: str) -> None:
    for mark in ("# automation: ignore[", "// automation: ", "/* automation: ignore-"):
        file = parse_text(Path("/tree") / name, name, f"a: 1 {mark}{text}\nb: 2\n")
        apply_suppressions([at(1, file=name)], [file], today=TODAY)


@given(
    st.lists(
        st.sampled_from(["a: 1", "b: |", "  text", "# automation: ignore[k8s/port] r", "- x", "'q", ""]), max_size=8
    )
)
def test_comments_lie_outside_of_every_scalar(lines: list[str]) -> None:
    file = parsed("\n".join(lines) + "\n")
    for comment in Comments(file):
        assert file.text[comment.span.start : comment.span.end].startswith("# automation:")
        for document in file.documents:
            for _, _, node in document.root.walk():
                if node.value and node.style in ("literal", "folded", "plain"):
                    assert (
                        "automation: ignore" not in node.value
                        or node.span.end <= comment.span.start
                        or node.span.start >= comment.span.end
                    )
