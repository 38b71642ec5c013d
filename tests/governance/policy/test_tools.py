"""The matrix, explanations, policy tests and differences over past runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from automation_scripts.catalog import SCRIPTS
from automation_scripts.governance.policy import (
    DEFAULTS,
    Action,
    Missing,
    Outcome,
    PastRun,
    PolicyError,
    Principal,
    PrincipalKind,
    diff,
    explain,
    matrix,
    run_tests,
)
from tests.governance.policy.support import NOW, ask, folder_of, load


def cells(roles: str, environment: str = "production") -> dict[tuple[str | None, str], tuple[str, tuple[str, ...]]]:
    principal = Principal(PrincipalKind.USER, "alice", frozenset(roles.split()))
    rows = matrix(load(), principal, environment, NOW)
    return {(row.script, row.action.value): (row.outcome.value, row.needs) for row in rows}


def test_the_matrix_shows_every_script_and_action_and_what_it_takes() -> None:
    found = cells("admin")
    assert len(found) == len(SCRIPTS) * 7 + 4
    assert found["deployment_automation", "observe"] == ("allowed", ())
    assert found["deployment_automation", "change"] == ("allowed with", ("mfa", "approval"))
    assert found["deployment_automation", "approve"] == ("allowed with", ("mfa",))
    assert found[None, "administer"] == ("allowed with", ("mfa",))
    assert found[None, "read_audit"] == ("allowed", ())


def test_the_matrix_of_a_viewer_is_a_table_of_refusals_with_reasons() -> None:
    principal = Principal(PrincipalKind.USER, "bob", frozenset({"viewer"}))
    rows = matrix(load(), principal, "production", NOW)
    allowed = {row.action for row in rows if row.outcome is Outcome.ALLOWED}
    assert allowed == {Action.READ_HISTORY}
    assert all("To be allowed" in row.why for row in rows if row.outcome is Outcome.DENIED)
    assert all(outcome == "denied" for outcome, _ in cells("").values())


def test_an_explanation_names_the_conditions_that_failed_and_their_values() -> None:
    text = explain(load(), ask("release-manager", "change", approvals=1))
    lines = text.splitlines()
    assert "may not change deployment_automation in production" in lines[0]
    assert any("mfa-in-protected" in line and line.endswith(": applies") for line in lines)
    approval = next(i for i, line in enumerate(lines) if line.startswith("forbid approval-in-protected"))
    assert lines[approval].endswith("does not apply")
    assert lines[approval + 1] == "    not: context.approvals < 1 (approvals is 1)"
    service = next(i for i, line in enumerate(lines) if line.startswith("permit roles/service/allow/2"))
    assert lines[service + 1] == '    not: principal in Role::"service"'
    assert "read_audit" not in text


def test_an_explanation_of_an_exception_says_that_it_held() -> None:
    text = explain(load(), ask("release-manager", "change", approvals=1, mfa_at=NOW))
    assert "not: unless { context.mfa && (context.mfa_age_s <= 300) } (mfa is true, mfa_age_s is 0)" in text


def test_an_explanation_of_a_bad_request_is_the_reason(tmp_path: Path) -> None:
    assert "did you mean production?" in explain(load(), ask("admin", "change", "Production"))


TESTS = """tests:
  - name: releases need approval
    roles: [release-manager]
    action: change
    script: deployment_automation
    environment: production
    context: {mfa_age: 1m}
    expect: deny
    by: approval-in-protected
    missing: [approval]
  - {roles: [operator], action: change, script: deployment_automation, environment: staging, expect: allow}
  - {roles: [admin], action: administer, expect: allow, context: {mfa_age: 0, now: "2026-01-07T12:00:00+01:00"}}
  - {kind: local, action: change, script: deployment_automation, environment: test, expect: deny}
  - {roles: [], action: observe, script: config_validator, environment: test, expect: deny, by: no-self-approval}
  - {roles: [admin], action: approve, script: config_validator, environment: test, expect: deny, missing: [mfa],
     context: {own_request: true}}
