"""Conditions at their boundaries: times over midnight, daylight saving, freezes, risk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from automation_scripts.governance.policy import PolicySet
from tests.governance.policy.support import NOW, ask, folder_of, load

BERLIN = ZoneInfo("Europe/Berlin")


def rule(tmp_path: Path, when: str, head: str = "") -> PolicySet:
    text = f"{head}\nroles:\n  op:\n    allow:\n      - actions: [change]\n        when: {when}\n"
    return load(folder_of(tmp_path, roles_yaml=text))


def at(text: str, zone: ZoneInfo | None = None) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-11-27T21:59:59.999999", False),  # Friday
        ("2026-11-27T22:00", True),
        ("2026-11-27T23:59:59", True),
        ("2026-11-28T00:00", True),  # Saturday, in the window that began on Friday
        ("2026-11-28T05:59:59", True),
        ("2026-11-28T06:00", False),
        ("2026-11-28T22:00", False),
        ("2026-11-29T03:00", False),
        ("2026-11-30T03:00", False),  # Monday, in the window that would have begun on Sunday
        ("2026-11-30T22:00", True),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(tmp_path: Path, now: str, allowed: bool) -> None:
    policies = rule(tmp_path, '{between: "22:00-06:00", days: [mon-fri]}')
    assert policies.allows(ask("op", "change", now=at(now))) is allowed


@pytest.mark.parametrize(
    ("window", "now", "allowed"),
    [
        ("08:00-18:00", "07:59", False),
        ("08:00-18:00", "08:00", True),
        ("08:00-18:00", "17:59", True),
        ("08:00-18:00", "18:00", False),
        ("00:00-24:00", "00:00", True),
        ("00:00-24:00", "23:59", True),
        ("23:59-24:00", "23:59", True),
        ("23:59-24:00", "00:00", False),
        ("23:59-00:00", "23:59", True),
        ("23:59-00:00", "00:00", False),
    ],
)
def test_windows_hold_from_their_start_to_before_their_end(
    tmp_path: Path, window: str, now: str, allowed: bool
) -> None:
    assert (
        rule(tmp_path, f'{{between: "{window}"}}').allows(ask("op", "change", now=at(f"2026-11-24T{now}"))) is allowed
    )


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-07-01T06:00", True),  # 08:00 in summer
        ("2026-07-01T05:59", False),
        ("2026-12-01T06:59", False),  # 07:59 in winter
        ("2026-12-01T07:00", True),
        ("2026-03-29T05:59", False),  # the day on which clocks go forward
        ("2026-03-29T06:00", True),
        ("2026-10-25T06:59", False),  # the day on which they go back
        ("2026-10-25T07:00", True),
    ],
)
def test_windows_follow_the_clocks_of_the_time_zone(tmp_path: Path, now: str, allowed: bool) -> None:
    policies = rule(tmp_path, '{between: "08:00-18:00"}', "time_zone: Europe/Berlin")
    assert policies.allows(ask("op", "change", now=at(now))) is allowed


def test_the_hour_that_comes_twice_is_in_the_window_twice(tmp_path: Path) -> None:
    policies = rule(tmp_path, '{between: "02:00-03:00"}', "time_zone: Europe/Berlin")
    hours = [policies.allows(ask("op", "change", now=at(f"2026-10-25T0{h}:30"))) for h in range(3)]
    assert hours == [True, True, False]
    skipped = [policies.allows(ask("op", "change", now=at(f"2026-03-29T0{h}:30"))) for h in range(3)]
    assert skipped == [False, False, False]


FREEZE = "time_zone: Europe/Berlin\nfreezes:\n  - {{{}, environments: [production], reason: year end, except_roles: [sre]}}\n"
ROLES = "roles:\n  op: {allow: [{actions: [change]}]}\n  sre: {}\n  lead: {inherits: [sre, op]}\n"


@pytest.mark.parametrize(
    ("span", "now", "frozen"),
    [
        ("from: 2026-12-20, until: 2027-01-03", at("2026-12-19T23:59:59", BERLIN), False),
        ("from: 2026-12-20, until: 2027-01-03", at("2026-12-20T00:00", BERLIN), True),
        ("from: 2026-12-20, until: 2027-01-03", at("2027-01-03T23:59:59", BERLIN), True),
        ("from: 2026-12-20, until: 2027-01-03", at("2027-01-04T00:00", BERLIN), False),
        ('from: "2026-12-20 18:00", until: "2026-12-20 19:00"', at("2026-12-20T17:59:59"), True),
        ('from: "2026-12-20 18:00", until: "2026-12-20 19:00"', at("2026-12-20T18:00"), False),
        ('from: "2026-12-20T18:00Z", until: "2026-12-20T19:00Z"', at("2026-12-20T18:00"), True),
        # 02:30 comes twice: the freeze begins at the first and ends at the second.
        ('from: "2026-10-25 02:30", until: "2026-10-25 04:00"', at("2026-10-25T00:30"), True),
        ('from: "2026-10-25 01:00", until: "2026-10-25 02:30"', at("2026-10-25T01:29"), True),
        # 02:30 does not come at all.
        ('from: "2026-03-29 02:30", until: "2026-03-29 04:00"', at("2026-03-29T00:30"), True),
        ('from: "2026-03-29 01:00", until: "2026-03-29 02:30"', at("2026-03-29T01:29"), True),
    ],
)
def test_freezes_are_local_and_where_clocks_change_the_longer_ones(
    tmp_path: Path, span: str, now: datetime, frozen: bool
) -> None:
    folder = folder_of(tmp_path, roles_yaml=FREEZE.format(span) + ROLES)
    (folder / "guardrails.cedar").unlink()
    policies = load(folder, require_mfa=False)
    decision = policies.authorize(ask("op", "change", now=now, approvals=1))
    assert decision.allowed is not frozen
    if frozen:
        assert "freeze" in decision.missing
        assert "year end" in decision.message
    assert policies.allows(ask("op", "change", "staging", now=now))
    assert policies.allows(ask("lead", "change", now=now, approvals=1))


@pytest.mark.parametrize(("risk", "allowed"), [(None, True), (0.3, True), (0.3001, False), (0.07, True), (0.31, False)])
def test_risk_is_rounded_up(tmp_path: Path, risk: float | None, allowed: bool) -> None:
    assert rule(tmp_path, "{max_risk: 30%}").allows(ask("op", "change", risk=risk)) is allowed


def test_a_risk_at_the_exact_percentage_passes(tmp_path: Path) -> None:
    for percent in range(101):
        assert rule(tmp_path, f"{{max_risk: {percent}%}}").allows(ask("op", "change", risk=percent / 100)), percent


def test_an_unknown_risk_passes_unless_a_prediction_is_asked_for(tmp_path: Path) -> None:
    policies = rule(tmp_path, "{max_risk: 30%, risk_known: true}")
    decision = policies.authorize(ask("op", "change"))
    assert decision.missing == ("risk",)
    assert policies.allows(ask("op", "change", risk=0.1))


def test_an_explicit_second_factor_holds_whatever_the_settings_say(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, roles_yaml="roles: {op: {allow: [{actions: [change], when: {mfa_within: 5m}}]}}")
    policies = load(folder, require_mfa=False)
    assert not policies.allows(ask("op", "change"))
    assert policies.allows(ask("op", "change", mfa_at=NOW - timedelta(minutes=5)))
    assert not policies.allows(ask("op", "change", mfa_at=NOW - timedelta(minutes=5, microseconds=1)))


def test_prohibitions_override_permissions_and_are_inherited(tmp_path: Path) -> None:
    text = """
