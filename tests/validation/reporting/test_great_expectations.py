"""Great Expectations in this process: what it finds, what it cannot evaluate, and what it must not do."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.tables.expectations import MOST_FINDINGS, load_suite, rehearse, validate_rows
from automation_scripts.validation.tables.suite import NAMES, NOT_HERE, class_name
from automation_scripts.validation.tables.table import rows_of

pytestmark = pytest.mark.slow


def _rows(**files: str) -> list[dict[str, Any]]:
    named = {f"{name}/app.yaml": text for name, text in files.items()}
    return rows_of(Corpus([parse_text(Path("/x") / name, name, text) for name, text in named.items()]))


def _found(rows: list[dict[str, Any]], expect: str, **entry: Any) -> list[Finding]:
    suite = {"expectations": [{"id": "own", "expect": expect, **entry}]}
    return [Finding.from_dict(finding) for finding in validate_rows(rows, suite)["findings"]]


def _built_in(rows: list[dict[str, Any]]) -> list[tuple[str, str | None, int | None]]:
    found = [Finding.from_dict(finding) for finding in validate_rows(rows, load_suite(None))["findings"]]
    return [(finding.rule_id.removeprefix("expectation/"), finding.file, finding.line) for finding in found]


def test_the_names_we_know_are_those_of_the_gallery() -> None:
    from great_expectations import expectations

    gallery = {name for name in dir(expectations) if name.startswith("Expect") and name[6:7].isupper()}
    assert NAMES | NOT_HERE.keys() == gallery


@pytest.mark.parametrize("name", ["ExpectColumnKLDivergenceToBeLessThan", "ExpectColumnValueZScoresToBeLessThan"])
def test_names_with_capitals_in_a_row_are_known_in_snake_case_too(name: str) -> None:
    snake = name.replace("KLD", "_kl_d").replace("ZScores", "_z_scores")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in snake).lstrip("_")
    assert class_name(snake) == class_name(name) == name


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("port: 65536", "port-range"),
        ("server_port: -1", "port-range"),
        ("port: 0x1FFFF", "port-range"),
        ("cpu_percent: 100.5", "percent-range"),
        ("minReplicas: -2", "replicas-not-negative"),
        ('name: "a\\x1b[0m"', "no-control-characters"),
    ],
)
def test_the_built_in_suite_finds(text: str, rule: str) -> None:
    assert _built_in(_rows(a=f"ok: 1\n{text}\n")) == [(rule, "a/app.yaml", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "port: 443", "port: '${PORT}'", "port: '99999'", "port: null", "passport: 99999", "airport: 123456",
        "percent: 0", "percent: 100.0", "percent: 50%", "replicas: 0", "replicas: '-'", "text: \"a\\tb\\nc\"",
        "ports: [8080, 99999]", "report: -1",
    ],
)  # fmt: skip
def test_the_built_in_suite_leaves_alone(text: str) -> None:
    assert _built_in(_rows(a=f"{text}\n")) == []


def test_a_quoted_number_is_found_where_all_others_are_numbers() -> None:
    files = {f"s{number}": "retries: 3\nlabel: '1'\n" for number in range(12)}
    assert _built_in(_rows(**files)) == []
    assert _built_in(_rows(**files, odd="retries: '3'\nlabel: '1'\n")) == [("one-type", "odd/app.yaml", 1)]


@pytest.mark.parametrize(
    ("expect", "arguments", "said"),
    [
        ("ExpectColumnValuesToBeBetween", {"column": "nosuch", "min_value": 1}, "nosuch"),
        ("ExpectColumnValuesToBeBetween", {"column": "value", "min_value": 1}, "same type"),
        ("ExpectColumnValuesToBeBetween", {"colum": "number"}, "column"),
        ("ExpectColumnValuesToMatchRegex", {"column": "value", "regex": "("}, "unterminated"),
        ("ExpectColumnValuesToBeInSet", {"column": "value", "value_set": {"$PARAMETER": "x"}}, "x"),
        ("ExpectQueryResultsToMatchComparison", {}, "no expectation"),
        ("ExpectNothingAtAll", {}, "ExpectNothingAtAll"),
    ],
)
def test_what_cannot_be_evaluated_is_one_finding(expect: str, arguments: dict[str, Any], said: str) -> None:
    (finding,) = _found(_rows(a="port: 1\nname: x\n"), expect, arguments=arguments)
    assert "cannot be evaluated" in finding.message
    assert said in finding.message
    assert "\n" not in finding.message


def test_an_expectation_that_fails_does_not_keep_the_others_from_running() -> None:
    entries = [
        {"id": "broken", "expect": "ExpectColumnToExist"},
        {"id": "works", "expect": "ExpectColumnValuesToBeInSet", "arguments": {"column": "value", "value_set": ["x"]}},
    ]
    found = validate_rows(_rows(a="name: y\n"), {"expectations": entries})["findings"]
    assert [finding["rule_id"] for finding in found] == ["expectation/broken", "expectation/works"]


def test_a_suite_cannot_run_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    condition = f"@pd.io.common.os.system('touch {trace}') == 0"
    arguments = {"column": "value", "value_set": ["x"], "row_condition": condition, "condition_parser": "pandas"}
    (finding,) = _found(_rows(a="name: y\n"), "ExpectColumnValuesToBeInSet", arguments=arguments)
    assert "not allowed" in finding.message
    assert not trace.exists()


def test_pairs_and_compounds_point_at_their_rows() -> None:
    rows = _rows(a="x: 1\ny: 2\n", b="x: 1\n")
    arguments = {"column_list": ["path", "value"]}
    assert [f.file for f in _found(rows, "ExpectCompoundColumnsToBeUnique", arguments=arguments)] == [
        "a/app.yaml",
        "b/app.yaml",
    ]
    found = _found(rows, "expect_column_pair_values_to_be_equal", arguments={"column_A": "type", "column_B": "value"})
    assert [(f.file, f.line, f.resource) for f in found] == [
        ("a/app.yaml", 1, "x"),
        ("a/app.yaml", 2, "y"),
        ("b/app.yaml", 1, "x"),
    ]


def test_mostly_allows_some_and_an_aggregate_has_no_row() -> None:
    rows = _rows(a="a: 1\nb: 1\nc: 2\n")
    arguments = {"column": "value", "value_set": ["1"]}
    assert _found(rows, "ExpectColumnValuesToBeInSet", arguments={**arguments, "mostly": 0.6}) == []
    assert [f.line for f in _found(rows, "ExpectColumnValuesToBeInSet", arguments=arguments)] == [3]
    (whole,) = _found(rows, "ExpectColumnMaxToBeBetween", arguments={"column": "number", "max_value": 1})
    assert whole.line is None


def test_rows_are_chosen_by_globs_and_their_negation() -> None:
    rows = _rows(prod="a: 1\nb: 2\n", dev="a: 1\n")
    arguments = {"column": "value", "value_set": ["none"]}

    def places(where: dict[str, str]) -> list[str | None]:
        found = _found(rows, "ExpectColumnValuesToBeInSet", where=where, arguments=arguments)
        return [f"{finding.file}:{finding.resource}" for finding in found]

    assert places({"environment": "prod*"}) == ["prod/app.yaml:a", "prod/app.yaml:b"]
    assert places({"file": "dev/*"}) == ["dev/app.yaml:a"]
    assert places({"file": "!dev/*", "key": "a|c"}) == ["prod/app.yaml:a"]
    assert places({"key": "!a|b"}) == []
    assert places({"path": "z*"}) == []


def test_very_many_findings_of_one_expectation_are_cut_with_a_word_about_the_rest() -> None:
    rows = _rows(a="".join(f"k{number}: 1\n" for number in range(MOST_FINDINGS + 7)))
    found = _found(rows, "ExpectColumnValuesToBeInSet", arguments={"column": "value", "value_set": ["none"]})
    assert len(found) == MOST_FINDINGS + 1
    assert found[-1].severity is Severity.INFO
    assert found[-1].message.startswith("7 more values")


def test_values_are_not_read_as_templates() -> None:
    message, arguments = "{path}={value} {other}", {"column": "value", "value_set": ["x"]}
    (finding,) = _found(
        _rows(a="k: '{file} {0}'\n"), "ExpectColumnValuesToBeInSet", message=message, arguments=arguments
    )
    assert finding.message == "k={file} {0} {other}"


def test_nothing_is_left_behind_and_nothing_printed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other tests use the machine's at the same time
    rehearse()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_the_data_docs_show_what_is_wrong_load_nothing_and_hide_secrets() -> None:
    secret = "hunter2-Zq8vT1xK"
    rows = _rows(a=f"port: 70000\npassword: {secret}\n")
    never = {
        "id": "never",
        "expect": "ExpectColumnValuesToBeInSet",
        "arguments": {"column": "value", "value_set": ["x"]},
    }
    answer = validate_rows(rows, {"expectations": [never]}, with_page=True)
    assert [(outcome["expectation"], outcome["values"], outcome["unexpected"]) for outcome in answer["outcomes"]] == [
        ("never", 2, 2)
    ]
    page = answer["page"]
    assert "70000" in page
    assert secret not in page
    assert not re.search(r"(?i)<script|<link|\bsrc=|\son[a-z]+=", page)
    assert "default-src 'none'" in page
