"""One-time codes and recovery codes: good once, in one process, and not for who guesses."""

from __future__ import annotations

import base64
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.identity import recovery
from automation_scripts.governance.identity.records import BearerToken
from automation_scripts.governance.identity.refusal import CODE_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.identity.totp import Sealing, matching_step, plain_code
from tests.governance.identity.conftest import (
    add_person,
    add_service,
    code_at,
    enrol_totp,
    password_of,
    secret_of,
    wrong_code,
)


def reason_of(store, principal, code, source="here") -> str:
    with pytest.raises(CredentialRefused) as caught:
        store.verify_second_factor(principal, code, source)
    if caught.value.reason != "locked":
        assert str(caught.value) == CODE_NOT_ACCEPTED
    return caught.value.reason


@pytest.fixture
def ada(any_store):
    return any_store.authenticate(password_of(), source="")


@pytest.fixture
def enrolled(any_store, ada, clock):
    return enrol_totp(any_store, clock)


def test_codes_are_those_of_the_rfc():
    # RFC 6238 appendix B, SHA-1, the last six digits
    from datetime import UTC, datetime

    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, code in [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]:
        assert matching_step(secret, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_enrolment_shows_a_uri_and_a_qr_code_and_counts_after_one_code(any_store, ada, clock, events):
    enrolment = any_store.totp.begin("ada", by="ada")
    assert enrolment.uri.startswith("otpauth://totp/automation:ada?secret=")
    assert set(enrolment.qr) <= set(" █▀▄\n") and enrolment.qr.count("\n") > 15
    assert secret_of(enrolment.uri) not in repr(enrolment)
    assert any_store.authenticate(password_of(), source="here").authentication == "password"
    codes = any_store.second_factors.confirm_totp("ada", code_at(secret_of(enrolment.uri), clock), source="here")
    assert len(set(codes)) == 10
    assert any_store.directory.get("ada").second_factors == ("totp", "recovery")
    assert {"totp.enrolment_begun", "totp.enrolled"} <= set(events.kinds())


def test_the_code_that_confirmed_is_used_up(any_store, ada, clock):
    secret = secret_of(any_store.totp.begin("ada", by="ada").uri)
    code = code_at(secret, clock)
    any_store.second_factors.confirm_totp("ada", code, source="here")
    assert reason_of(any_store, ada, code) == "replayed"


def test_a_code_is_good_once(any_store, ada, enrolled, clock):
    code = code_at(enrolled[0], clock)
    factor = any_store.verify_second_factor(ada, code, "here")
    assert (factor.method, factor.at) == ("totp", clock.time)
    assert reason_of(any_store, ada, code) == "replayed"


def test_a_code_of_login_is_used_up_for_everything(any_store, ada, enrolled, clock):
    code = code_at(enrolled[0], clock)
    principal = any_store.authenticate(password_of(code=f" {code[:3]} {code[3:]}"), source="here")
    assert principal.authentication == "password+totp" and principal.mfa_at == clock.time
    assert reason_of(any_store, ada, code) == "replayed"


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_window_is_one_step_either_way(any_store, ada, enrolled, clock, steps, good):
    code = code_at(enrolled[0], clock, steps)
    if good:
        assert any_store.verify_second_factor(ada, code, "here").method == "totp"
    else:
        assert reason_of(any_store, ada, code) == "wrong_code"


def test_after_a_code_an_earlier_one_is_refused_though_it_is_in_the_window(any_store, ada, enrolled, clock):
    any_store.verify_second_factor(ada, code_at(enrolled[0], clock, 1), "here")
    assert reason_of(any_store, ada, code_at(enrolled[0], clock, 0)) == "replayed"


def test_a_clock_set_back_does_not_revive_a_code(any_store, ada, enrolled, clock):
    old = code_at(enrolled[0], clock)
    clock.move(3600)
    any_store.verify_second_factor(ada, code_at(enrolled[0], clock), "here")
    clock.move(-3600)
    assert reason_of(any_store, ada, old) in ("wrong_code", "replayed")


VERIFY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from automation_scripts.governance.identity.records import Kind, Principal
from automation_scripts.governance.identity.refusal import CredentialRefused
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.identity.totp import CLEAR
time = []
store = IdentityStore(sys.argv[1], Path(sys.argv[2]), clock=lambda: time[-1], sealing=CLEAR)
ada = Principal("ada", Kind.PERSON, (), (), "password")
print("ready", flush=True)
for line in sys.stdin:
    stamp, code = line.split()
    time.append(datetime.fromtimestamp(float(stamp), UTC))
    try:
        print(store.verify_second_factor(ada, code, "").method, flush=True)
    except CredentialRefused as refusal:
        print(refusal.reason, flush=True)
"""


def test_of_two_processes_with_the_same_code_exactly_one_wins(
    identity_url, any_store, enrolled, clock, start_worker, tmp_path
):
    workers = [start_worker(VERIFY, identity_url, str(tmp_path / "state")) for _ in range(2)]
    assert [worker.hear() for worker in workers] == ["ready"] * 2
    for _ in range(10):
        clock.move(30)
        for worker in workers:
            worker.tell(f"{clock.time.timestamp()} {code_at(enrolled[0], clock)}")
        assert sorted(worker.hear() for worker in workers) == ["replayed", "totp"]


def test_guessing_codes_locks_whatever_is_given_then(any_store, ada, enrolled, clock, events):
    reasons = []
    for number in range(6):
        clock.move(10)
        reasons.append(reason_of(any_store, ada, wrong_code(enrolled[0], clock), source=f"10.0.0.{number}"))
    assert reasons == ["wrong_code"] * 5 + ["locked"]
    clock.move(60)
    assert reason_of(any_store, ada, code_at(enrolled[0], clock)) == "locked"
    assert reason_of(any_store, ada, enrolled[1][0]) == "locked"
    assert events.last("account.locked").detail == {"what": "factor"}
    any_store.unlock("ada", by="root")
    assert any_store.verify_second_factor(ada, code_at(enrolled[0], clock), "here").method == "totp"


def test_guessing_while_enrolling_locks_too(any_store, ada, clock):
    any_store.totp.begin("ada", by="ada")
    reasons = []
    for _ in range(6):
        clock.move(10)
        with pytest.raises(CredentialRefused) as caught:
            any_store.second_factors.confirm_totp("ada", "000000", source="here")
        reasons.append(caught.value.reason)
    assert reasons[-1] == "locked"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345a", "\0" * 6, "123456\n7", "x" * 10**5])
def test_what_is_no_code_is_refused(store, clock, code):
    ada = store.authenticate(password_of(), source="")
    enrol_totp(store, clock)
    assert reason_of(store, ada, code) == "wrong_code"


@given(st.text())
def test_any_text_is_read_without_failing(text):
    assert plain_code(text) is None or plain_code(text).isdigit()
    code = recovery.plain_code(text)
    assert code is None or len(code) == 16


def test_a_recovery_code_is_good_once_and_told(any_store, ada, enrolled, events):
    typed = enrolled[1][3].upper().replace("0", "O").replace("1", "L").replace("-", " ")
    assert any_store.verify_second_factor(ada, typed, "here").method == "recovery"
    assert events.last("recovery_code.used").detail == {"left": "9"}
    assert reason_of(any_store, ada, enrolled[1][3]) == "replayed"
    assert any_store.authenticate(password_of(code=enrolled[1][4]), source="here").authentication == "password+recovery"


def test_recovery_codes_are_of_one_user_and_end_when_renewed(any_store, ada, enrolled, clock):
    add_person(any_store, "bob")
    bob = any_store.authenticate(password_of("bob"), source="")
    enrol_totp(any_store, clock, "bob")
    assert reason_of(any_store, bob, enrolled[1][0]) == "wrong_code"
    new = any_store.second_factors.renew_recovery_codes("ada", by="ada")
    assert reason_of(any_store, ada, enrolled[1][0]) == "wrong_code"
    assert any_store.verify_second_factor(ada, new[0], "here").method == "recovery"


def test_who_has_no_second_factor_is_told_so(any_store, ada):
    assert reason_of(any_store, ada, "123456") == "not_enrolled"
    with pytest.raises(InvalidParameters, match="set up one-time codes"):
        any_store.second_factors.renew_recovery_codes("ada", by="ada")


def test_a_service_account_has_none(any_store):
    add_service(any_store)
    with pytest.raises(InvalidParameters, match="service account"):
        any_store.totp.begin("nightly", by="root")


def test_the_old_secret_holds_until_the_new_one_is_confirmed(any_store, ada, enrolled, clock):
    with pytest.raises(InvalidParameters, match="set up already"):
        any_store.totp.begin("ada", by="ada")
    new = secret_of(any_store.totp.begin("ada", by="ada", replace=True).uri)
    assert any_store.verify_second_factor(ada, code_at(enrolled[0], clock), "here").method == "totp"
    clock.move(90)
    any_store.second_factors.confirm_totp("ada", code_at(new, clock), source="here")
    clock.move(90)
    assert reason_of(any_store, ada, code_at(enrolled[0], clock)) == "wrong_code"
    assert any_store.verify_second_factor(ada, code_at(new, clock), "here").method == "totp"


def test_removing_it_ends_recovery_codes_and_tokens(any_store, enrolled, clock):
    login = any_store.authenticate(password_of(code=code_at(enrolled[0], clock)), source="here")
    token = any_store.login_tokens.issue(login).text
    any_store.totp.remove("ada", by="root")
    with pytest.raises(CredentialRefused):
        any_store.authenticate(BearerToken(token), source="here")
    assert any_store.directory.get("ada").second_factors == ()


def test_without_encryption_none_can_be_enrolled(open_store, new_url):
    from automation_scripts.governance.identity.totp import REFUSING

    store = open_store(new_url, sealing=REFUSING)
    add_person(store, "ada")
    with pytest.raises(ConfigurationError, match="encryption at rest"):
        store.totp.begin("ada", by="ada")


def test_the_secret_is_sealed_for_its_user(open_store, new_url, clock):
    contexts = []

    def turn(data: bytes, context: bytes) -> bytes:
        contexts.append(context)
        return bytes(byte ^ 0x55 for byte in data)

    store = open_store(new_url, sealing=Sealing(turn, turn))
    add_person(store, "ada")
    secret, codes = enrol_totp(store, clock)
    with sqlite3.connect(store.database.place) as raw:
        rows = raw.execute("SELECT secret, pending FROM identity_totp").fetchall()
        dump = "\n".join(raw.iterdump())
    raw.close()
    assert rows == [(turn(secret.encode(), b""), None)]
    assert set(contexts) == {b"totp:ada", b""}
    assert all(code not in dump and code.replace("-", "") not in dump for code in codes)


def test_sealing_may_use_the_same_database(open_store, new_url, clock):
    """Keys at rest may lie beside the users: no transaction is open while one is asked for."""
    from automation_scripts.storage.database import Database

    keys = Database(new_url, busy_timeout_s=0.1)

    def writes(data: bytes, _context: bytes) -> bytes:
        from sqlalchemy import text

        with keys.write() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS used (x)"))
        return data

    store = open_store(new_url, sealing=Sealing(writes, writes))
    add_person(store, "ada")
    secret, _codes = enrol_totp(store, clock)
    assert store.authenticate(password_of(code=code_at(secret, clock)), source="").mfa_at == clock.time
    keys.dispose()


def test_a_code_of_a_secret_that_is_replaced_at_that_moment_is_refused(open_store, new_url, clock):
    meanwhile = []

    def unseal(data: bytes, _context: bytes) -> bytes:
        if meanwhile:
            meanwhile.pop()()
        return data

    store = open_store(new_url, sealing=Sealing(lambda data, _context: data, unseal))
    add_person(store, "ada")
    ada = store.authenticate(password_of(), source="")
    old, _codes = enrol_totp(store, clock)
    new = secret_of(store.totp.begin("ada", by="root", replace=True).uri)
    meanwhile.append(lambda: store.second_factors.confirm_totp("ada", code_at(new, clock, -1), source=""))
    assert reason_of(store, ada, code_at(old, clock)) == "replayed"
