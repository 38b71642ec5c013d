"""Passwords, limits on guessing, and what a refusal tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import AccessDenied, AuditUnavailable, InvalidParameters, MfaRequired
from automation_scripts.governance.identity.attempts import Limits, State, after_failure, blocked_until
from automation_scripts.governance.identity.passwords import Cost, PasswordHashing, check_password
from automation_scripts.governance.identity.records import PasswordCredential, RoleBinding
from automation_scripts.governance.identity.refusal import NOT_ACCEPTED, CredentialRefused
from tests.governance.identity.conftest import (
    CHEAP,
    PASSWORD,
    START,
    add_person,
    add_service,
    code_at,
    enrol_totp,
    password_of,
    wrong_code,
)

TRY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.records import PasswordCredential
from automation_scripts.governance.identity.refusal import CredentialRefused
from automation_scripts.governance.identity.store import IdentityStore
store = IdentityStore(sys.argv[1], Path(sys.argv[2]), clock=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC), cost=Cost(1, 8, 1))
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    try:
        store.authenticate(PasswordCredential("ada", f"wrong guess {sys.argv[3]} {number}"), source="")
    except CredentialRefused as refusal:
        print(refusal.reason, flush=True)
"""


def refusal_of(store, credential, source="here") -> CredentialRefused:
    with pytest.raises(CredentialRefused) as caught:
        store.authenticate(credential, source=source)
    return caught.value


def test_the_right_password_gives_a_principal_with_the_roles_of_now(any_store):
    any_store.directory.add_group("release", by="root", roles=[RoleBinding("release-manager", "production")])
    any_store.directory.set_groups("ada", ["release"], by="root")
    principal = any_store.authenticate(password_of(), source="here")
    assert (principal.name, principal.kind, principal.authentication, principal.mfa_at) == (
        "ada",
        "person",
        "password",
        None,
    )
    assert principal.roles_in("production") == {"operator", "release-manager"}
    assert principal.roles_in("staging") == {"operator"}
    assert principal.groups == ("release",)


def test_all_causes_of_refusal_have_one_text_and_their_own_reason(store, clock):
    secret, _codes = enrol_totp(store, clock)
    add_person(store, "bob")
    store.directory.disable("bob", by="root")
    add_service(store)
    causes = {
        "unknown_user": password_of("nobody"),
        "wrong_password": password_of(password="not the password"),
        "wrong_code": password_of(code=wrong_code(secret, clock)),
        "disabled": password_of("bob"),
        "no_password": password_of("nightly"),
    }
    refusals = {reason: refusal_of(store, credential) for reason, credential in causes.items()}
    assert {reason: refusal.reason for reason, refusal in refusals.items()} == {reason: reason for reason in causes}
    assert {str(refusal) for refusal in refusals.values()} == {NOT_ACCEPTED}
    assert all(isinstance(refusal, AccessDenied) for refusal in refusals.values())


@pytest.mark.parametrize("name", ["nobody", "ada", "bob", "nightly", "a\u200bda", ""])
def test_every_name_costs_one_verification_of_the_same_parameters(store, monkeypatch, name):
    import argon2.low_level as low

    add_person(store, "bob")
    store.directory.disable("bob", by="root")
    add_service(store)
    done = []
    real = low.verify_secret
    monkeypatch.setattr(
        low, "verify_secret", lambda hashed, *rest: done.append(hashed.rsplit(b"$", 2)[0]) or real(hashed, *rest)
    )
    refusal_of(store, password_of(name, password="wrong password 1"))
    assert done == [b"$argon2id$v=19$m=8,t=1,p=1"]


def test_a_missing_code_is_asked_for_only_after_the_right_password(store, clock, events):
    enrol_totp(store, clock)
    with pytest.raises(MfaRequired, match="code that your app shows"):
        store.authenticate(password_of(), source="here")
    assert events.last("login.failed").detail == {"reason": "code_needed"}
    assert refusal_of(store, password_of(password="wrong password 1")).reason == "wrong_password"


