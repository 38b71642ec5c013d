"""A table of attacks on the gate: each is refused, and each refusal is in the audit log with its true reason."""

from __future__ import annotations

import base64
import dataclasses
import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from automation_scripts.errors import AccessDenied, ApprovalRequired, AutomationError, MfaRequired
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.facts import Entry
from automation_scripts.governance.gate import NeedsApproval
from automation_scripts.governance.identity.records import RoleBinding
from tests.governance.gate.office import OTHER_PLAN, PARAMETERS, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


NEWER = {**PARAMETERS, "version": "v6.6.6"}
Attack = Callable[[Office], Entry]


def _altered(token: str, header: dict[str, str] | None = None, **claims: object) -> str:
    """The token with other claims, and its old signature."""
    parts = token.split(".")
    for number, changes in ((0, header or {}), (1, claims)):
        data = json.loads(base64.urlsafe_b64decode(parts[number] + "=="))
        parts[number] = base64.urlsafe_b64encode(json.dumps({**data, **changes}).encode()).rstrip(b"=").decode()
    return ".".join(parts)


def _unsigned(token: str) -> str:
    return _altered(token, {"alg": "none"}).rsplit(".", 1)[0] + "."


def _expired(office: Office) -> Entry:
    entry = office.entry("rita")
    office.clock.move(hours=2)
    return entry


def _clock_moved_back(office: Office) -> Entry:
    entry = office.entry("rita")
    office.clock.move(hours=2)
    office.identity.now()  # somebody looks at the time
    office.clock.move(hours=-2)
    return entry


def _revoked(office: Office) -> Entry:
    office.identity.login_tokens.revoke_all("rita", by="ada")
    return office.entry("rita")


def _disabled(office: Office) -> Entry:
    office.identity.directory.disable("rita", by="ada")
    return office.entry("rita")


def _revoked_service_token(office: Office) -> Entry:
    (token,) = office.identity.service_tokens.list("bot")
    office.identity.service_tokens.revoke(token.token_id, by="ada")
    return office.entry("bot")


def _ticket_of_another_run(office: Office) -> Entry:
    entry = office.entry("rita")
    ticket = office.gate.ticket(entry, entry.credential)
    return dataclasses.replace(
        entry, parameters={**PARAMETERS, "version": "v6.6.6"}, credential=Presented(ticket=ticket)
    )


def _ticket_twice(office: Office) -> Entry:
    entry = office.entry("rita")
    entry = dataclasses.replace(entry, credential=Presented(ticket=office.gate.ticket(entry, entry.credential)))
    office.admit(entry)
    return entry


def _replayed_code(office: Office) -> Entry:
    entry = office.entry("rita", code=True)
    office.admit(entry)
    return entry


ADMISSION: dict[str, tuple[Attack, str]] = {
    "somebody else's name with one's own token": (lambda o: o.entry("vera", claimed_user="ada"), "claimed_other_user"),
    "a user's name and no credential": (lambda o: o.entry(claimed_user="ada"), "unproved_claim"),
    "the same in capitals": (lambda o: o.entry(claimed_user="ADA"), "unproved_claim"),
    "the same in full width": (lambda o: o.entry(claimed_user="ａｄａ"), "unproved_claim"),
    "the same with what cannot be seen": (lambda o: o.entry(claimed_user="a\u200bda"), "unproved_claim"),
    "one's own name with what cannot be seen": (
        lambda o: o.entry("ada", claimed_user="a\u200bda"),
        "claimed_other_user",
    ),
    "an expired token": (_expired, "expired"),
    "an expired token and a clock set back": (_clock_moved_back, "expired"),
    "a revoked token": (_revoked, "revoked"),
    "a token of a disabled user": (_disabled, "disabled"),
    "a revoked service token": (_revoked_service_token, "revoked"),
    "alg none": (lambda o: o.entry("rita", credential=Presented(token=_unsigned(o.tokens["rita"]))), "forged"),
    "another subject, the old signature": (
        lambda o: o.entry("ada", credential=Presented(token=_altered(o.tokens["rita"], sub="ada"))),
        "forged",
    ),
    "no token at all but text": (lambda o: o.entry("rita", credential=Presented(token="let me in")), "forged"),
    "a service token that does not exist": (
        lambda o: o.entry("bot", credential=Presented(token=o.tokens["bot"][:-8] + "00000000")),
        "forged",
    ),
    "a ticket for another run": (_ticket_of_another_run, "wrong_binding"),
    "a ticket for the second time": (_ticket_twice, "replayed"),
    "a one-time code for the second time": (_replayed_code, "replayed"),
    "a wrong code": (
        lambda o: o.entry("rita", credential=Presented(token=o.tokens["rita"], code="918273")),
        "wrong_code",
    ),
}


