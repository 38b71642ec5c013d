"""Single sign-on, against a real provider on the loopback."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.identity.external import ExternalIdentity, GroupMap
from automation_scripts.governance.identity.oidc import OidcSettings, discover, fetch_json, identity_of, verify_id_token
from automation_scripts.governance.identity.oidc_login import log_in
from automation_scripts.governance.identity.records import BearerToken, RoleBinding
from automation_scripts.governance.identity.refusal import SIGN_ON_NOT_ACCEPTED, CredentialRefused
from tests.governance.identity.conftest import START, add_person, add_service
from tests.governance.identity.provider import Provider

RULES = GroupMap({"idp-release": "release", "idp-audit": "audit"}, provision=True)
SECONDS = int(START.timestamp())


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def provider(rsa_key):
    provider = Provider(rsa_key)
    yield provider
    provider.close()


@pytest.fixture
def settings(provider) -> OidcSettings:
    return OidcSettings(provider.issuer, "automation", rules=RULES)


def browse(address: str) -> None:
    """A browser that follows redirects, in its own time."""
    threading.Thread(target=lambda: httpx.get(address, follow_redirects=True, timeout=10), daemon=True).start()


def reason_of(call) -> str:
    with pytest.raises(CredentialRefused) as caught:
        call()
    assert str(caught.value) == SIGN_ON_NOT_ACCEPTED
    return caught.value.reason


def test_a_person_signs_on_in_the_browser(store, provider, settings, clock):
    provider.claims |= {"email": "grace@example.com", "email_verified": True, "groups": ["idp-release", "other"]}
    store.directory.add_group("release", by="root", roles=[RoleBinding("release-manager")])
    identity = log_in(settings, browse, clock=clock)
    principal = store.external.authenticate(identity, RULES, source="cli")
    assert (principal.name, principal.authentication, principal.mfa_at) == ("grace", "oidc", None)
    assert principal.groups == ("release",) and principal.roles_in("production") == {"release-manager"}
    assert store.directory.get("grace").email == "grace@example.com"
    token = store.login_tokens.issue(principal).text
    assert store.authenticate(BearerToken(token), source="cli").name == "grace"


def test_a_confidential_client_and_the_request_that_the_browser_opens(provider, settings, clock):
    identity = log_in(replace(settings, client_secret="hush"), browse, clock=clock)
    assert identity.subject == "248289761001"
    (asked,) = provider.asked
    assert asked["scope"] == "openid profile email" and asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert "hush" not in repr(replace(settings, client_secret="hush"))


def test_a_refusal_of_the_provider_is_a_refusal(provider, settings, clock):
    provider.deny = True
    assert reason_of(lambda: log_in(settings, browse, clock=clock)) == "provider_refused"


def test_an_answer_without_an_id_token_is_a_refusal(provider, settings, clock):
    provider.without_token = True
    assert reason_of(lambda: log_in(settings, browse, clock=clock)) == "provider_refused"


def test_answers_that_were_not_asked_for_are_ignored(provider, settings, clock):
    statuses = []

    def attack(address):
        query = httpx.URL(address).params

        def run():
            for path in (
                "?code=evil",
                "?code=evil&state=guess",
                f"/other?code=evil&state={query['state']}",
                f"?code=evil&state={query['state']}&iss=https://evil.com",
            ):
                statuses.append(httpx.get(query["redirect_uri"] + path).status_code)
            httpx.get(address, follow_redirects=True)

        threading.Thread(target=run, daemon=True).start()

    assert log_in(settings, attack, clock=clock).name == "grace"
    assert statuses == [400] * 4


def test_a_code_of_another_login_is_refused(provider, settings, clock):
    def inject(address):
        query = dict(httpx.URL(address).params)
        provider.issued["stolen"] = query | {"code_challenge": "of another verifier"}
        answer = httpx.URL(query["redirect_uri"], params={"code": "stolen", "state": query["state"]})
        browse(str(answer))

    assert reason_of(lambda: log_in(settings, inject, clock=clock)) == "provider_refused"


def test_nobody_who_comes_is_a_timeout(settings, clock):
    assert reason_of(lambda: log_in(settings, lambda _address: None, clock=clock, wait_s=0.01)) == "timeout"


# ID tokens


def check(provider, settings, text, keys=None, nonce="n"):
    return verify_id_token(text, keys or provider.jwks(), settings, nonce=nonce, now=START)


TOKENS = {
    "another nonce": ({"nonce": "m"}, "wrong_nonce"),
    "no nonce": ({"nonce": ...}, "wrong_nonce"),
    "nonce no text": ({"nonce": 5}, "wrong_nonce"),
    "another audience": ({"aud": "other"}, "wrong_audience"),
    "several audiences, none authorized": ({"aud": ["automation", "other"]}, "wrong_audience"),
    "authorized party is another": ({"azp": "other"}, "wrong_audience"),
    "another issuer": ({"iss": "https://evil.example"}, "wrong_issuer"),
    "expired": ({"exp": SECONDS - 61}, "expired"),
    "from the future": ({"iat": SECONDS + 61}, "not_yet_valid"),
    "not yet": ({"nbf": SECONDS + 61}, "not_yet_valid"),
    "no subject": ({"sub": ...}, "forged"),
    "empty subject": ({"sub": ""}, "malformed"),
    "no expiry": ({"exp": ...}, "forged"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_with_wrong_claims_is_refused(provider, settings, name):
    changes, reason = TOKENS[name]
    assert check(provider, settings, provider.token("n", "automation"))["sub"] == "248289761001"
    assert reason_of(lambda: check(provider, settings, provider.token("n", "automation", **changes))) == reason


def claims_of(provider) -> dict:
    return jwt.decode(provider.token("n", "automation"), options={"verify_signature": False})


def test_tokens_of_other_algorithms_and_keys_are_refused(provider, settings):
    claims = claims_of(provider)
    header, payload, _signature = provider.token("n", "automation").split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').decode().rstrip("=")
    public = provider.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)[:64]
    other = rsa.generate_private_key(65537, 2048)
    forged = {
        f"{none}.{payload}.": "forged",
        f"{header}.{payload}.": "forged",
        "": "forged",
        "x" * 20000: "malformed",
        jwt.encode(claims, public, algorithm="HS256", headers={"kid": "k1"}): "forged",
        jwt.encode(claims, provider.key, algorithm="RS512", headers={"kid": "k1"}): "forged",
        jwt.encode(claims, provider.key, algorithm="PS256", headers={"kid": "k1"}): "forged",
        jwt.encode(claims, other, algorithm="RS256", headers={"kid": "k1"}): "forged",
        jwt.encode(claims, provider.key, algorithm="RS256", headers={"kid": "k2"}): "unknown_key",
        jwt.encode(
            claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k1"}
        ): "unknown_key",
    }
    for text, reason in forged.items():
        assert reason_of(lambda text=text: check(provider, settings, text)) == reason


@pytest.mark.parametrize(
    "keys", [None, [], {}, {"keys": []}, {"keys": [1, "x"]}, {"keys": [{"kty": "RSA", "kid": "k1"}]}]
)
def test_a_broken_key_set_is_refused(provider, settings, keys):
    text = provider.token("n", "automation")
    verify = lambda: verify_id_token(text, keys, settings, nonce="n", now=START)  # noqa: E731
    assert reason_of(verify) in ("unknown_key", "forged")


def test_elliptic_keys_are_accepted_and_weak_ones_refused(provider, settings):
    claims = claims_of(provider)
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    for key, form, algorithm in ((curve, ECAlgorithm, "ES256"), (edwards, OKPAlgorithm, "EdDSA")):
        keys = {"keys": [json.loads(form.to_jwk(key.public_key())) | {"kid": "e"}]}
        text = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "e"})
        assert check(provider, settings, text, keys)["preferred_username"] == "grace"
    weak = Provider(rsa.generate_private_key(65537, 1024))
    weak.close()
    text = jwt.encode(claims, weak.key, algorithm="RS256", headers={"kid": "k1"})
    assert reason_of(lambda: check(provider, settings, text, weak.jwks())) in ("weak_key", "forged")


def test_an_encryption_key_is_not_for_signatures(provider, settings):
    keys = {"keys": [provider.jwks()["keys"][0] | {"use": "enc"}]}
    assert reason_of(lambda: check(provider, settings, provider.token("n", "automation"), keys)) == "unknown_key"


# Discovery


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example.com",
        "ftp://127.0.0.1",
        "https://",
        "http://localhost.evil.com",
        "http://127.0.0.1.nip.io",
        "http://localhost@evil.com",
        "https://user:password@idp.example.com",
        "",
    ],
)
def test_an_address_in_clear_is_refused_before_anything_is_sent(url):
    with pytest.raises(ConfigurationError, match="not https"):
        discover(url, lambda _url: pytest.fail("it was asked"))


def test_a_provider_that_names_another_issuer_or_sends_elsewhere_is_refused(provider):
    assert discover(provider.issuer, fetch_json).token_endpoint == f"{provider.issuer}/token"
    for changes, message in (
        ({"issuer": "https://evil.example"}, "does not name itself"),
        ({"token_endpoint": "http://evil.example/token"}, "not https"),
        ({"jwks_uri": None}, "publishes no jwks_uri"),
    ):
        provider.changes = changes
        with pytest.raises(ConfigurationError, match=message):
            discover(provider.issuer, fetch_json)


def test_a_provider_that_is_not_there_is_named():
    with pytest.raises(ConfigurationError, match=r"does not answer at http://127\.0\.0\.1:9/"):
        discover("http://127.0.0.1:9", fetch_json)


# Whom they are here

GRACE = ExternalIdentity("https://idp", "sub-1", "grace")


def sign_on(store, identity=GRACE, rules=RULES):
    return store.external.authenticate(identity, rules, source="cli")


@pytest.fixture
def grouped(any_store):
    for group in ("release", "audit", "ours"):
        any_store.directory.add_group(group, by="root", roles=[RoleBinding(f"{group}-role")])
    return any_store


def test_membership_follows_the_provider_and_leaves_other_groups(grouped):
    sign_on(grouped, replace(GRACE, groups=frozenset({"idp-release", "unmapped", "ours"})))
    assert grouped.directory.get("grace").groups == ("release",)
    grouped.directory.set_groups("grace", ["release", "ours"], by="root")
    assert sign_on(grouped, replace(GRACE, groups=frozenset({"idp-audit"}))).groups == ("audit", "ours")
    assert sign_on(grouped).groups == ("ours",)


def test_a_subject_stays_the_same_user_whatever_it_calls_itself(any_store):
    sign_on(any_store)
    assert sign_on(any_store, replace(GRACE, name="ada")).name == "grace"


def test_nobody_takes_over_a_user_by_name(any_store, events):
    for name in ("ada", "ADA", "\uff41da"):
        assert reason_of(lambda name=name: sign_on(any_store, replace(GRACE, name=name))) == "name_taken"
    assert reason_of(lambda: sign_on(any_store, replace(GRACE, name="a\u200bda"))) == "bad_name"
    assert events.last("login.failed").detail == {"reason": "bad_name"}
    assert [user.name for user in any_store.directory.users()] == ["ada"]


def test_without_provisioning_an_administrator_links(any_store):
    rules = GroupMap()
    assert reason_of(lambda: sign_on(any_store, GRACE, rules)) == "not_linked"
    any_store.external.link("ada", "https://idp", "sub-1", by="root")
    assert sign_on(any_store, GRACE, rules).name == "ada"
    assert reason_of(lambda: sign_on(any_store, replace(GRACE, issuer="https://other"), rules)) == "not_linked"
    with pytest.raises(InvalidParameters, match="linked already"):
        any_store.external.link("ada", "https://idp", "sub-2", by="root")
    add_person(any_store, "bob")
    with pytest.raises(InvalidParameters, match="linked already"):
        any_store.external.link("bob", "https://idp", "sub-1", by="root")
    any_store.external.unlink("ada", "https://idp", by="root")
    assert reason_of(lambda: sign_on(any_store, GRACE, rules)) == "not_linked"


def test_a_disabled_user_and_a_service_account_do_not_sign_on(any_store):
    sign_on(any_store)
    any_store.directory.disable("grace", by="root")
    assert reason_of(lambda: sign_on(any_store)) == "disabled"
    add_service(any_store)
    with pytest.raises(InvalidParameters, match="service account"):
        any_store.external.link("nightly", "https://idp", "sub-9", by="root")


def test_claims_are_read_as_configured():
    claims = {"iss": "https://idp", "sub": "s", "upn": "grace", "amr": ["pwd", "mfa"], "auth_time": SECONDS}
    claims |= {"roles": ["a", 5, "b"], "email": "grace@example.com"}
    settings = OidcSettings("https://idp", "c", user_claim="upn", groups_claim="roles")
    identity = identity_of(claims, settings)
    assert identity == ExternalIdentity("https://idp", "s", "grace", groups=frozenset({"a", "b"}))
    assert identity_of(claims, replace(settings, trust_mfa=True)).mfa_at == START
    assert identity_of(claims | {"amr": ["pwd"]}, replace(settings, trust_mfa=True)).mfa_at is None
    assert identity_of(claims | {"roles": "admin"}, settings).groups == frozenset()
    assert reason_of(lambda: identity_of(claims | {"upn": None}, settings)) == "bad_name"
