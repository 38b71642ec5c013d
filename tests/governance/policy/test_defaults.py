"""The shipped policies: role by action by environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automation_scripts.errors import AccessDenied, ApprovalRequired, MfaRequired
from automation_scripts.governance.policy import Missing, PrincipalKind
from tests.governance.policy.support import NOW, ask, load

FRESH = {"mfa_at": NOW}
APPROVED = {"mfa_at": NOW, "approvals": 1}

# role, action, environment, circumstances, allowed
TABLE = [
    ("viewer", "read_history", "production", {}, True),
    ("viewer", "observe", "production", {"script": "config_validator", "dry_run": True}, True),
    ("viewer", "observe", "production", {"script": "config_validator"}, False),
    ("viewer", "observe", "test", {"dry_run": True}, False),
    ("viewer", "change", "test", {}, False),
    ("operator", "observe", "production", {}, True),
    ("operator", "change", "staging", {}, True),
    ("operator", "change", "production", APPROVED, False),
    ("operator", "approve", "staging", FRESH, False),
    ("operator", "cancel", "test", {}, True),
    ("operator", "cancel", "production", {}, False),
    ("operator", "read_audit", None, {}, False),
    ("release-manager", "change", "production", {}, False),
    ("release-manager", "change", "production", FRESH, False),
    ("release-manager", "change", "production", {"approvals": 1}, False),
    ("release-manager", "change", "production", APPROVED, True),
    ("release-manager", "change", "production", {"approvals": 1, "mfa_at": NOW - timedelta(seconds=300)}, True),
    ("release-manager", "change", "production", {"approvals": 1, "mfa_at": NOW - timedelta(seconds=300.001)}, False),
    ("release-manager", "change", "production", {"approvals": 1, "mfa_at": NOW + timedelta(seconds=1)}, False),
    ("release-manager", "change", "production", {**FRESH, "break_glass": True}, True),
    ("release-manager", "change", "production", {"break_glass": True}, False),
    ("release-manager", "change", "production", {**APPROVED, "change_freeze": True}, False),
    ("release-manager", "change", "production", {**FRESH, "change_freeze": True, "break_glass": True}, True),
    ("release-manager", "change", "staging", {"change_freeze": True}, False),
    ("release-manager", "rollback", "production", FRESH, True),
    ("release-manager", "rollback", "production", {**FRESH, "change_freeze": True}, True),
    ("release-manager", "rollback", "production", {}, False),
    ("release-manager", "cancel", "production", {}, True),
    ("release-manager", "approve", "production", FRESH, True),
    ("release-manager", "approve", "production", {}, False),
    ("release-manager", "approve", "production", {**FRESH, "own_request": True}, False),
    ("release-manager", "administer", None, FRESH, False),
    ("release-manager", "change", "staging", {"risk": 0.81}, False),
    ("release-manager", "change", "staging", {"risk": 0.801}, False),
    ("release-manager", "change", "staging", {"risk": 0.8}, True),
    ("release-manager", "change", "staging", {"risk": 0.99, "approvals": 1}, True),
    ("security-auditor", "observe", "production", {"script": "security_scanner"}, True),
    ("security-auditor", "observe", "production", {"script": "compliance_auditor"}, True),
    ("security-auditor", "observe", "production", {"script": "config_validator"}, True),
    ("security-auditor", "observe", "production", {"script": "system_monitor"}, False),
    ("security-auditor", "read_audit", None, {}, True),
    ("security-auditor", "change", "test", {}, False),
    ("compliance-officer", "observe", "production", {"script": "compliance_auditor"}, True),
    ("compliance-officer", "observe", "production", {"script": "security_scanner"}, False),
    ("compliance-officer", "approve", "production", FRESH, True),
    ("compliance-officer", "read_audit", None, {}, True),
    ("compliance-officer", "break_glass", "production", FRESH, False),
    ("admin", "change", "production", APPROVED, True),
    ("admin", "change", "production", FRESH, False),
    ("admin", "approve", "production", {**FRESH, "own_request": True}, False),
    ("admin", "administer", None, FRESH, True),
    ("admin", "administer", None, {}, False),
    ("admin", "edit_policy", None, {}, False),
    ("admin", "edit_policy", None, FRESH, True),
    ("admin", "read_audit", None, {}, True),
    ("service", "observe", "production", {}, True),
    ("service", "change", "staging", {}, True),
    ("service", "change", "production", {}, False),
    ("service", "change", "production", {"approvals": 1}, True),
    ("service", "change", "production", {"break_glass": True}, False),
    ("service", "approve", "staging", {}, False),
    ("local", "observe", "production", {}, True),
    ("local", "change", "development", {}, True),
    ("local", "change", "production", APPROVED, False),
    ("local", "change", "production", {**FRESH, "break_glass": True}, False),
    ("local", "administer", None, FRESH, False),
    ("local", "read_audit", None, {}, False),
    ("", "observe", "test", {}, False),
    ("superuser", "observe", "test", {}, False),
    ("Admin", "read_audit", None, {}, False),
]


@pytest.mark.parametrize(("role", "action", "environment", "circumstances", "allowed"), TABLE)
def test_decision(role: str, action: str, environment: str | None, circumstances: dict, allowed: bool) -> None:
    decision = load().authorize(ask(role, action, environment, **circumstances))
    assert decision.allowed is allowed, decision.message


def test_second_factor_is_not_asked_for_where_the_settings_say_so() -> None:
    policies = load(require_mfa=False)
    assert policies.authorize(ask("release-manager", "change", approvals=1)).allowed
    assert policies.authorize(ask("admin", "administer", None)).allowed


def test_protection_follows_the_settings_and_not_the_name() -> None:
    request = ask("operator", "change", "production")
    assert not load().authorize(request).allowed
    assert load(protected=("staging",)).authorize(request).allowed
    assert not load(protected=("staging",)).authorize(ask("operator", "change", "staging")).allowed


@pytest.mark.parametrize("action", ["administer", "edit_policy", "read_audit", "approve", "break_glass"])
def test_a_local_user_gains_nothing_by_claiming_roles(action: str) -> None:
    assert not load().authorize(ask("admin", action, "test", kind=PrincipalKind.LOCAL, mfa_at=NOW)).allowed


def test_nobody_else_can_have_the_role_of_local_users() -> None:
    assert not load().authorize(ask("local", "change", "test", kind=PrincipalKind.USER)).allowed


def test_services_with_the_role_admin_do_not_administer_or_approve() -> None:
    for action in ("administer", "edit_policy", "approve", "break_glass"):
        assert not load().authorize(ask("admin", action, "test", kind=PrincipalKind.SERVICE, mfa_at=NOW)).allowed


def test_breaking_the_glass_is_noted_only_where_it_made_the_difference() -> None:
    policies = load()
    assert policies.authorize(ask("admin", "change", mfa_at=NOW, break_glass=True)).break_glass_used
    assert not policies.authorize(ask("admin", "change", mfa_at=NOW, approvals=1, break_glass=True)).break_glass_used


def test_a_refusal_says_what_is_missing_and_raises_the_error_for_it() -> None:
    policies = load()
    need_mfa = policies.authorize(ask("release-manager", "change", approvals=1))
    need_both = policies.authorize(ask("release-manager", "change"))
    need_role = policies.authorize(ask("viewer", "change", "test"))
    assert (need_mfa.missing, need_both.missing) == ((Missing.MFA,), (Missing.MFA, Missing.APPROVAL))
    assert need_role.missing == (Missing.ROLE,)
    assert "operator" in need_role.advice.roles
    for decision, error in ((need_mfa, MfaRequired), (need_both, ApprovalRequired), (need_role, AccessDenied)):
        with pytest.raises(error, match="To be allowed"):
            decision.require()
    policies.authorize(ask("operator", "change", "test")).require()


def test_reasons_name_the_policies_with_their_place() -> None:
    decision = load().authorize(ask("admin", "change"))
    assert [reason.id for reason in decision.reasons] == ["approval-in-protected", "mfa-in-protected"]
    assert all(f"{r.file}:{r.line}" in decision.message for r in decision.reasons)
    assert decision.reasons[0].file == "guardrails.cedar"
    assert len(decision.digest) == 64


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Production", "production"),
        ("production ", "production"),
        ("prod\u200buction", "production"),
        ("pr\u043eduction", "production"),
        ("\uff50roduction", "production"),
        ("production\n", "production"),
        ("", None),
        ("qa", None),
    ],
)
def test_environments_that_only_look_like_one_are_refused(written: str, meant: str | None) -> None:
    decision = load().authorize(ask("admin", "observe", written))
    assert not decision.allowed
    assert not decision.missing
    assert (f"did you mean {meant}?" in decision.message) is (meant is not None)
    assert decision.message.isprintable()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"script": "deploy"}, "script"),
        ({"script": None}, "needs a script"),
        ({"environment": None}, "needs a script and an environment"),
        ({"now": NOW.replace(tzinfo=None)}, "now has no time zone"),
        ({"mfa_at": NOW.replace(tzinfo=None)}, "mfa_at has no time zone"),
        ({"risk": float("nan")}, "risk"),
        ({"risk": 1.1}, "risk"),
        ({"approvals": -1}, "approvals"),
        ({"approvals": 2**70}, "approvals"),
        ({"level": "autonomous"}, "level"),
        ({"trigger": "cron"}, "trigger"),
        ({"user": ""}, "nobody"),
        ({"user": "\ud800"}, "not text"),
    ],
)
def test_requests_that_make_no_sense_are_refused(changes: dict, message: str) -> None:
    decision = load().authorize(ask(**{"roles": "admin", "action": "change", "environment": "test", **changes}))
    assert not decision.allowed
    assert message in decision.message
