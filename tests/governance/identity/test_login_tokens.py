"""Login tokens: what is forged, altered, expired, revoked or from elsewhere is refused."""

from __future__ import annotations

import base64
import hmac
import json
import stat
from datetime import timedelta
from functools import partial
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from automation_scripts.errors import AccessDenied, ConfigurationError, InvalidParameters
from automation_scripts.governance.identity.records import BearerToken, RoleBinding
from automation_scripts.governance.identity.refusal import BEARER_NOT_ACCEPTED, CredentialRefused
from tests.governance.identity.conftest import START, add_person, code_at, enrol_totp, password_of


def log_in(store, **options) -> str:
    return store.login_tokens.issue(store.authenticate(password_of(), source="here"), **options).text


def use(store, text):
    return store.authenticate(BearerToken(text), source="here")


def reason_of(store, text) -> str:
    with pytest.raises(CredentialRefused) as caught:
        use(store, text)
    assert str(caught.value) == BEARER_NOT_ACCEPTED
    return caught.value.reason


def parts(text: str) -> tuple[dict, dict, str]:
    header, payload, signature = text.split(".")
    return *(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload)), signature


def encoded(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def host_key(store) -> Ed25519PrivateKey:
    return load_pem_private_key(store.login_tokens.keys.path.read_bytes(), None)


def signed(store, *, key=None, headers=None, algorithm="EdDSA", **changes) -> str:
    """A token as this installation would sign it, with something changed; a claim set to ... is left out."""
    header, claims, _signature = parts(log_in(store))
    claims = {name: value for name, value in (claims | changes).items() if value is not ...}
    return jwt.encode(claims, key or host_key(store), algorithm=algorithm, headers=header | (headers or {}))


def public_forms(store):
    public = host_key(store).public_key()
    return [
        public.public_bytes_raw(),
        base64.b64encode(public.public_bytes_raw()),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ]


def test_a_token_stands_for_the_login(any_store, clock):
    secret, _codes = enrol_totp(any_store, clock)
    login = any_store.authenticate(password_of(code=code_at(secret, clock)), source="here")
    token = any_store.login_tokens.issue(login)
    at = clock.time
    clock.move(1800)
    principal = use(any_store, token.text)
    assert (principal.name, principal.authentication, principal.token_id) == ("ada", "login_token", token.token_id)
    assert principal.methods == ("pwd", "otp", "mfa") and principal.mfa_at == at
    assert principal.roles_in("staging") == {"operator"}
    assert token.expires_at == at + timedelta(hours=1)
    assert token.text not in repr(token)


def test_the_form_is_that_of_the_rfc(store):
    header, claims, _signature = parts(log_in(store))
    assert header["alg"] == "EdDSA" and header["typ"] == "at+jwt" and header["kid"]
    assert {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "amr"} <= claims.keys()
    assert claims["iss"].startswith("urn:automation:") and claims["aud"] == "automation"


def without(store, claim):
    return signed(store, **{claim: ...}), "forged"


FORGERIES = {
    "alg none": lambda store: (
        encoded(parts(log_in(store))[0] | {"alg": "none"}) + "." + log_in(store).split(".")[1] + ".",
        "forged",
    ),
    "alg None in capitals": lambda store: (
        encoded(parts(log_in(store))[0] | {"alg": "NONE"}) + "." + log_in(store).split(".")[1] + ".",
        "forged",
    ),
    "signature cut off": lambda store: (log_in(store).rsplit(".", 1)[0] + ".", "forged"),
    "signature of another token": lambda store: (
        log_in(store).rsplit(".", 1)[0] + "." + log_in(store).rsplit(".", 1)[1],
        "forged",
    ),
    "another user in the payload": lambda store: _altered(store, sub="root"),
    "longer life in the payload": lambda store: _altered(store, exp=2**33),
    "another key, our key id": lambda store: (signed(store, key=Ed25519PrivateKey.generate()), "forged"),
    "unknown key id": lambda store: (signed(store, headers={"kid": "nobody"}), "unknown_key"),
    "key id as a path": lambda store: (signed(store, headers={"kid": "../../etc/passwd"}), "unknown_key"),
    "key id with NUL": lambda store: (signed(store, headers={"kid": "\0"}), "unknown_key"),
    "key id of half a character": lambda store: (signed(store, headers={"kid": "\ud800"}), "unknown_key"),
    "no key id": lambda store: (signed(store, headers={"kid": ""}), "unknown_key"),
    "plain JWT type": lambda store: (signed(store, headers={"typ": "JWT"}), "forged"),
    "critical extension": lambda store: (_critical(store), "malformed"),
    "key in the header": lambda store: _own_key_in_header(store),
    "wrong audience": lambda store: (signed(store, aud="another"), "wrong_audience"),
    "audience list of others": lambda store: (signed(store, aud=["another"]), "wrong_audience"),
    "wrong issuer": lambda store: (signed(store, iss="urn:automation:another"), "wrong_issuer"),
    "not yet valid": lambda store: (signed(store, nbf=int(START.timestamp()) + 600), "not_yet_valid"),
    "issued in the future": lambda store: (signed(store, iat=int(START.timestamp()) + 600), "not_yet_valid"),
    "expired": lambda store: (signed(store, exp=int(START.timestamp())), "expired"),
    "older generation": lambda store: (signed(store, gen=0), "revoked"),
    "unknown user": lambda store: (signed(store, sub="nobody"), "unknown_user"),
    "name in capitals": lambda store: (signed(store, sub="Ada"), "unknown_user"),
    "time as text": lambda store: (signed(store, exp="9999999999"), "malformed"),
    "time as a fraction": lambda store: (signed(store, exp=1e18), "malformed"),
    "time as true": lambda store: (signed(store, nbf=True), "malformed"),
    "second factor as text": lambda store: (signed(store, mfa_at="now"), "malformed"),
    **{f"no {claim}": partial(without, claim=claim) for claim in ("sub", "iat", "nbf", "exp", "jti")},
    "no aud": lambda store: (signed(store, aud=...), "forged"),
    "no iss": lambda store: (signed(store, iss=...), "forged"),
    "no gen": lambda store: (signed(store, gen=...), "malformed"),
    "empty": lambda store: ("", "malformed"),
    "two parts": lambda store: ("a.b", "malformed"),
    "a megabyte": lambda store: ("a" * 10**6, "malformed"),
    "not ASCII": lambda store: (log_in(store).replace("e", "е", 1), "malformed"),
    "header no object": lambda store: (base64.urlsafe_b64encode(b"[]").decode() + ".e30.AA", "malformed"),
    "deeply nested header": lambda store: (
        base64.urlsafe_b64encode(b"[" * 2000).decode().rstrip("=") + ".e30.AA",
        "malformed",
    ),
}


def _altered(store, **claims):
    header, payload, signature = log_in(store).split(".")
    changed = parts(f"{header}.{payload}.{signature}")[1] | claims
    return f"{header}.{encoded(changed)}.{signature}", "forged"


def _critical(store):
    header, payload, _signature = log_in(store).split(".")
    header = encoded(parts(f"{header}.{payload}.")[0] | {"crit": ["exp"]})
    signature = base64.urlsafe_b64encode(host_key(store).sign(f"{header}.{payload}".encode())).decode().rstrip("=")
    return f"{header}.{payload}.{signature}"


def _own_key_in_header(store):
    mine = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(mine.public_key().public_bytes_raw()).decode().rstrip("=")
    return signed(store, key=mine, headers={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}), "forged"


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_or_altered_token_is_refused(kept_store, name):
    text, reason = FORGERIES[name](kept_store)
    assert reason_of(kept_store, text) == reason


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_token_signed_with_the_public_key_as_a_password_is_refused(kept_store, algorithm):
    store = kept_store
    header, claims, _signature = parts(log_in(store))
    for public in public_forms(store):
        # By hand: the library would not do it.
        signing_input = f"{encoded(header | {'alg': algorithm})}.{encoded(claims)}"
        digest = hmac.digest(public, signing_input.encode(), algorithm.replace("HS", "sha"))
        text = f"{signing_input}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        assert reason_of(store, text) == "forged"


def test_every_changed_character_is_noticed(store):
    text = log_in(store)
    assert use(store, text).name == "ada"
    for place in range(0, len(text), 7):
        if place + 1 == len(text):  # its last bits are padding
            continue
        other = "A" if text[place] != "A" else "B"
        assert reason_of(store, text[:place] + other + text[place + 1 :])


def test_a_token_of_another_installation_is_refused(store, open_store, tmp_path):
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}")  # even one with the same signing key
    add_person(other, "ada", RoleBinding("admin"))
    text = log_in(other)
    assert use(other, text).name == "ada"
    assert reason_of(store, text) == "unknown_key"
    log_in(store)
    assert reason_of(store, text) == "wrong_issuer"