@pytest.mark.parametrize("name", ADMISSION)
def test_nobody_gets_in_by(office: Office, name: str) -> None:
    attack, reason = ADMISSION[name]
    entry = attack(office)
    with pytest.raises(AccessDenied) as refused:
        office.admit(entry)
    last = office.last()
    assert (last["action"], last["outcome"]) == ("run.denied", "denied")
    told = last["details"]["error"]
    assert told == reason or (reason == "forged" and told in ("forged", "malformed", "unknown_key", "unknown_token")), (
        told
    )
    assert reason in ("claimed_other_user", "expired") or reason.replace("_", " ") not in str(refused.value)
    for secret in (*office.tokens.values(), entry.credential.code or "no code"):
        assert secret not in str(refused.value)
        assert secret not in json.dumps(office.records())


@pytest.mark.parametrize("trigger", ["cli", "python", "api", "ui", "schedule", "alert", "healing"])
def test_without_a_credential_no_path_changes_production(office: Office, trigger: str) -> None:
    entry = office.entry(trigger=trigger, by_person=trigger in ("cli", "python", "ui"))
    with pytest.raises(AccessDenied):
        office.change(entry)
    assert office.last()["action"] == "run.denied"


@pytest.mark.parametrize("trigger", ["cli", "python", "api", "ui", "schedule", "alert", "healing"])
def test_without_a_credential_nothing_runs_on_a_server_of_others(office: Office, trigger: str) -> None:
    entry = office.entry(trigger=trigger, environment="development", intends_changes=False)
    with pytest.raises(AccessDenied, match="Nothing proves who asks"):
        office.admit(entry, unproved_allowed=False)
    assert office.last()["details"]["error"] == "no_credential"


def test_local_use_can_be_switched_off(tmp_path: Path) -> None:
    office = Office(tmp_path, local_use=False)
    with pytest.raises(AccessDenied, match="local_use"):
        office.admit(office.entry(environment="development", intends_changes=False))


def test_local_use_is_recorded_as_not_proved(office: Office) -> None:
    office.admit(office.entry(environment="development", intends_changes=False))
    assert (office.last()["action"], office.last()["authentication"]) == ("run.intent", "local")


@pytest.mark.parametrize(
    "environment", ["Production", "PRODUCTION", "production ", " production", "produ\u200bction", "prоduction", "prod"]
)
def test_environment_names_are_not_played_with(office: Office, environment: str) -> None:
    with pytest.raises(AutomationError):
        office.admit(office.entry("rita", code=True, environment=environment))
    assert office.last()["action"] == "run.denied"


def test_brute_force_of_codes_locks(office: Office) -> None:
    reasons = []
    for number in range(12):
        entry = office.entry("rita", credential=Presented(token=office.tokens["rita"], code=f"{number:06d}"))
        with pytest.raises(AccessDenied):
            office.admit(entry)
        reasons.append(office.last()["details"]["error"])
    assert "locked" in reasons
    with pytest.raises(AccessDenied):  # the right code does not help now
        office.admit(office.entry("rita", credential=Presented(token=office.tokens["rita"], code=office.code("rita"))))


def test_a_role_that_was_taken_away_counts_at_once(office: Office) -> None:
    office.admit(office.entry("otto", environment="staging"))
    office.identity.directory.revoke("otto", RoleBinding("operator"), by="ada")
    with pytest.raises(AccessDenied):
        office.admit(office.entry("otto", environment="staging"))


def test_a_service_token_ends_at_its_scope(office: Office) -> None:
    narrow = Presented(token=office.service_token(environments="staging"))
    office.admit(office.entry("bot", credential=narrow, environment="staging", trigger="schedule"))
    with pytest.raises(AccessDenied, match="outside its scope"):
        office.admit(office.entry("bot", credential=narrow, environment="development", trigger="schedule"))
    reading = Presented(token=office.service_token(actions="observe"))
    with pytest.raises(AccessDenied, match="outside its scope"):
        office.change(office.entry("bot", credential=reading, environment="staging", trigger="schedule"))


def test_a_broken_policy_denies_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "roles.yaml").write_text("roles:\n  operator:\n    alow: []\n")
    office = Office(tmp_path, policies=folder)
    with pytest.raises(AccessDenied, match=r"roles\.yaml:3"):
        office.admit(office.entry("ada", code=True, environment="staging"))


