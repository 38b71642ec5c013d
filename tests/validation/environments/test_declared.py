"""`drift.yaml`: declared differences, and declarations that are wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.environments.check import check_environments
from automation_scripts.validation.parsing.files import parse_text

P, S = "deploy/config.production.yaml", "deploy/config.staging.yaml"
STAGING = "a: 1\nb: 2\npool: {size: 10, timeout: 5}\ndebug: false\n"
PRODUCTION = "a: 1\nb: 2\npool: {size: 90000, timeout: 5}\ndebug: true\n"


def _check(declarations: str, name: str = "drift.yaml") -> list[Finding]:
    files = {P: PRODUCTION, S: STAGING, name: declarations}
    parsed = [parse_text(Path("/srv") / one, one, text) for one, text in files.items()]
    return check_environments(parsed, today=date(2026, 6, 30))


def _left(findings: list[Finding]) -> list[tuple[str, str | None, int | None]]:
    return [(finding.rule_id, finding.file, finding.line) for finding in findings]


SIZE = ("drift/magnitude", P, 3)
DEBUG = ("drift/weaker-security", P, 4)


def test_without_declarations_both_are_told() -> None:
    assert _left(_check("note: 1\n")) == [SIZE, DEBUG]


@pytest.mark.parametrize("path", ["pool.size", "pool.*", "**.size", "*.size", "**"])
@pytest.mark.parametrize("name", ["drift.yaml", "deploy/drift.yml", "deploy/.drift.yaml"])
def test_a_declared_path_is_not_told(path: str, name: str) -> None:
    left = _left(_check(f"differences:\n  - path: '{path}'\n    reason: larger server\n", name))
    assert SIZE not in left
    assert (DEBUG in left) is (path != "**")


def test_a_declaration_counts_for_its_folder_and_its_files() -> None:
    elsewhere = "differences:\n  - {path: pool.size, reason: r}\n"
    assert SIZE in _left(_check(elsewhere, "other/drift.yaml"))
    given = "differences:\n  - {path: pool.size, reason: r, file: 'deploy/**'}\n"
    assert SIZE not in _left(_check(given))
    assert SIZE in _left(_check(given.replace("deploy", "apps")))


@pytest.mark.parametrize(
    ("declarations", "line", "tag"),
    [
        ("differences:\n  - path: pool.size\n", 2, "missing-required"),
        ("differences:\n  - reason: r\n", 2, "missing-required"),
        ("differences:\n  - path: pool.size\n    reasn: r\n    reason: r\n", 3, "unknown-key"),
        ("differences:\n  - path: [a]\n    reason: r\n", 2, "wrong-type"),
        ("differences:\n  - pool.size\n", 2, "wrong-type"),
        ("differences: pool.size\n", 1, "wrong-type"),
        ("differences:\n  - path: pool.size\n    reason: r\n    expires: soon\n", 4, "invalid-value"),
        ("differences:\n  - path: pool.size\n    reason: r\n    expires: 2026-06-29\n", 4, "invalid-value"),
    ],
)
def test_a_wrong_declaration_is_told_and_declares_nothing(declarations: str, line: int, tag: str) -> None:
    found = _check(declarations)
    assert SIZE in _left(found)
    assert [(one.line, one.tags) for one in found if one.rule_id == "drift/declaration"] == [(line, (tag,))]


def test_a_declaration_is_good_until_its_last_day() -> None:
    given = "differences:\n  - path: pool.size\n    reason: r\n    expires: 2026-06-30\n"
    assert _left(_check(given)) == [DEBUG]


def test_a_declaration_of_nothing_is_told() -> None:
    found = _check("differences:\n  - path: cache.size\n    reason: r\n")
    assert [(one.line, one.tags) for one in found if one.rule_id == "drift/unused-declaration"] == [(2, ("unused",))]


def test_another_file_of_this_name_is_left_alone() -> None:
    assert _left(_check("- path: x\n")) == [SIZE, DEBUG]