def test_it_ends_to_the_second(store, clock, events):
    text = log_in(store)
    clock.move(3599)
    assert use(store, text).name == "ada"
    clock.move(1)
    assert reason_of(store, text) == "expired"
    assert (events.last("login.failed").user, events.last("login.failed").detail) == ("ada", {"reason": "expired"})


@pytest.mark.parametrize("process", ["the same", "another"])
def test_a_clock_set_back_does_not_revive_it(store, open_store, new_url, clock, process):
    text = log_in(store)
    clock.move(3600 + 120)
    assert reason_of(store, text) == "expired"
    clock.move(-3600)
    asked = store if process == "the same" else open_store(new_url)
    assert reason_of(asked, text) == "expired"
    assert asked.authenticate(password_of(), source="here").name == "ada"


def test_a_clock_that_was_far_ahead_is_put_right_by_an_administrator(store, clock, events):
    clock.move(10 * 365 * 86400)
    store.authenticate(password_of(), source="here")
    clock.move(-10 * 365 * 86400)
    ahead = store.login_tokens.issue(store.authenticate(password_of(), source="here"))
    assert ahead.expires_at.year == START.year + 10
    store.reset_clock(by="root")
    assert reason_of(store, ahead.text) == "not_yet_valid"
    assert use(store, log_in(store)).name == "ada"
    assert events.last("clock.reset").by == "root"