# The plan


def test_an_approved_change_goes_through_once(office: Office) -> None:
    approval = office.approved()
    entry = office.entry("rita", code=True, approval_id=approval)
    admission = office.change(entry)
    assert admission.approvals == [approval]
    assert admission.approvers == ["ron"]
    assert office.last()["action"] == "change.intent"
    with pytest.raises(ApprovalRequired, match="used"):
        office.change(office.entry("rita", code=True, approval_id=approval))


def _other_version(office: Office, approval: str) -> None:
    office.change(office.entry("rita", code=True, approval_id=approval, parameters=NEWER, shown=NEWER))


def _other_plan(office: Office, approval: str) -> None:
    office.change(office.entry("rita", code=True, approval_id=approval), OTHER_PLAN)


def _other_script(office: Office, approval: str) -> None:
    office.change(office.entry("rita", code=True, approval_id=approval, script="probe"))


def _other_environment(office: Office, approval: str) -> None:
    office.change(office.entry("rita", code=True, approval_id=approval, environment="staging"))


def _other_person(office: Office, approval: str) -> None:
    office.change(office.entry("ada", code=True, approval_id=approval))


def _too_late(office: Office, approval: str) -> None:
    office.clock.move(hours=5)
    office.tokens["rita"] = _login(office, "rita")
    office.change(office.entry("rita", code=True, approval_id=approval))


def _too_late_and_clock_moved_back(office: Office, approval: str) -> None:
    office.clock.move(hours=5)
    with pytest.raises(AutomationError):
        office.consent.vote(approval, office.credential("ron"), "grant", source="cli")
    office.approvals.expire_due()
    office.clock.move(hours=-5)
    office.approvals.consume(
        approval, "0" * 64, execution_id="x", requester="rita", roles_of=office.identification.roles_of
    )


def _approver_lost_role(office: Office, approval: str) -> None:
    office.identity.directory.revoke("ron", RoleBinding("release-manager"), by="ada")
    office.change(office.entry("rita", code=True, approval_id=approval))


def _approver_disabled(office: Office, approval: str) -> None:
    office.identity.directory.disable("ron", by="ada")
    office.change(office.entry("rita", code=True, approval_id=approval))


def _login(office: Office, name: str) -> str:
    from automation_scripts.governance.identity.records import PasswordCredential
    from tests.governance.gate.office import PASSWORD

    office.clock.move(seconds=60)
    principal = office.identity.authenticate(PasswordCredential(name, PASSWORD, office.code(name)), source="test")
    token = office.identity.login_tokens.issue(principal).text
    office.clock.move(minutes=10)
    return token


REUSE: dict[str, tuple[Callable[[Office, str], None], str]] = {
    "another version": (_other_version, "version"),
    "another plan": (_other_plan, "plan"),
    "another script": (_other_script, "script"),
    "another environment": (_other_environment, "environment"),
    "another person": (_other_person, "rita"),
    "after it expired": (_too_late, "expired"),
    "after it expired, with the clock set back": (_too_late_and_clock_moved_back, "expired"),
    "after the approver lost the role": (_approver_lost_role, "0 of 1|lacks|missing|pending|still"),
    "after the approver was disabled": (_approver_disabled, "0 of 1|lacks|missing|pending|still"),
}


@pytest.mark.parametrize("name", REUSE)
def test_an_approval_is_not_good_for(office: Office, name: str) -> None:
    attack, told = REUSE[name]
    approval = office.approved()
    with pytest.raises(ApprovalRequired, match=f"(?i){told}"):
        attack(office, approval)


def test_an_approval_that_does_not_exist(office: Office) -> None:
    with pytest.raises(ApprovalRequired, match="approval_67890"):
        office.change(office.entry("rita", code=True, approval_id="approval_67890"))
    assert office.last()["action"] == "run.denied"


def _request(office: Office, requester: str = "rita") -> str:
    with pytest.raises(NeedsApproval) as needed:
        office.change(office.entry(requester, code=True))
    return needed.value.approval_id


@pytest.mark.parametrize(
    ("approver", "code", "error"),
    [
        ("rita", True, AccessDenied),  # her own request
        ("otto", True, AccessDenied),  # not a role that approves
        ("vera", False, AccessDenied),
        ("bot", False, AccessDenied),  # a service account
        ("ron", False, MfaRequired),  # no second factor
    ],
)
def test_who_may_not_approve(office: Office, approver: str, code: bool, error: type[Exception]) -> None:
    approval = _request(office)
    with pytest.raises(error):
        office.consent.vote(approval, office.credential(approver, code=code), "grant", source="cli")
    last = office.last()
    assert (last["action"], last["outcome"], last["actor"]) == ("approval.denied", "denied", approver)
    assert last["resource"] == last["details"]["approval"] == approval
    with pytest.raises(ApprovalRequired):
        office.change(office.entry("rita", code=True, approval_id=approval))