"""


def test_policy_tests_report_each_case(tmp_path: Path) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(TESTS, encoding="utf-8")
    results = run_tests(load(), file)
    assert [result.passed for result in results] == [True, True, True, False, False, False]
    assert results[0].case.name == "releases need approval"
    assert results[3].case.name == "line 13"
    assert results[3].complaint.startswith("expected deny: Local user")
    assert "not by no-self-approval" in results[4].complaint
    assert "expected missing mfa; found nothing" in results[5].complaint


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("tests: []", 0, "has no tests"),
        ("tests:\n  - {action: chnage, expect: allow}", 2, "did you mean change?"),
        ("tests:\n  - {action: change, expect: maybe}", 2, "unknown expect"),
        ("tests:\n  - {action: change}", 2, "needs `expect`"),
        (
            "tests:\n  - {action: change, expect: deny, by: approval-in-protcted}",
            2,
            "did you mean approval-in-protected?",
        ),
        ("tests:\n  - action: change\n    expect: deny\n    context: {aprovals: 1}", 4, "did you mean approvals?"),
        ("tests:\n  - action: change\n    expect: deny\n    context: {now: 2026-01-01}", 4, "offset"),
        ("tests:\n  - action: change\n    expect: deny\n    context: {trigger: cron}", 4, "unknown trigger"),
        ("tests:\n  - action: change\n    expect: deny\n    context: {dry_run: 1}", 4, "true or false"),
    ],
)
def test_wrong_test_files_name_the_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        run_tests(load(), file)
    assert any(message in p.message and (p.at.line if p.at else 0) == line for p in raised.value.problems)


def run(run_id: str, roles: str, **fields: object) -> PastRun:
    defaults = {
        "script": "deployment_automation",
        "environment": "staging",
        "at": NOW,
        "roles": frozenset(roles.split()),
    }
    return PastRun(run_id=run_id, **{**defaults, **fields})  # type: ignore[arg-type]


def test_a_difference_names_the_runs_and_the_policies(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml=(DEFAULTS / "roles.yaml").read_text(encoding="utf-8"))
    (folder / "guardrails.cedar").unlink()
    quiet = '@id("quiet") forbid(principal, action == Action::"change", resource) when { context.hour < 6 };'
    (folder / "quiet.cedar").write_text(quiet, encoding="utf-8")
    past = [
        run("noon", "operator"),
        run("night", "operator", at=NOW.replace(hour=3)),
        run("night-dry", "operator", at=NOW.replace(hour=3), dry_run=True),
        run("night-scan", "operator", at=NOW.replace(hour=3), only_reads=True, script="security_scanner"),
        run("night-viewer", "viewer", at=NOW.replace(hour=3)),
        run("release", "release-manager", environment="production", at=NOW.replace(hour=3), mfa_age_s=20, approvals=1),
    ]
    old, new = load(), load(folder)
    changed = diff(old, new, past)
    assert [change.run.run_id for change in changed] == ["night", "release"]
    assert all(change.old.allowed and [r.id for r in change.new.reasons] == ["quiet"] for change in changed)
    assert [change.run.run_id for change in diff(new, old, past)] == ["night", "release"]
    assert diff(old, old, past) == []
    assert Missing.TIME_WINDOW in changed[0].new.missing


def test_the_package_is_imported_without_the_engine() -> None:
    code = "import sys, automation_scripts.governance.policy; print('cedarpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_text_of_the_policies_can_be_read_again(tmp_path: Path) -> None:
    policies = load()
    again = load(folder_of(tmp_path, own_cedar=policies.text()))
    request = ask("operator", "change", "staging")
    # Who inherits from whom is in the YAML files; each policy is in the text.
    assert set(again.compiled.sources) == set(policies.compiled.sources)
    assert again.allows(request) and not again.allows(ask("viewer", "change", "staging"))