@pytest.mark.parametrize(
    "typed", ["ada", "Ada", "ADA", "\uff41\uff44\uff41"], ids=["plain", "capital", "capitals", "full width"]
)
def test_a_name_may_be_typed_in_capitals(kept_store, typed):
    assert kept_store.authenticate(password_of(typed), source="here").name == "ada"


@pytest.mark.parametrize("typed", [" ada", "ada ", "a\u200bda", "\u0430da", "ada\n", "ada\0", "\u202eada", "ada" * 100])
def test_a_name_that_only_looks_like_one_is_unknown(kept_store, typed):
    assert refusal_of(kept_store, password_of(typed), source="").reason == "unknown_user"


def test_credentials_do_not_show_in_their_representation():
    credential = PasswordCredential("ada", "the secret words", "123456")
    assert "secret" not in repr(credential) and "123456" not in repr(credential)


def test_five_failures_lock_even_the_right_password_and_unlock_ends_it(any_store, clock, events):
    for _ in range(5):
        assert refusal_of(any_store, password_of(password="wrong password 1")).reason == "wrong_password"
        clock.move(5)
    refusal = refusal_of(any_store, password_of())
    assert refusal.reason == "locked"
    assert refusal.until == clock.time - timedelta(seconds=5) + timedelta(minutes=15)
    assert events.last("account.locked").user == "ada"
    any_store.unlock("ada", by="root")
    assert any_store.authenticate(password_of(), source="here").name == "ada"


def test_the_lock_ends_by_itself_and_the_next_one_is_longer(store, clock):
    waits = []
    for _ in range(3):
        for _ in range(5):
            refusal_of(store, password_of(password="wrong password 1"))
            clock.move(5)
        until = refusal_of(store, password_of()).until
        waits.append(round((until - clock.time).total_seconds() / 900))
        clock.time = until
    assert waits == [1, 2, 4]
    assert store.authenticate(password_of(), source="here").name == "ada"


def test_a_name_that_does_not_exist_is_locked_in_the_same_way(store, clock):
    said = {}
    for name in ("ada", "nobody"):
        said[name] = []
        for _ in range(8):
            refusal = refusal_of(store, password_of(name, password="wrong password 1"), source=name)
            said[name].append(str(refusal))
    assert said["ada"] == said["nobody"]


def test_a_source_that_tries_many_names_is_locked_and_its_own_success_does_not_help(open_store, new_url, clock):
    store = open_store(new_url, source_limits=Limits(failures=6, free=6))
    add_person(store, "ada")
    for number in range(5):
        assert refusal_of(store, password_of(f"user{number}"), source="10.0.0.9").reason == "unknown_user"
    store.authenticate(password_of(), source="10.0.0.9")
    assert refusal_of(store, password_of("user5"), source="10.0.0.9").reason == "unknown_user"
    assert refusal_of(store, password_of(), source="10.0.0.9").reason == "locked"
    assert store.authenticate(password_of(), source="10.0.0.1").name == "ada"
    clock.move(901)
    assert store.authenticate(password_of(), source="10.0.0.9").name == "ada"


def test_failures_of_two_processes_at_once_are_counted_together(identity_url, open_store, start_worker, tmp_path):
    store = open_store(identity_url)
    add_person(store, "ada")
    workers = [start_worker(TRY, identity_url, str(tmp_path / "state"), str(number)) for number in range(2)]
    assert [worker.hear() for worker in workers] == ["ready"] * 2
    for worker in workers:
        worker.tell("go")
    reasons = [worker.hear() for worker in workers for _ in range(10)]
    # The clock stands: two are free, the third is charged with a delay, and no more is tried.
    assert reasons.count("wrong_password") == 3
    assert reasons.count("locked") == 17


def test_a_correct_password_clears_its_failures_but_not_those_of_the_codes(store, clock):
    secret, _codes = enrol_totp(store, clock)
    reasons = []
    for _ in range(6):
        clock.move(10)
        reasons.append(refusal_of(store, password_of(code=wrong_code(secret, clock))).reason)
    assert reasons == ["wrong_code"] * 5 + ["locked"]
    clock.move(30)
    assert refusal_of(store, password_of(code=code_at(secret, clock))).reason == "locked"


limits = Limits()
gaps = st.lists(st.floats(min_value=0, max_value=100_000), max_size=60)


