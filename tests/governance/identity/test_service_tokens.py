"""Service tokens and run tickets."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity.records import BearerToken, RoleBinding, Scope, SecondFactor
from automation_scripts.governance.identity.refusal import BEARER_NOT_ACCEPTED, TICKET_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.identity.service_tokens import TOKEN_FORM, has_checksum
from tests.governance.identity.conftest import START, add_service, password_of

SCOPE = Scope(frozenset({"config_validator"}), frozenset({"staging"}), frozenset({"observe"}))
ALL = Scope(*(frozenset({"*"}),) * 3)
BINDING = "ab" * 32


def use(store, text):
    return store.authenticate(BearerToken(text), source="here")


def reason_of(store, text) -> str:
    with pytest.raises(CredentialRefused) as caught:
        use(store, text)
    assert str(caught.value) == BEARER_NOT_ACCEPTED
    return caught.value.reason


@pytest.fixture
def service(any_store):
    add_service(any_store)
    return any_store


def test_a_token_stands_for_its_service_account_within_its_scope(service, clock):
    token = service.service_tokens.create("nightly", SCOPE, by="root", label="schedule")
    principal = use(service, token.text)
    assert (principal.name, principal.kind, principal.authentication) == ("nightly", "service", "service_token")
    assert principal.scope == SCOPE and principal.mfa_at is None and principal.token_id == token.token_id
    assert token.expires_at == START + timedelta(days=90)
    (known,) = service.service_tokens.list("nightly")
    assert (known.label, known.created_by, known.last_used_at) == ("schedule", "root", START)
    assert token.text not in repr(token)


def test_the_scope_must_hold_all_three():
    assert SCOPE.allows("config_validator", "staging", "observe")
    assert not SCOPE.allows("smart_deployer", "staging", "observe")
    assert not SCOPE.allows("config_validator", "production", "observe")
    assert not SCOPE.allows("config_validator", "staging", "change")
    assert ALL.allows("anything", "anywhere", "change")
    assert not Scope(frozenset(), ALL.environments, ALL.actions).allows("*", "*", "*")


@pytest.mark.parametrize("empty", ["scripts", "environments", "actions"])
def test_an_empty_scope_is_not_all(service, empty):
    scope = {name: frozenset({"*"}) for name in ("scripts", "environments", "actions")} | {empty: frozenset()}
    with pytest.raises(InvalidParameters, match=rf"no {empty}.*'\*' for all"):
        service.service_tokens.create("nightly", Scope(**scope), by="root")


def test_a_token_has_a_form_and_a_checksum_that_scanners_know(service):
    text = service.service_tokens.create("nightly", ALL, by="root").text
    assert TOKEN_FORM.search(f"export TOKEN={text}\n").group() == text
    assert has_checksum(text)
    for place in range(4, len(text)):
        changed = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
        assert not has_checksum(changed)
        assert reason_of(service, changed) == "malformed"


@given(st.text())
def test_other_text_is_no_token(text):
    assert not has_checksum("ast_" + text)


def test_a_token_of_the_right_form_that_was_never_issued_is_refused(service):
    from automation_scripts.governance.identity.service_tokens import _checksum

    real = service.service_tokens.create("nightly", ALL, by="root").text
    for made in (real[:15] + "A" * 43, "ast_" + "B" * 10 + real[14:-6]):
        assert reason_of(service, made + _checksum(made)) == "forged"


def test_the_secret_is_not_in_the_database(store, tmp_path):
    add_service(store)
    text = store.service_tokens.create("nightly", ALL, by="root").text
    use(store, text)
    with sqlite3.connect(store.database.place) as raw:
        dump = "\n".join(raw.iterdump())
    raw.close()
    assert text.split("_")[1] in dump and text.split("_")[2] not in dump


def test_it_expires_is_revoked_and_ends_with_its_account(service, clock):
    create = service.service_tokens.create
    short, revoked, other = (create("nightly", ALL, by="root", ttl_s=ttl).text for ttl in (60, 600, 600))
    service.service_tokens.revoke(revoked.split("_")[1], by="root")
    assert reason_of(service, revoked) == "revoked"
    clock.move(60)
    assert reason_of(service, short) == "expired"
    clock.move(-30)
    assert use(service, other).name == "nightly"
    service.directory.disable("nightly", by="root")
    service.directory.enable("nightly", by="root")
    assert reason_of(service, other) == "revoked"


def test_a_role_that_was_taken_counts_at_once(service):
    text = service.service_tokens.create("nightly", ALL, by="root").text
    assert use(service, text).roles_in("staging") == {"service"}
    service.directory.revoke("nightly", RoleBinding("service"), by="root")
    assert use(service, text).roles == ()


def test_rotation_overlaps(service, clock):
    old = service.service_tokens.create("nightly", SCOPE, by="root")
    new = service.service_tokens.rotate(old.token_id, by="root", overlap_s=300)
    assert new.scope == SCOPE
    clock.move(299)
    assert use(service, old.text).name == use(service, new.text).name == "nightly"
    clock.move(1)
    assert reason_of(service, old.text) == "expired"
    with pytest.raises(InvalidParameters, match="expired"):
        service.service_tokens.rotate(old.token_id, by="root")


def test_rotation_never_lengthens_the_old_one(service, clock):
    old = service.service_tokens.create("nightly", SCOPE, by="root", ttl_s=60)
    service.service_tokens.rotate(old.token_id, by="root", overlap_s=3600)
    clock.move(60)
    assert reason_of(service, old.text) == "expired"


@pytest.mark.parametrize("ttl_s", [0, -5, 366 * 86400 + 1, float("nan"), float("inf")])
def test_every_token_ends(store, ttl_s):
    add_service(store)
    with pytest.raises(InvalidParameters, match="366 days"):
        store.service_tokens.create("nightly", ALL, by="root", ttl_s=ttl_s)


def test_persons_have_none(service):
    with pytest.raises(InvalidParameters, match="automation login"):
        service.service_tokens.create("ada", ALL, by="root")


# Run tickets


def refusal(store, text, binding=BINDING) -> str:
    with pytest.raises(CredentialRefused) as caught:
        store.tickets.redeem(text, binding)
    assert str(caught.value) == TICKET_NOT_ACCEPTED
    return caught.value.reason


@pytest.fixture
def ada(any_store):
    return any_store.authenticate(password_of(), source="here")


def test_a_ticket_stands_once_for_one_request_of_its_principal(any_store, ada, clock):
    text = any_store.tickets.issue(ada, SecondFactor("totp", clock.time), BINDING)
    assert refusal(any_store, text, "cd" * 32) == "wrong_binding"
    principal = any_store.tickets.redeem(text, BINDING)
    assert (principal.name, principal.authentication, principal.mfa_at) == ("ada", "ticket", clock.time)
    assert principal.methods == ("pwd",) and principal.roles_in("staging") == {"operator"}
    assert refusal(any_store, text) == "replayed"


def test_a_ticket_expires_also_when_the_clock_is_set_back(any_store, ada, clock):
    text = any_store.tickets.issue(ada, None, BINDING, ttl_s=300)
    clock.move(400)
    assert refusal(any_store, text) == "expired"
    clock.move(-399)
    assert refusal(any_store, text) == "expired"


@pytest.mark.parametrize("text", ["", "ticket_", "ticket_" + "A" * 43, "ticket_" + "é" * 43, "ast_x", "\0"])
def test_what_is_no_ticket_is_refused(kept_store, text):
    assert refusal(kept_store, text) == "unknown_ticket"


def test_a_ticket_ends_with_what_it_came_from(any_store, ada, clock):
    tokens = any_store.login_tokens
    token = tokens.issue(ada)
    by_token = any_store.tickets.issue(any_store.authenticate(BearerToken(token.text), source=""), None, BINDING)
    tokens.revoke(token.token_id, by="root")
    assert refusal(any_store, by_token) == "revoked"
    by_password = any_store.tickets.issue(ada, None, BINDING)
    any_store.set_password("ada", "another long password", by="ada")
    assert refusal(any_store, by_password) == "revoked"


def test_a_ticket_of_a_service_token_keeps_its_scope_and_ends_with_it(service):
    token = service.service_tokens.create("nightly", SCOPE, by="root")
    first, second = (service.tickets.issue(use(service, token.text), None, BINDING) for _ in range(2))
    assert service.tickets.redeem(first, BINDING).scope == SCOPE
    service.service_tokens.revoke(token.token_id, by="root")
    assert refusal(service, second) == "revoked"


def test_a_ticket_carries_the_roles_of_the_moment_it_is_redeemed(any_store, ada):
    text = any_store.tickets.issue(ada, None, BINDING)
    any_store.directory.revoke("ada", RoleBinding("operator"), by="root")
    assert any_store.tickets.redeem(text, BINDING).roles == ()


def test_a_ticket_gives_no_ticket_and_no_token(any_store, ada):
    principal = any_store.tickets.redeem(any_store.tickets.issue(ada, None, BINDING), BINDING)
    with pytest.raises(InvalidParameters, match="cannot hand out another"):
        any_store.tickets.issue(principal, None, BINDING)


@pytest.mark.parametrize(("ttl_s", "binding"), [(0, BINDING), (86401, BINDING), (300, "short"), (300, "")])
def test_a_ticket_must_be_short_lived_and_bound(kept_store, ttl_s, binding):
    ada = kept_store.authenticate(password_of(), source="here")
    with pytest.raises(InvalidParameters, match="run ticket"):
        kept_store.tickets.issue(ada, None, binding, ttl_s=ttl_s)


REDEEM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from automation_scripts.governance.identity.refusal import CredentialRefused
from automation_scripts.governance.identity.store import IdentityStore
store = IdentityStore(sys.argv[1], Path(sys.argv[2]), clock=lambda: datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC))
print("ready", flush=True)
for line in sys.stdin:
    try:
        print(store.tickets.redeem(line.strip(), sys.argv[3]).name, flush=True)
    except CredentialRefused as refusal:
        print(refusal.reason, flush=True)
"""


def test_of_two_processes_with_the_same_ticket_one_wins(identity_url, any_store, ada, start_worker, tmp_path):
    tickets = [any_store.tickets.issue(ada, None, BINDING) for _ in range(10)]
    workers = [start_worker(REDEEM, identity_url, str(tmp_path / "state"), BINDING) for _ in range(2)]
    assert [worker.hear() for worker in workers] == ["ready"] * 2
    for text in tickets:
        for worker in workers:
            worker.tell(text)
        assert sorted(worker.hear() for worker in workers) == ["ada", "replayed"]