roles:
  junior: {allow: [{actions: [change]}], deny: [{actions: [change], environments: [staging]}]}
  senior: {inherits: [junior], allow: [{actions: [change]}]}
  lead: {allow: [{actions: [change]}]}
deny:
  - {actions: [change], categories: [performance], except_roles: [lead]}
  - {actions: [change], roles: [lead], when: {trigger: [schedule]}, unless: {max_changes: 5}}
"""
    policies = load(folder_of(tmp_path, roles_yaml=text))
    assert policies.allows(ask("senior", "change"))
    assert not policies.allows(ask("senior", "change", "staging"))
    assert not policies.allows(ask("lead senior", "change", "staging"))
    assert not policies.allows(ask("senior", "change", script="performance_optimizer"))
    assert policies.allows(ask("lead", "change", script="performance_optimizer"))
    assert policies.allows(ask("lead", "change", trigger="schedule", predicted_changes=5))
    assert not policies.allows(ask("lead", "change", trigger="schedule", predicted_changes=6))


def test_a_policy_that_fails_to_evaluate_refuses(tmp_path: Path) -> None:
    cedar = """
@id("all") permit(principal, action, resource);
@id("overflows") forbid(principal, action, resource) when { context.approvals * 9223372036854775807 > 5 };
"""
    policies = load(folder_of(tmp_path, own_cedar=cedar))
    assert policies.allows(ask("op", "change"))
    decision = policies.authorize(ask("op", "change", approvals=2))
    assert not decision.allowed
    assert "could not be evaluated" in decision.message