def test_a_role_that_was_taken_counts_at_once(any_store):
    text = log_in(any_store)
    assert use(any_store, text).roles_in("staging") == {"operator"}
    any_store.directory.revoke("ada", RoleBinding("operator"), by="root")
    assert use(any_store, text).roles == ()


ENDINGS = {
    "password": lambda store: store.set_password("ada", "another long password", by="ada"),
    "disabled": lambda store: store.directory.disable("ada", by="root"),
    "all": lambda store: store.login_tokens.revoke_all("ada", by="root"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_all_tokens_of_a_user_ends_them_for_good(any_store, ending):
    text = log_in(any_store)
    add_person(any_store, "bob")
    other = any_store.login_tokens.issue(any_store.authenticate(password_of("bob"), source="here")).text
    ENDINGS[ending](any_store)
    assert reason_of(any_store, text) == ("disabled" if ending == "disabled" else "revoked")
    any_store.directory.enable("ada", by="root")
    assert reason_of(any_store, text) == "revoked"
    assert use(any_store, other).name == "bob"


def test_one_token_can_be_revoked(any_store, events):
    first, second = log_in(any_store), log_in(any_store)
    token_id = parts(first)[1]["jti"]
    any_store.login_tokens.revoke(token_id, by="ada")
    any_store.login_tokens.revoke(token_id, by="ada")
    assert reason_of(any_store, first) == "revoked"
    assert use(any_store, second).name == "ada"
    assert events.kinds().count("token.revoked") == 1


def test_a_token_gives_no_further_token(store):
    principal = use(store, log_in(store))
    with pytest.raises(AccessDenied, match="automation login"):
        store.login_tokens.issue(principal)


def test_a_login_before_the_password_was_changed_gives_no_token(store):
    principal = store.authenticate(password_of(), source="here")
    store.set_password("ada", "another long password", by="root")
    with pytest.raises(CredentialRefused):
        store.login_tokens.issue(principal)


@pytest.mark.parametrize("ttl_s", [0, -1, 12 * 3600 + 1, float("nan")])
def test_its_life_is_bounded(kept_store, ttl_s):
    principal = kept_store.authenticate(password_of(), source="here")
    with pytest.raises(InvalidParameters, match="43200"):
        kept_store.login_tokens.issue(principal, ttl_s=ttl_s)


def test_after_a_rotation_old_tokens_hold_for_the_overlap(any_store, clock):
    old = log_in(any_store)
    any_store.login_tokens.keys.rotate(by="root", overlap_s=600)
    new = log_in(any_store)
    assert parts(old)[0]["kid"] != parts(new)[0]["kid"]
    clock.move(599)
    assert use(any_store, old).name == use(any_store, new).name == "ada"
    clock.move(1)
    assert reason_of(any_store, old) == "unknown_key"
    assert use(any_store, new).name == "ada"


def test_a_stolen_key_is_revoked_at_once_and_replaced(store):
    old = log_in(store)
    stolen = host_key(store)
    store.login_tokens.keys.revoke(parts(old)[0]["kid"], by="root")
    assert reason_of(store, old) == "unknown_key"
    new = log_in(store)
    assert use(store, new).name == "ada"
    header, claims, _signature = parts(new)
    assert reason_of(store, jwt.encode(claims, stolen, algorithm="EdDSA", headers=header)) == "forged"


def test_hosts_with_keys_of_their_own_accept_each_other(store, open_store, new_url, tmp_path):
    other = open_store(new_url, folder=tmp_path / "other host")
    first, second = log_in(store), log_in(other)
    assert parts(first)[0]["kid"] != parts(second)[0]["kid"]
    assert use(other, first).name == use(store, second).name == "ada"


MAKE_KEY = """
import sys
from pathlib import Path
from automation_scripts.governance.identity.store import IdentityStore
store = IdentityStore(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
print(store.login_tokens.keys.current(store._core.now())[0], flush=True)
"""


def test_processes_that_need_a_key_at_once_make_one(store, new_url, tmp_path, start_worker):
    workers = [start_worker(MAKE_KEY, new_url, str(tmp_path / "fresh")) for _ in range(3)]
    assert [worker.hear() for worker in workers] == ["ready"] * 3
    for worker in workers:
        worker.tell("go")
    assert len({worker.hear() for worker in workers}) == 1
    assert [path.name for path in (tmp_path / "fresh").iterdir()] == ["login-signing-key.pem"]


def test_the_key_is_for_the_owner_only(store):
    log_in(store)
    path: Path = store.login_tokens.keys.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"mode 0640.*chmod 600"):
        log_in(store)


@pytest.mark.parametrize("content", [b"", b"not a key", b"\x00" * 100])
def test_a_damaged_key_is_named(store, content):
    log_in(store)
    store.login_tokens.keys.path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="no Ed25519 private key"):
        log_in(store)


ROTATE = """
import sys
from pathlib import Path
from automation_scripts.governance.identity.store import IdentityStore
store = IdentityStore(sys.argv[1], Path(sys.argv[2]))
while True:
    print(store.login_tokens.keys.rotate(by="root", overlap_s=60), flush=True)
"""


def test_a_process_that_dies_while_it_rotates_leaves_a_usable_key(store, new_url, start_worker, tmp_path):
    log_in(store)
    for spare in range(3):
        worker = start_worker(ROTATE, new_url, str(tmp_path / "state"))
        for _ in range(2 + spare):
            worker.hear()
        worker.kill()
        assert use(store, log_in(store)).name == "ada"