def _wrong_code(office: Office, approval: str) -> None:
    given = Presented(token=office.tokens["ron"], code="918273")
    office.consent.vote(approval, given, "grant", source="ui")


def _after_it_expired(office: Office, approval: str) -> None:
    office.clock.move(hours=5)
    office.tokens["ron"] = _login(office, "ron")
    office.consent.vote(approval, office.credential("ron", code=True), "grant", source="cli")


def _after_a_denial(office: Office, approval: str) -> None:
    office.consent.vote(approval, office.credential("ada", code=True), "deny", "no", source="cli")
    office.consent.vote(approval, office.credential("ron", code=True), "grant", source="cli")


def _review_of_what_is_no_broken_glass(office: Office, approval: str) -> None:
    office.consent.review(approval, office.credential("ron", code=True), "fine", source="cli")


def _withdrawal_by_another(office: Office, approval: str) -> None:
    office.consent.withdraw(approval, office.credential("ron"), "", source="cli")


def _nobody(office: Office, approval: str) -> None:
    office.consent.vote(approval, Presented(), "grant", source="api")


VOTES: dict[str, tuple[Callable[[Office, str], None], str, str]] = {
    "a wrong code": (_wrong_code, "", "wrong_code"),
    "an expired request": (_after_it_expired, "ron", "AccessDenied"),
    "a denied request": (_after_a_denial, "ron", "AccessDenied"),
    "a review of an ordinary request": (_review_of_what_is_no_broken_glass, "ron", "InvalidParameters"),
    "a withdrawal by somebody else": (_withdrawal_by_another, "ron", "AccessDenied"),
    "no credential": (_nobody, "", "no_credential"),
}


@pytest.mark.parametrize("name", VOTES)
def test_a_refused_say_in_an_approval_is_audited_as_that_and_not_as_a_run(office: Office, name: str) -> None:
    attempt, actor, error = VOTES[name]
    approval = _request(office)
    runs_before = [record for record in office.records() if record["action"] == "run.denied"]
    with pytest.raises(AutomationError):
        attempt(office, approval)
    last = office.last()
    assert (last["action"], last["outcome"], last["resource"]) == ("approval.denied", "denied", approval)
    assert (last["actor"], last["details"]["error"]) == (actor, error)
    assert [record for record in office.records() if record["action"] == "run.denied"] == runs_before


def test_one_person_does_not_count_twice(tmp_path: Path) -> None:
    office = Office(tmp_path, approvers=2)
    approval = _request(office)
    office.consent.vote(approval, office.credential("ron", code=True), "grant", source="cli")
    with pytest.raises(AccessDenied):
        office.consent.vote(approval, office.credential("ron", code=True), "grant", source="cli")
    with pytest.raises(ApprovalRequired, match="1 of 2"):
        office.change(office.entry("rita", code=True, approval_id=approval))
    office.consent.vote(approval, office.credential("ada", code=True), "grant", source="cli")
    assert office.change(office.entry("rita", code=True, approval_id=approval)).approvers == ["ron", "ada"]


def test_the_run_itself_needs_a_fresh_second_factor(office: Office) -> None:
    approval = office.approved()
    with pytest.raises(MfaRequired, match="--otp"):
        office.change(office.entry("rita", approval_id=approval))
    office.change(office.entry("rita", code=True, approval_id=approval))


def test_settings_hold_where_policies_forgot_them(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "guardrails.cedar").write_text("// nothing forbidden\n")
    (folder / "roles.yaml").write_text("roles: {release-manager: {allow: [{actions: [observe, change, approve]}]}}\n")
    office = Office(tmp_path, policies=folder)
    with pytest.raises(MfaRequired):
        office.change(office.entry("rita"))
    with pytest.raises(NeedsApproval):
        office.change(office.entry("rita", code=True))


