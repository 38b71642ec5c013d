"""The report, the table, Great Expectations, and SARIF."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.sarif import to_sarif
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.report import Report
from automation_scripts.validation.tables.expectations import load_suite
from automation_scripts.validation.tables.table import COLUMNS, add_derived_columns, environment_of, flatten, rows_of

SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text())
)


def _finding(message: str = "m", **more: Any) -> Finding:
    given = {"rule_id": "some/rule", "severity": Severity.HIGH, "file": "a.yaml", "line": 1, "column": 1}
    return Finding(message=message, **{**given, "tags": ("syntax",), **more})


def _corpus(**files: str) -> Corpus:
    named = {f"{name}.yaml": text for name, text in files.items()}
    return Corpus([parse_text(Path("/x") / name, name, text) for name, text in named.items()])


def test_the_same_mistake_at_the_same_place_is_told_once_by_the_more_severe() -> None:
    weak = _finding("weak", rule_id="other/rule", severity=Severity.LOW)
    report = Report([weak, _finding("strong"), _finding("other", line=2)], files=1)
    assert [finding.message for finding in report.findings] == ["strong", "other"]
    assert report.metrics()["findings_high"] == 2
    assert report.metrics()["findings_by_class"] == {"syntax": 2}


def test_of_two_equally_severe_findings_the_one_with_a_fix_stays() -> None:
    fixed = _finding("fixed", rule_id="z/rule", fix=(TextEdit("a.yaml", 1, 1, 1, 2, ""),))
    for findings in ([fixed, _finding("bare")], [_finding("bare"), fixed]):
        assert [finding.message for finding in Report(findings, files=1).findings] == ["fixed"]


def test_two_mistakes_at_one_place_are_both_told() -> None:
    missing = [_finding(f"'{key}' is missing", rule_id="schema/required", tags=("missing-required",)) for key in "ab"]
    again = _finding("a must be given", rule_id="team/a", tags=("missing-required",), severity=Severity.CRITICAL)
    assert len(Report(missing, files=1).findings) == 2
    assert len(Report([*missing, *missing], files=1).findings) == 2
    assert len(Report([*missing, again], files=1).findings) == 3, "one more severe finding hides no second mistake"
    other_class = _finding("a is odd", rule_id="team/odd", tags=("outlier",))
    assert len(Report([missing[0], other_class], files=1).findings) == 2


def test_findings_without_a_line_are_kept_apart_by_what_they_say() -> None:
    nowhere = {"file": None, "line": None, "column": None}
    assert len(Report([_finding("a", **nowhere), _finding("b", rule_id="x/y", **nowhere)], files=0).findings) == 2


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet=st.sampled_from("|`\n\r\\\\<>&[](){}*_#~!\u2028\u202e\x00ab "), max_size=30))
def test_any_text_stays_in_its_cell(text: str) -> None:
    markdown = Report([_finding(text, file=f"x{text}", suggestion=text)], files=1).markdown()
    rows = [line for line in markdown.splitlines() if line.startswith("| 1 |")]
    assert len(rows) == 1
    bare = rows[0].replace("\\\\", "")  # escaped backslashes escape nothing
    assert bare.count("|") - bare.count("\\|") == 5
    assert "<" not in markdown
    assert bare.count("`") == bare.count("\\`")


def test_the_table_of_an_artifact_can_be_sent() -> None:
    row = Report([_finding(suggestion="half \ud800 of a pair")], files=1).rows()[0]
    assert json.dumps(row, ensure_ascii=False).encode()
    assert row["suggestion"] == "half   of a pair"


def test_text_from_files_cannot_become_markup() -> None:
    evil = "| x |\n# title <script>alert(1)</script> [a](javascript:b) `code` \x1b[31m\u202e"
    text = Report([_finding(evil, file="a|b`.yaml")], files=1).markdown()
    row = next(line for line in text.splitlines() if "title" in line)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\| x \\|" in row
    assert "\\[a\\]\\(javascript" in row


def test_a_report_of_very_many_findings_is_cut_but_counted() -> None:
    report = Report([_finding(f"m{number}", line=number + 1) for number in range(700)], files=1)
    assert "200 less severe findings are left out" in report.markdown()
    assert len(report.rows()) == 500
    assert report.metrics()["findings"] == 700


def test_the_table_has_one_row_a_value() -> None:
    corpus = _corpus(app="a: {b: 1, c: [x, true]}\n---\nd: null\n")
    frame = flatten(corpus)
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["path"]) == ["a.b", "a.c[0]", "a.c[1]", "d"]
    assert list(frame["type"]) == ["integer", "string", "boolean", "null"]
    assert list(frame["document"]) == [0, 0, 0, 1]
    assert list(frame["line"]) == [1, 1, 1, 3]


def test_the_type_of_a_value_is_what_readers_take_it_for() -> None:
    written = (
        "a: 0x1F\nb: 1_000\nc: 1.5\nd: no\ne: '8080'\nf: !!str 1\ng: 2024-01-01\nh: .inf\ni: ~\nj: !Ref x\nk: |\n  1\n"
    )
    rows = rows_of(_corpus(app=written))
    assert [row["type"] for row in rows] == [
        "integer", "integer", "number", "boolean", "string", "string", "string", "number", "null", "string", "string",
    ]  # fmt: skip
    assert json.loads(json.dumps(rows)) == rows


def test_an_alias_is_no_second_value() -> None:
    assert [row["path"] for row in rows_of(_corpus(app="a: &x 1\nb: *x\n"))] == ["a"]


def test_numbers_are_read_as_yaml_reads_them() -> None:
    frame = flatten(_corpus(app="a: 0x10\nb: 0755\nc: 1_000\nd: '5'\ne: 1.5\n"))
    add_derived_columns(frame)
    assert frame["number"].dropna().tolist() == [16, 493, 1000, 1.5]


def _services(*ports: str, key: str = "port") -> Corpus:
    return Corpus(
        [
            parse_text(Path(f"/x/{number}/app.yaml"), f"{number}/app.yaml", f"{key}: {port}\n")
            for number, port in enumerate(ports)
        ]
    )


def test_a_quoted_number_among_numbers_has_an_unusual_type() -> None:
    frame = flatten(_services(*["80"] * 9, "'80'", "eighty"))
    add_derived_columns(frame)
    odd = frame[frame["type"] != frame["usual_type"]]
    assert list(odd["file"]) == [], "81 % are numbers, which is too few to speak of a habit"
    frame = flatten(_services(*["80"] * 12, "'80'", "eighty"))
    add_derived_columns(frame)
    assert list(frame[frame["type"] != frame["usual_type"]]["file"]) == ["12/app.yaml"]


def test_few_files_make_no_habit() -> None:
    frame = flatten(_services("80", "80", "'80'"))
    add_derived_columns(frame)
    assert (frame["type"] == frame["usual_type"]).all()


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("app.production.yaml", "production"),
        ("prod/app.yaml", "production"),
        ("app-stg.yml", "staging"),
        ("products/contest.yaml", ""),
        ("reproduction.yaml", ""),
        ("tests/dev.yaml", "development"),
    ],
)
def test_the_environment_is_a_whole_word_of_the_path(name: str, environment: str) -> None:
    assert environment_of(name) == environment


def _expect(rows: list[dict[str, Any]], suite: dict[str, Any]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "automation_scripts.validation.tables.expectations"],
        input=json.dumps({"rows": rows, "suite": suite}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return answer


def test_great_expectations_finds_the_rows(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(
        "expectations:\n"
        "  - {id: own, expect: expect_column_values_to_be_in_set, where: {key: mode, kind: ''},\n"
        "     arguments: {column: value, value_set: [a, b]}, severity: low, message: '{path} is {value}'}\n"
        "  - {id: table, expect: ExpectTableRowCountToBeBetween, where: {key: mode}, arguments: {min_value: 9}}\n"
        "  - {id: badly-called, expect: ExpectColumnValuesToBeBetween, where: {key: mode}, arguments: {colum: number}}\n"
    )
    rows = rows_of(
        _corpus(app='port: 70000\nserver_port: 443\nmode: c\nreplicas: -1\ncpu_percent: 101\nname: "a\\x07"\n')
    )
    found = {finding["rule_id"]: finding for finding in _expect(rows, load_suite(file))}
    assert found["expectation/port-range"]["line"] == 1
    assert found["expectation/replicas-not-negative"]["line"] == 4
    assert found["expectation/percent-range"]["line"] == 5
    assert found["expectation/no-control-characters"]["line"] == 6
    assert found["expectation/own"]["message"] == "mode is c"
    assert found["expectation/own"]["severity"] == "low"
    assert "expectation/table" in found
    assert "cannot be evaluated" in found["expectation/badly-called"]["message"]


def test_a_clean_table_has_no_finding() -> None:
    rows = rows_of(_corpus(app="port: 443\nreplicas: 2\npercent: 50\ntransport: x\nreport: 99999\nname: a\n"))
    assert _expect(rows, load_suite(None)) == []
    assert _expect([], load_suite(None)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("expectations: 1\n", ":1: expected a key `expectations`"),
        ("expectatons: []\n", "expected a key `expectations`"),
        ("expectations: [1]\n", ":1: an expectation is a mapping"),
        ("expectations:\n- {id: a, expct: ExpectX}\n", ":2: unknown key 'expct'. Did you mean 'expect'?"),
        ("expectations:\n- {expect: ExpectX}\n", ":2: an expectation needs an `id`"),
        ("expectations:\n- {id: a, expect: dropTables}\n", ":2: `expect` names no expectation: 'dropTables'"),
        ("expectations:\n- {id: a, expect: [x]}\n", "`expect` is a text"),
        ("expectations:\n- {id: a}\n", ":2: `expect` names an expectation, such as"),
        (
            "expectations:\n- id: a\n  expect: ExpectColumnValuesToBeBetwen\n",
            ":3: `expect` names no expectation: 'ExpectColumnValuesToBeBetwen'. "
            "Did you mean 'ExpectColumnValuesToBeBetween'?",
        ),
        (
            "expectations:\n- id: a\n  expect: expect_column_value_to_be_unique\n",
            "Did you mean 'ExpectColumnValuesToBeUnique'?",
        ),
        ("expectations:\n- {id: a, expect: ExpectQueryResultsToMatchComparison}\n", "it needs a database"),
        ("expectations:\n- {id: a, expect: ExpectColumnValuesToMatchJsonSchema}\n", "`schema_path`"),
        (
            "expectations:\n- id: a\n  expect: ExpectColumnToExist\n  arguments:\n    row_condition: '1==1'\n",
            ":5: the argument 'row_condition' would run code",
        ),
        (
            "expectations:\n- {id: a, expect: ExpectX, tag: drfit}\n",
            ":2: there is no tag 'drfit'. Did you mean 'drift'?",
        ),
        ("expectations:\n- {id: a, expect: ExpectX, where: {kye: x}}\n", "not 'kye'. Did you mean 'key'?"),
        ("expectations:\n- {id: a, expect: ExpectX, where: {key: [a, b]}}\n", "`where.key` is a glob"),
        ("expectations:\n- {id: a, expect: ExpectX, where: 1, arguments: []}\n", "`arguments` is a mapping"),
        ("", "the file is empty"),
        ("- a\n", ":1: expected a key `expectations`"),
        ("expectations:\n- {id: a, expect: ExpectX, severity: bad}\n", "severity is one of"),
        ("expectations:\n- {id: a, expect: ExpectX, where: {colour: x}}\n", "`where` knows"),
        ("expectations:\n- {id: a, expect: ExpectX}\n- {id: a, expect: ExpectX}\n", "stands in line 2 too"),
        ("expectations: [\n", ":"),
    ],
)
def test_a_wrong_suite_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(text)
    with pytest.raises(InvalidParameters) as refusal:
        load_suite(file)
    assert said in str(refusal.value)
    assert "suite.yaml" in str(refusal.value)


def test_all_problems_of_a_suite_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text("expectations:\n- {id: a, expect: ExpectX}\n- {expect: ExpectY}\nmore: 1\n")
    with pytest.raises(InvalidParameters) as refusal:
        load_suite(file)
    assert len(str(refusal.value).splitlines()) == 4


def test_a_suite_of_ones_own_adds_to_the_built_in_one_and_replaces_by_id(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(
        "expectations:\n- {id: port-range, expect: expect_column_to_exist}\n- {id: b, expect: ExpectColumnToExist}\n"
    )
    built_in = [entry["id"] for entry in load_suite(None)["expectations"]]
    merged = load_suite(file)["expectations"]
    assert [entry["id"] for entry in merged] == [*built_in, "b"]
    assert next(entry for entry in merged if entry["id"] == "port-range")["expect"] == "expect_column_to_exist"


def test_a_missing_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="nowhere.yaml"):
        load_suite(tmp_path / "nowhere.yaml")


TEXTS = st.text(max_size=20)
FINDINGS = st.builds(
    Finding,
    rule_id=st.sampled_from(["a/b", "c/d"]),
    severity=st.sampled_from(list(Severity)),
    message=TEXTS,
    file=st.one_of(st.none(), st.text("abc:/ #%ü", min_size=1, max_size=9)),
    line=st.one_of(st.none(), st.integers(1, 99)),
    column=st.one_of(st.none(), st.integers(1, 99)),
    end_line=st.one_of(st.none(), st.integers(1, 99)),
    end_column=st.one_of(st.none(), st.integers(1, 99)),
    suggestion=st.one_of(st.none(), TEXTS),
    fix=st.lists(
        st.builds(TextEdit, st.just("a.yaml"), st.just(1), st.just(1), st.just(1), st.just(2), TEXTS), max_size=2
    ).map(tuple),
    tags=st.lists(st.sampled_from(["drift", "unused"]), max_size=1).map(tuple),
    cwe=st.sampled_from([None, "CWE-798", "nonsense", ""]),
    references=st.lists(
        st.one_of(st.sampled_from(["CIS 5.1", "https://e.org/ä b[1]", ""]), TEXTS.map("https://e.org/{}".format)),
        max_size=2,
    ).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(FINDINGS, max_size=5))
def test_every_sarif_log_is_valid(findings: list[Finding]) -> None:
    log = to_sarif(findings)
    errors = [f"{error.instance_path}: {error.message}" for error in SCHEMA.iter_errors(log)]
    assert errors == []
    assert len(log["runs"][0]["results"]) == len(findings)


def test_sarif_carries_places_fixes_fingerprints_and_weaknesses() -> None:
    edit = TextEdit("dir/a b.yaml", 2, 3, 2, 5, "new")
    finding = _finding(file="dir/a b.yaml", line=2, column=3, end_line=2, end_column=5, cwe="CWE-798", fix=(edit,))
    result = to_sarif([finding])["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "dir/a%20b.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 5}
    assert result["partialFingerprints"] == {"automationScripts/v1": finding.fingerprint}
    assert result["taxa"][0]["id"] == "CWE-798"
    assert result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == "new"


def test_sarif_shows_no_link_that_a_file_wrote() -> None:
    result = to_sarif([_finding("see [here](https://evil.example) and a[0]")])["runs"][0]["results"][0]
    assert result["message"]["text"] == "see \\[here\\](https://evil.example) and a[0]"


def test_sarif_names_only_versions_and_pages_that_are_such() -> None:
    driver = to_sarif([_finding(references=("CIS 5.1", "https://e.org/ä b"))], tool_version="1.0.dev1")["runs"][0][
        "tool"
    ]
    assert driver["driver"]["version"] == "1.0.dev1"
    assert "semanticVersion" not in driver["driver"]
    assert driver["driver"]["rules"][0]["helpUri"] == "https://e.org/%C3%A4%20b"
    assert to_sarif([], tool_version="1.2.3")["runs"][0]["tool"]["driver"]["semanticVersion"] == "1.2.3"


def test_findings_survive_the_way_through_json() -> None:
    finding = _finding(fix=(TextEdit("a", 1, 1, 1, 2, "x"),), references=("https://example.com",))
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding
