"""What would have to be different."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from automation_scripts.governance.policy import Missing
from tests.governance.policy.support import NOW, ask, folder_of, load


def rule(tmp_path: Path, when: str) -> object:
    text = f"roles:\n  op:\n    allow:\n      - actions: [change]\n        when: {when}\n  dba: {{}}\n"
    return load(folder_of(tmp_path, roles_yaml=text))


def test_it_counts_the_approvals_that_are_missing(tmp_path: Path) -> None:
    decision = rule(tmp_path, "{approvals: 3}").authorize(ask("op", "change", approvals=1))
    assert (decision.missing, decision.advice.approvals, decision.advice.approver_role) == (("approval",), 2, None)
    assert "2 more approvals" in decision.message


def test_it_names_the_role_of_the_approver(tmp_path: Path) -> None:
    policies = rule(tmp_path, "{approvals: 1, approver_roles: [dba]}")
    decision = policies.authorize(ask("op", "change", approvals=1, approver_roles=frozenset({"op"})))
    assert (decision.missing, decision.advice.approver_role) == (("approval",), "dba")
    assert policies.allows(ask("op", "change", approvals=1, approver_roles=frozenset({"dba"})))


def test_it_finds_the_next_time(tmp_path: Path) -> None:
    policies = rule(tmp_path, '{between: "18:40-18:45", days: [wed]}')
    decision = policies.authorize(ask("op", "change"))
    assert decision.missing == (Missing.TIME_WINDOW,)
    assert decision.advice.allowed_from == datetime(2026, 11, 25, 18, 40, tzinfo=UTC)
    assert policies.allows(ask("op", "change", now=decision.advice.allowed_from))


def test_it_prefers_fewer_circumstances(tmp_path: Path) -> None:
    text = """
roles:
  op:
    allow:
      - {actions: [change], when: {mfa_within: 5m, approvals: 1, max_risk: 10%}}
      - {actions: [change], when: {between: "18:00-19:00"}}
      - {actions: [cancel], when: {mfa_within: 5m, between: "18:00-19:00"}}
"""
    policies = load(folder_of(tmp_path, roles_yaml=text))
    assert policies.authorize(ask("op", "change")).missing == (Missing.TIME_WINDOW,)
    assert policies.authorize(ask("op", "change", risk=0.5, mfa_at=NOW, approvals=1)).missing == (Missing.RISK,)
    assert policies.authorize(ask("op", "cancel")).missing == (Missing.MFA, Missing.TIME_WINDOW)


def test_breaking_the_glass_is_proposed_only_to_those_who_may(tmp_path: Path) -> None:
    own = '@id("never") forbid(principal, action == Action::"change", resource) unless { context.break_glass };'
    roles = "roles: {op: {allow: [{actions: [change]}]}, sre: {inherits: [op], allow: [{actions: [break_glass]}]}}"
    policies = load(folder_of(tmp_path, roles_yaml=roles, own_cedar=own))
    assert policies.authorize(ask("sre", "change")).missing == (Missing.BREAK_GLASS,)
    assert Missing.ROLE in policies.authorize(ask("op", "change")).missing
    assert policies.allows(ask("sre", "change", break_glass=True))
    assert not policies.allows(ask("op", "change", break_glass=True))


def test_following_the_advice_leads_to_permission() -> None:
    policies = load()
    for role in ("release-manager", "admin", "service"):
        for circumstances in ({}, {"risk": 0.9}, {"mfa_at": NOW}, {"approvals": 1}):
            decision = policies.authorize(ask(role, "change", **circumstances))
            better = dict(circumstances)
            if Missing.MFA in decision.missing:
                better["mfa_at"] = NOW
            if Missing.APPROVAL in decision.missing:
                better["approvals"] = decision.advice.approvals
            assert policies.allows(ask(role, "change", **better)), decision.message


def test_nothing_helps_against_approving_ones_own_request() -> None:
    decision = load().authorize(ask("admin", "approve", own_request=True, mfa_at=NOW))
    assert not decision.missing
    assert "Nothing" in decision.message


def test_a_local_user_is_told_to_log_in() -> None:
    decision = load().authorize(ask("local", "change"))
    assert Missing.ROLE in decision.missing
    assert "log in as somebody with the role" in decision.message
