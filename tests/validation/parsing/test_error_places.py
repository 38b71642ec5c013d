"""Mistakes whose error shows further down than where they were made, and limits that follow the size of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan_fixes import apply_edits
from automation_scripts.validation.input.file_kinds import FileKind, kind_of
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.json import parse_json
from automation_scripts.validation.parsing.version_differences import differences
from automation_scripts.validation.parsing.yaml import parse_yaml

Parse = Callable[..., ParsedFile]

# (text, line, words, the text after the fix or None)
PLACES = {
    "a key without its colon before a list": (
        "spec:\n  finalizers\n    - a\n    - b\n  name: x\n",
        2,
        "has no ':'",
        None,
    ),
    "a first key without its colon": ("tests\n  # why\n  - a: 1\n", 1, "has no ':'", None),
    "a value that goes on, then a second key": ("a:\n  b: some words\n    go on\n    c: d\n", 4, "not allowed", None),
    "a key less deep than its siblings": (
        "a:\n  b:\n    x: 1\n  c:\n    expose:\n      - 1\n   d:\n      - 2\n    e: 1\n",
        7,
        "indented by 3 spaces",
        None,
    ),
    "a first key deeper than its siblings": (
        "a:\n   b:\n    x: 1\n  c: 2\nd:\n  e: 1\nf:\n  g: 1\n",
        2,
        "indented by 3 spaces, the lines of its block by 2",
        "a:\n  b:\n    x: 1\n  c: 2\nd:\n  e: 1\nf:\n  g: 1\n",
    ),
    "a first line that alone is indented": (" a: 1\nb: 2\nc: 3\n", 1, "indented by 1 spaces", "a: 1\nb: 2\nc: 3\n"),
    "an indented document mark": ("  ---\na: 1\n", 1, "indented by 2 spaces", "---\na: 1\n"),
    "a bracket that is open at the next list": ("a: [b, c\nd:\n  - e\n", 1, "never closed", "a: [b, c]\nd:\n  - e\n"),
    "a quote that is open at an escape": ("a: \"b\nc: d\ne:\n  - '\\d'\n", 1, "never closed", None),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_place_is_where_the_mistake_was_made(parse: Parse, case: str) -> None:
    text, line, words, mended = PLACES[case]
    found = parse(text).findings[0]
    assert (found.rule_id, found.line) == ("yaml/syntax", line), found.message
    assert words in found.message
    if mended is not None:
        assert apply_edits(text, found.fix) == mended
        assert parse(mended).findings == []


JSON_PLACES = {
    "a list without its bracket": ('{\n  "a":\n    "b",\n    "c"\n  ],\n  "d": 1\n}\n', 2, "'[' is probably missing"),
    "a map without its end": ('{\n  "a": {\n    "b": 1\n  ,\n  "c": {"d": 2}\n}\n', 5, "'}' is probably missing"),
    "a key in a list": ('{\n  "a": [\n    1,\n    "b": 2\n  }\n}\n', 4, "']' is probably missing"),
    "a file without its end": ('{\n  "a": {\n    "b": 1\n  }\n', 4, "never closed"),
}


@pytest.mark.parametrize("case", JSON_PLACES)
def test_a_lost_bracket_is_found_by_indentation(case: str) -> None:
    text, line, words = JSON_PLACES[case]
    [found] = parse_json(Path("/x"), "x", text).findings
    assert found.line == line, found.message
    assert words in found.message


def test_words_for_booleans_in_the_files_of_ansible_are_one_information(parse: Parse) -> None:
    text = "- hosts: all\n  become: yes\n  tasks:\n    - name: a\n      service: {name: x, enabled: no}\n"
    [found] = differences(parse(text, "site.yml"))
    assert (found.severity, found.line) == (Severity.INFO, 2)
    assert "1 more" in found.message
    assert apply_edits(text, found.fix) == text.replace("yes", "true").replace("no}", "false}")
    [found] = differences(parse("a: yes\n", "roles/x/defaults/main.yml"))
    assert found.severity is Severity.INFO


def test_restart_is_a_word_only_where_it_says_no(parse: Parse) -> None:
    assert [f.severity for f in differences(parse("restart: yes\n"))] == [Severity.LOW]
    assert [f.severity for f in differences(parse("restart: no\n"))] == [Severity.MEDIUM]


def test_settings_of_dotnet_may_hold_comments() -> None:
    assert kind_of("src/appsettings.Development.json") is FileKind.JSONC
    assert kind_of("my-appsettings.json") is FileKind.JSON


def test_the_tree_of_a_large_text_may_hold_fewer_nodes() -> None:
    limits = Limits()
    assert limits.nodes(1000) == limits.max_nodes
    assert limits.nodes(100_000_000) < limits.max_nodes
    assert limits.nodes(10**12) > 0
    assert limits.cpu_s(100_000_000) > limits.cpu_s(1000) == limits.max_cpu_s


def test_time_that_is_over_is_a_finding() -> None:
    text = "- a\n" * 50_000
    [found] = parse_yaml(Path("/x"), "x", text, Limits(max_cpu_s=0.0)).findings
    assert found.rule_id == "yaml/too-large"
    assert "too long" in found.message
    [found] = parse_json(Path("/x"), "x", f"[{'1,' * 50_000}1]", Limits(max_cpu_s=0.0)).findings
    assert found.rule_id == "json/too-large"
    assert "too long" in found.message