def test_breaking_the_glass(office: Office) -> None:
    with pytest.raises(AccessDenied):  # an operator may not
        office.change(office.entry("otto", code=True, break_glass="the shop is down"))
    with pytest.raises(MfaRequired):  # nor anybody without a second factor
        office.change(office.entry("rita", break_glass="the shop is down"))
    admission = office.change(office.entry("rita", code=True, break_glass="the shop is down"))
    (opened,) = admission.approvals
    assert any(record["action"] == "approval.break_glass" for record in office.records())
    assert office.last()["details"]["break_glass"] == "the shop is down"
    office.clock.move(days=4)
    office.tokens["rita"], office.tokens["ron"] = _login(office, "rita"), _login(office, "ron")
    with pytest.raises(AccessDenied, match="reviewed"):
        office.change(office.entry("rita", code=True, break_glass="again"))
    with pytest.raises(AccessDenied):
        office.consent.review(opened, office.credential("rita", code=True), "I was right", source="cli")
    office.consent.review(opened, office.credential("ron", code=True), "it was needed", source="cli")
    office.change(office.entry("rita", code=True, break_glass="again"))


def test_a_freeze_stops_even_what_was_approved(tmp_path: Path) -> None:
    from automation_scripts.governance.policy import DEFAULTS

    folder = tmp_path / "policies"
    folder.mkdir()
    rules = (DEFAULTS / "roles.yaml").read_text()
    (folder / "roles.yaml").write_text(rules)
    office = Office(tmp_path, policies=folder)
    approval = office.approved()
    now = office.clock.time
    freeze = (
        f"{{from: {now - timedelta(days=1):%Y-%m-%d}, until: {now + timedelta(days=2):%Y-%m-%d}, reason: year end}}"
    )
    (folder / "roles.yaml").write_text(f"{rules}\nfreezes: [{freeze}]\n")
    with pytest.raises(AccessDenied, match="year end"):
        office.change(office.entry("rita", code=True, approval_id=approval))


def test_nothing_runs_that_cannot_be_audited(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from automation_scripts.errors import AuditUnavailable

    approval = office.approved()
    entry = office.entry("rita", code=True, approval_id=approval)
    admission = office.admit(entry)

    def full(*_: object) -> None:
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(office.audit, "append_many", full)
    from tests.governance.gate.office import PLAN

    with pytest.raises(AuditUnavailable):
        office.gate.permit(admission, PLAN)
    with pytest.raises(AuditUnavailable):
        office.admit(office.entry(environment="development", intends_changes=False))
    monkeypatch.undo()
    assert office.approvals.get(approval).status.value == "approved", "what could not be audited did not happen"


@pytest.mark.parametrize("trigger", ["schedule", "alert", "healing"])
def test_a_semi_automatic_script_that_no_person_started_waits_for_one(office: Office, trigger: str) -> None:
    started = {"environment": "staging", "level": "semi_automatic", "trigger": trigger, "by_person": False}
    with pytest.raises(NeedsApproval) as needed:
        office.change(office.entry("bot", **started))
    office.consent.vote(needed.value.approval_id, office.credential("ron", code=True), "grant", source="cli")
    office.change(office.entry("bot", approval_id=needed.value.approval_id, **started))
    office.change(office.entry("otto", environment="staging", level="semi_automatic"))  # a person's own request


def test_reads_may_be_left_out_of_the_audit_and_refusals_never_are(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.gate.rules = dataclasses.replace(office.gate.rules, audit_reads=False)
    before = len(office.records())
    reading = office.admit(office.entry("otto", environment="staging", intends_changes=False))
    office.gate.outcome(reading, "succeeded", "")
    assert len(office.records()) == before
    with pytest.raises(AccessDenied):
        office.admit(office.entry("vera", environment="staging", intends_changes=False))
    assert len(office.records()) == before + 1
    office.gate.outcome(office.change(office.entry("otto", environment="staging")), "succeeded", "")
    assert [record["action"] for record in office.records()[-3:]] == ["run.intent", "change.intent", "run.outcome"]


def test_on_a_full_disk_nothing_runs(office: Office) -> None:
    """SQLite's own answer to a full disk (SQLITE_FULL), by a limit on the pages that the file may have."""
    from sqlalchemy import event

    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.audit.verify import verify

    office.audit.database.dispose()

    @event.listens_for(office.audit.database.engine, "connect")
    def _limit(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 4}")

    let_in = 0
    with pytest.raises(AuditUnavailable, match="the disk is full"):
        for _ in range(500):
            office.admit(office.entry(environment="development", intends_changes=False))
            let_in += 1
    with pytest.raises(AuditUnavailable):
        office.admit(office.entry("rita", environment="staging"))
    intents = [record for record in office.records() if record["action"] == "run.intent"]
    assert len(intents) == let_in, "each run that was let in is in the log, and no other"
    assert verify(office.audit).ok
