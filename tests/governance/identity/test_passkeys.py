"""Security keys, by a software authenticator."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity.passkeys import RelyingParty
from automation_scripts.governance.identity.records import BearerToken, RoleBinding
from automation_scripts.governance.identity.refusal import KEY_NOT_ACCEPTED, CodeNeeded, CredentialRefused
from tests.governance.identity.authenticator import Authenticator, b64
from tests.governance.identity.conftest import add_person, add_service, password_of

PARTY = RelyingParty("automation.example.com", ("https://automation.example.com",))


def register(store, key: Authenticator, user: str = "ada"):
    options = store.passkeys.begin_registration(user, PARTY)
    return store.passkeys.finish_registration(user, key.create(options), PARTY, label="blue", source="web")


def challenge_of(store, user: str | None = None) -> str:
    return store.passkeys.begin_login(PARTY) if user is None else store.passkeys.begin_factor(user, PARTY)


def reason_of(call) -> str:
    with pytest.raises(CredentialRefused) as caught:
        call()
    assert str(caught.value) == KEY_NOT_ACCEPTED
    return caught.value.reason


def log_in(store, answer: str):
    return store.authenticate_passkey(answer, PARTY, source="web")


@pytest.fixture
def key(any_store) -> Authenticator:
    key = Authenticator()
    register(any_store, key)
    return key


def test_a_key_logs_in_and_counts_as_two_factors(any_store, key, clock, events):
    principal = log_in(any_store, key.get(challenge_of(any_store)))
    assert (principal.name, principal.authentication, principal.mfa_at) == ("ada", "webauthn", clock.time)
    assert principal.roles_in("staging") == {"operator"}
    token = any_store.login_tokens.issue(principal).text
    assert any_store.authenticate(BearerToken(token), source="").mfa_at == clock.time
    (known,) = any_store.passkeys.list("ada")
    assert (known.label, known.last_used_at) == ("blue", clock.time)
    assert {"passkey.enrolled", "passkey.accepted", "login.succeeded"} <= set(events.kinds())


def test_a_key_is_a_second_factor_of_its_owner_only(any_store, key, clock):
    add_person(any_store, "bob")
    ada = log_in(any_store, key.get(challenge_of(any_store)))
    factor = any_store.verify_passkey(ada, key.get(challenge_of(any_store, "ada")), PARTY, "web")
    assert (factor.method, factor.at) == ("webauthn", clock.time)
    bob = any_store.authenticate(password_of("bob"), source="web")
    answer = key.get(challenge_of(any_store, "bob"))
    assert reason_of(lambda: any_store.verify_passkey(bob, answer, PARTY, "web")) == "not_theirs"


def test_who_has_a_key_cannot_log_in_by_password_alone(any_store, key):
    with pytest.raises(CodeNeeded):
        any_store.authenticate(password_of(), source="web")


def test_an_answer_is_good_once(any_store, key):
    answer = key.get(challenge_of(any_store))
    log_in(any_store, answer)
    assert reason_of(lambda: log_in(any_store, answer)) == "challenge"


def test_a_challenge_expires_even_when_the_clock_is_set_back(any_store, key, clock):
    late, back = (key.get(challenge_of(any_store)) for _ in range(2))
    clock.move(400)
    assert reason_of(lambda: log_in(any_store, late)) == "challenge"
    clock.move(-399)
    assert reason_of(lambda: log_in(any_store, back)) == "challenge"


def test_an_answer_to_one_purpose_is_none_to_another(any_store, key):
    answer = key.get(challenge_of(any_store, "ada"))
    assert reason_of(lambda: log_in(any_store, answer)) == "challenge"
    registration = any_store.passkeys.begin_registration("ada", PARTY)
    assert reason_of(lambda: log_in(any_store, key.get(registration))) == "challenge"


def test_a_counter_that_does_not_rise_is_a_copied_key(any_store, key):
    log_in(any_store, key.get(challenge_of(any_store)))
    log_in(any_store, key.get(challenge_of(any_store)))
    for count in (0, 1):
        key.count = count  # it counts up before it signs
        answer = key.get(challenge_of(any_store))
        assert reason_of(lambda answer=answer: log_in(any_store, answer)) == "sign_count"


SPOILED = {
    "another site": lambda key: setattr(key, "origin", "https://automation.example.com.evil.com"),
    "plain http": lambda key: setattr(key, "origin", "http://automation.example.com"),
    "another domain": lambda key: setattr(key, "rp_id", "evil.com"),
    "no user verification": lambda key: setattr(key, "verifies_user", False),
    "another private key": lambda key: setattr(key, "key", Authenticator().key),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_answer_is_refused(store, what):
    key = Authenticator()
    register(store, key)
    SPOILED[what](key)
    assert reason_of(lambda: log_in(store, key.get(challenge_of(store)))) == "forged"


@pytest.mark.parametrize("what", [name for name in SPOILED if name != "another private key"])
def test_a_spoiled_registration_is_refused(store, what):
    key = Authenticator()
    SPOILED[what](key)
    assert reason_of(lambda: register(store, key)) == "forged"
    assert store.passkeys.list("ada") == []


def test_other_spoiled_answers_are_refused(store):
    key, unknown = Authenticator(), Authenticator()
    register(store, key)
    assert reason_of(lambda: log_in(store, unknown.get(challenge_of(store)))) == "unknown_key"
    assert reason_of(lambda: log_in(store, key.get(challenge_of(store), challenge=b64(b"x" * 32)))) == "challenge"
    assert reason_of(lambda: log_in(store, key.get(challenge_of(store), kind="webauthn.create"))) == "forged"
    answer = json.loads(key.get(challenge_of(store)))
    answer["response"]["signature"] = b64(b"\x30\x00")
    assert reason_of(lambda: log_in(store, json.dumps(answer))) == "forged"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.dictionaries(st.sampled_from(["id", "response", "clientDataJSON"]) | st.text(), inner),
        ).map(json.dumps),
    )
)
def test_any_text_is_refused_without_failing(store, text):
    assert reason_of(lambda: log_in(store, text)) in ("malformed", "challenge")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_an_answer_with_anything_else_in_it_is_refused_without_failing(store, data):
    key = Authenticator()
    register(store, key)
    answer = json.loads(key.get(challenge_of(store)))
    part = data.draw(st.sampled_from(["id", "rawId", "type", "response", "authenticatorData", "signature"]))
    anything = st.none() | st.integers() | st.text() | st.binary().map(b64) | st.lists(st.text(), max_size=2)
    (answer if part in answer else answer["response"])[part] = data.draw(anything)
    with pytest.raises(CredentialRefused):
        log_in(store, json.dumps(answer))


def test_a_key_belongs_to_one_user(any_store, key):
    add_person(any_store, "bob")
    assert reason_of(lambda: register(any_store, key, "bob")) == "taken"


def test_a_registration_cannot_be_finished_for_somebody_else(any_store):
    add_person(any_store, "root", RoleBinding("admin"))
    answer = Authenticator().create(any_store.passkeys.begin_registration("ada", PARTY))
    finish = any_store.passkeys.finish_registration
    assert reason_of(lambda: finish("root", answer, PARTY, label="", source="web")) == "challenge"


def test_a_removed_key_and_a_disabled_owner_are_refused(any_store, key):
    token = any_store.login_tokens.issue(log_in(any_store, key.get(challenge_of(any_store)))).text
    other = Authenticator()
    register(any_store, other)
    any_store.passkeys.remove("ada", b64(key.credential_id), by="ada")
    assert reason_of(lambda: log_in(any_store, key.get(challenge_of(any_store)))) == "unknown_key"
    with pytest.raises(CredentialRefused):
        any_store.authenticate(BearerToken(token), source="web")
    any_store.directory.disable("ada", by="root")
    assert reason_of(lambda: log_in(any_store, other.get(challenge_of(any_store)))) == "disabled"


def test_a_service_account_has_no_key(any_store):
    add_service(any_store)
    with pytest.raises(InvalidParameters, match="enabled person"):
        any_store.passkeys.begin_registration("nightly", PARTY)