@settings(max_examples=200)
@given(gaps=gaps)
def test_however_the_attempts_are_spaced_few_are_tried(gaps):
    now, state, tried = START, None, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if blocked_until(state, now) is None:
            state = after_failure(state, now, limits)
            tried.append(now)
    for start in tried:
        assert sum(start <= time < start + timedelta(minutes=15) for time in tried) <= 5


def test_the_first_failures_cost_nothing_the_next_ones_double():
    state, delays, now = None, [], START
    for _ in range(5):
        state = after_failure(state, now, limits)
        delays.append((state.blocked_until - now).total_seconds() if state.blocked_until else 0)
        now += timedelta(seconds=delays[-1])
    assert delays == [0, 0, 1, 2, 900]


def test_a_clock_set_back_does_not_shorten_a_lock(store, clock):
    for _ in range(5):
        refusal_of(store, password_of(password="wrong password 1"))
        clock.move(5)
    clock.move(-86400)
    assert refusal_of(store, password_of()).reason == "locked"
    assert blocked_until(State(0, 1, START, START), START) is None


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "fewer than 12"),
        ("Password1234", "most common"),
        ("aaaaaaaaaaaaaa", "repeats"),
        ("abcabcabcabcabc", "repeats"),
        ("abcdefghijklmnopq", "counts up"),
        ("987654321098"[:9] + "zyx", None),
        ("my-AdaLovelace-1815", "user's name"),
        ("x" + "y" * 2000, "more than 1024"),
    ],
)
def test_weak_passwords_are_refused_without_being_repeated(password, fault):
    if fault is None:
        check_password(password, user="adalovelace")
        return
    with pytest.raises(InvalidParameters, match=fault) as caught:
        check_password(password, user="adalovelace")
    assert password not in str(caught.value)


def test_letters_that_keyboards_compose_differently_are_the_same_password():
    hashing = PasswordHashing(CHEAP)
    assert hashing.verify(hashing.hash("caf\u00e9 caf\u00e9 1234"), "cafe\u0301 cafe\u0301 1234")


def test_a_password_of_any_kind_of_text_is_refused_quietly():
    hashing = PasswordHashing(CHEAP)
    stored = hashing.hash(PASSWORD)
    for odd in ("", "\0", "\ud800", "x" * 10**6, PASSWORD + "\0"):
        assert hashing.verify(stored, odd) is False
    assert hashing.verify(None, "") is False


def test_the_default_cost_is_the_low_memory_profile_of_the_rfc():
    from argon2 import profiles

    profile = profiles.RFC_9106_LOW_MEMORY
    assert Cost() == Cost(profile.time_cost, profile.memory_cost, profile.parallelism)


def test_a_hash_of_an_older_cost_is_renewed_at_the_next_login(store, open_store, new_url):
    from sqlalchemy import select

    from automation_scripts.governance.identity.models import users

    def stored(of):
        with of.database.read() as connection:
            return connection.execute(select(users.c.password_hash, users.c.generation)).one()

    before = stored(store)
    newer = open_store(new_url, cost=Cost(2, 16, 1))
    newer.authenticate(password_of(), source="here")
    after = stored(newer)
    assert "m=16,t=2,p=1" in after.password_hash and after.generation == before.generation
    assert newer.authenticate(password_of(), source="here").name == "ada"
    assert stored(newer) == after


def test_where_the_audit_cannot_be_written_nobody_is_let_in(new_url, open_store):
    def full(event):
        if event.kind == "login.succeeded":
            raise AuditUnavailable("the disk is full")

    store = open_store(new_url, events=full)
    add_person(store, "ada")
    with pytest.raises(AuditUnavailable):
        store.authenticate(password_of(), source="here")


def test_no_event_holds_a_secret(store, clock, events):
    secret, codes = enrol_totp(store, clock)
    store.authenticate(password_of(code=codes[0]), source="here")
    refusal_of(store, password_of(password="a wrong password"))
    told = repr(events.seen)
    for hidden in (PASSWORD, "a wrong password", secret, *codes):
        assert hidden not in told
    assert events.last("recovery_code.used").detail == {"left": "9"}
