"""Asking for an approval and voting on it: a table of attacks, each refused with its reason."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.approvals.records import Decision, Status
from tests.governance.approvals.conftest import CONTENT, HOUR, ROLE, START, ask, hash_of, person, use


def test_a_request_tells_people_what_they_are_to_agree_to(any_store):
    asked = ask(any_store, claimed_user="ada@example.org", execution_id="run-1", required=2)
    assert re.fullmatch("approval_[0-9a-f]{16}", asked.id)
    found = any_store.get(asked.id)
    assert found == asked
    assert (found.script, found.environment) == ("deployment_automation", "production")
    assert found.parameters == {"version": "1.5", "password": "***"} and found.plan == CONTENT.plan
    assert (found.status, found.created_at, found.expires_at) == (Status.PENDING, START, START + HOUR)
    assert found.barred == ("ada", "ada@example.org")
    assert found.to_dict()["created_at"] == "2026-11-24T12:00:00+00:00"


def test_it_is_approved_when_enough_people_have_granted_it(any_store):
    asked = ask(any_store, required=2)
    first = any_store.vote(asked.id, person("bob"), "grant", "looks right")
    assert first.status == Status.PENDING
    second = any_store.vote(asked.id, person("cy", ROLE, "viewer", method="webauthn", mfa_at=None), Decision.GRANT)
    assert second.status == Status.APPROVED
    found = any_store.get(asked.id)
    assert found == second
    assert [(v.approver, v.decision, v.reason, v.roles, v.method, v.mfa_at, v.at) for v in found.votes] == [
        ("bob", "grant", "looks right", (ROLE,), "password+totp", START, START),
        ("cy", "grant", "", (ROLE, "viewer"), "webauthn", None, START),
    ]


@pytest.mark.parametrize(
    "trick",
    ["ada", "ADA", "Ada", "ａｄａ", "a\u200bda", "ada ", "\u202eada", "a\u0301da", "ada.claimed", "Ada.Claimed"],
)
def test_nobody_approves_his_own_request(any_store, trick):
    asked = ask(any_store, requester="Ada", claimed_user="ada.claimed")
    for decision in Decision:
        with pytest.raises(AccessDenied, match="his own request"):
            any_store.vote(asked.id, person(trick), decision, "fine")
    assert any_store.get(asked.id).votes == ()


def test_who_asked_before_does_not_approve_what_repeats_it(any_store, clock):
    first = ask(any_store, requester="bob", lifetime=timedelta(seconds=1))
    clock.move(5)
    second = ask(any_store, requester="cy", previous_id=first.id)
    third = ask(any_store, requester="ada", previous_id=second.id)
    for name in ("ada", "bob", "cy"):
        with pytest.raises(AccessDenied, match="repeats one of his"):
            any_store.vote(third.id, person(name), "grant")
    assert any_store.vote(third.id, person("dot"), "grant").status == Status.APPROVED
    with pytest.raises(InvalidParameters, match="no such request"):
        ask(any_store, previous_id="approval_0123456789abcdef")


def test_who_asked_for_the_same_run_before_does_not_approve_it(any_store):
    ask(any_store, requester="bob", execution_id="run-1")
    asked = ask(any_store, requester="ada", execution_id="run-1")
    with pytest.raises(AccessDenied):
        any_store.vote(asked.id, person("bob"), "grant")


@pytest.mark.parametrize(
    ("approver", "says"),
    [
        (person("bob", "viewer"), "it takes one of the roles release-manager in production"),
        (replace(person("bob"), roles=frozenset()), "it takes one of the roles"),
        (person("nightly", kind="service"), "only people may, not a service account"),
        (person("bob", kind="local"), "only people may, not a local account"),
        (person("bob", kind=""), "only people may"),
        (person("bob", method="local"), "nobody proved who this is"),
        (person("bob", method="none"), "nobody proved who this is"),
        (person("bob", method=""), "nobody proved who this is"),
        (person("bоb"), "not a user's name as the directory has it"),  # a Cyrillic o
        (person("Bob"), "not a user's name as the directory has it"),
        (person(""), "not a user's name as the directory has it"),
    ],
)
@pytest.mark.parametrize("decision", list(Decision))
def test_who_may_not_vote_is_told_why(store, approver, says, decision):
    asked = ask(store)
    with pytest.raises(AccessDenied, match=says):
        store.vote(asked.id, approver, decision, "because")
    assert store.get(asked.id) == asked


def test_one_person_counts_once(any_store):
    asked = ask(any_store, required=2)
    any_store.vote(asked.id, person("bob"), "grant")
    for trick in ("bob", "BOB", "bоb"):
        with pytest.raises(AccessDenied):
            any_store.vote(asked.id, person(trick), "grant")
    found = any_store.get(asked.id)
    assert found.status == Status.PENDING and len(found.votes) == 1


def test_one_denial_ends_it(any_store):
    asked = ask(any_store, required=2)
    any_store.vote(asked.id, person("bob"), "grant")
    assert any_store.vote(asked.id, person("cy"), "deny", "not on\na\x1b[2J Friday").status == Status.DENIED
    with pytest.raises(AccessDenied, match=re.escape("it was denied by cy: not on a [2J Friday. A new request")):
        any_store.vote(asked.id, person("dot"), "grant")


def test_a_denial_needs_a_reason(store):
    asked = ask(store)
    with pytest.raises(InvalidParameters, match="say why it is denied"):
        store.vote(asked.id, person("bob"), "deny", "  ")
    assert store.get(asked.id) == asked


def test_what_people_write_has_a_limit(store):
    asked = ask(store)
    for attempt in (
        lambda: store.vote(asked.id, person("bob"), "grant", "x" * 2001),
        lambda: store.withdraw(asked.id, "ada", "x" * 2001),
        lambda: store.review(asked.id, person("bob"), "x" * 2001),
    ):
        with pytest.raises(InvalidParameters, match="2,001 characters; 2,000 at most"):
            attempt()
    assert store.get(asked.id) == asked


def test_a_grant_may_become_a_denial_but_not_the_other_way_round(any_store):
    asked = ask(any_store, required=2)
    any_store.vote(asked.id, person("bob"), "grant")
    denied = any_store.vote(asked.id, person("bob"), "deny", "I misread it")
    assert denied.status == Status.DENIED and [vote.decision for vote in denied.votes] == ["deny"]
    assert any_store.get(asked.id) == denied
    with pytest.raises(AccessDenied, match="denied by bob: I misread it"):
        any_store.vote(asked.id, person("bob"), "grant")


def test_a_denial_ends_what_was_approved_and_is_not_used_yet(any_store, roles):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    assert any_store.vote(asked.id, person("cy"), "deny", "stop").status == Status.DENIED
    assert any_store.current_approvals(asked.id, roles) == []


def test_more_grants_than_needed_are_taken_and_a_used_one_takes_no_votes(any_store, roles):
    asked = ask(any_store)
    any_store.vote(asked.id, person("bob"), "grant")
    assert len(any_store.vote(asked.id, person("cy"), "grant").grants) == 2
    use(any_store, asked, roles)
    for decision in Decision:
        with pytest.raises(AccessDenied, match="it was used by the run run-1 at 2026-11-24 12:00:00 UTC"):
            any_store.vote(asked.id, person("dot"), decision, "too late")


def test_an_expired_request_takes_no_votes(any_store, clock, events):
    asked = ask(any_store)
    clock.move(3600)
    assert any_store.get(asked.id).status == Status.EXPIRED
    for decision in Decision:
        with pytest.raises(AccessDenied, match="it expired at 2026-11-24 13:00:00 UTC"):
            any_store.vote(asked.id, person("bob"), decision, "late")
    assert events.kinds() == ["request", "expire"]


def test_a_clock_that_is_set_back_does_not_revive_it(any_store, clock):
    noticed, unnoticed = ask(any_store), ask(any_store)
    clock.move(3601)
    with pytest.raises(AccessDenied, match="expired"):
        any_store.vote(noticed.id, person("bob"), "grant")
    clock.move(120)
    any_store.list()  # nobody asked about the second one; the time was seen all the same
    clock.move(-3700)
    for request in (noticed, unnoticed):
        with pytest.raises(AccessDenied, match="expired"):
            any_store.vote(request.id, person("bob"), "grant")
        assert any_store.get(request.id).status == Status.EXPIRED


def test_a_clock_that_was_once_far_ahead_can_be_believed_again(any_store, clock, events):
    clock.move(10 * 365 * 86400)
    any_store.list()
    clock.time = START
    assert ask(any_store).created_at > START + timedelta(days=3000)
    assert any_store.reset_clock(by="root") == START
    assert ask(any_store).created_at == START
    assert events.kinds() == ["request", "clock_reset", "request"]


@pytest.mark.parametrize(
    "guess", ["approval_0123456789abcdef", "approval_", "", "%", "approval_*", "x" * 5000, "approval_\0"]
)
def test_an_unknown_id_is_refused_everywhere(any_store, roles, guess):
    ask(any_store)
    calls = [
        lambda: any_store.get(guess),
        lambda: any_store.vote(guess, person("bob"), "grant"),
        lambda: any_store.withdraw(guess, "ada"),
        lambda: any_store.consume(guess, hash_of(), "run-1", "ada", roles),
        lambda: any_store.current_approvals(guess, roles),
        lambda: any_store.review(guess, person("bob"), "fine"),
    ]
    for call in calls:
        with pytest.raises(InvalidParameters, match="there is no such request.*16 hexadecimal digits"):
            call()


def test_a_beginning_of_an_id_is_enough_to_look_but_not_to_act(any_store, roles):
    asked = ask(any_store)
    short = asked.id[:15]
    assert any_store.get(short) == asked
    with pytest.raises(InvalidParameters, match="no such request"):
        any_store.vote(short, person("bob"), "grant")
    with pytest.raises(InvalidParameters, match="no such request"):
        any_store.consume(short, hash_of(), "run-1", "ada", roles)


def test_an_ambiguous_beginning_names_the_candidates_and_a_slip_the_nearest(store, monkeypatch):
    drawn = iter(["aaaa000000000001", "aaaa000000000002", "bbbb777777777777"])
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: next(drawn))
    first, second, third = (ask(store) for _ in range(3))
    with pytest.raises(InvalidParameters, match=f"several begin so: {first.id}, {second.id}"):
        store.get("approval_aaaa")
    with pytest.raises(InvalidParameters, match=f"Did you mean {third.id}"):
        store.get("approval_bbbb777777777778")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"required": 0}, "required"),
        ({"required": -1}, "required"),
        ({"roles": []}, "roles"),
        ({"roles": ROLE}, "roles"),
        ({"roles": [""]}, "roles"),
        ({"reason": " \n"}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"requester": ""}, "requester"),
        ({"requester": "\u200b"}, "requester"),
        ({"lifetime": timedelta(0)}, "lifetime"),
    ],
)
def test_a_bad_request_is_not_written(store, changes, says):
    with pytest.raises(InvalidParameters, match=says):
        ask(store, **changes)
    assert store.list() == []


@pytest.mark.parametrize("bad", ["", "ab" * 31, "AB" * 32, "ab" * 32 + "\n", "zz" * 32])
def test_a_hash_of_the_wrong_form_is_refused(store, roles, bad):
    with pytest.raises(InvalidParameters, match="binding_hash"):
        store.request(
            CONTENT,
            bad,
            requester="ada",
            requester_kind="person",
            reason="r",
            required=1,
            roles=[ROLE],
            lifetime=HOUR,
        )
    asked = ask(store)
    with pytest.raises(InvalidParameters, match="binding_hash"):
        use(store, asked, roles, binding_hash=bad)


def test_withdrawing_is_for_the_requester_or_an_administrator(any_store):
    mine, theirs = ask(any_store), ask(any_store)
    with pytest.raises(AccessDenied, match="Only ada or an administrator"):
        any_store.withdraw(mine.id, "bob")
    assert any_store.withdraw(mine.id, "ada", "not needed").status == Status.WITHDRAWN
    assert any_store.withdraw(theirs.id, "root", administrator=True) == any_store.get(theirs.id)
    with pytest.raises(InvalidParameters, match="it was withdrawn by ada"):
        any_store.withdraw(mine.id, "ada")
    with pytest.raises(AccessDenied, match="it was withdrawn by ada"):
        any_store.vote(mine.id, person("bob"), "grant")


def test_lists_filter_by_how_a_request_stands_now(any_store, clock, roles):
    expired = ask(any_store, lifetime=timedelta(seconds=30))
    clock.move(60)
    pending = ask(any_store)
    clock.move(1)
    other = ask(any_store, replace(CONTENT, script="other"))
    clock.move(1)
    denied, used = ask(any_store), ask(any_store, replace(CONTENT, environment="staging"))
    any_store.vote(denied.id, person("bob"), "deny", "no")
    any_store.vote(used.id, person("bob"), "grant")
    any_store.consume(
        used.id,
        used.binding_hash,
        "run-1",
        "ada",
        lambda name, environment: {"staging": frozenset({ROLE})}[environment],
    )
    ids = lambda **filters: [request.id for request in any_store.list(**filters)]  # noqa: E731
    assert ids(status="pending") == [other.id, pending.id]
    assert ids(status=Status.EXPIRED) == [expired.id] and any_store.list(status="expired")[0].status == Status.EXPIRED
    assert ids(status="denied") == [denied.id]
    assert ids(status="used") == [used.id]
    assert ids(script="other") == [other.id]
    assert ids(environment="staging") == [used.id]
    assert ids()[-2:] == [pending.id, expired.id] and len(ids(limit=2)) == 2
    with pytest.raises(InvalidParameters, match="status 'open'.*Known: pending, approved"):
        any_store.list(status="open")
