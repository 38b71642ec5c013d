"""Text that a database cannot store, given wherever somebody outside can give text: refused, never an error of another kind."""

from __future__ import annotations

import json

import pytest

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.identity.external import ExternalIdentity, GroupMap
from automation_scripts.governance.identity.passkeys import RelyingParty
from automation_scripts.governance.identity.records import BearerToken, PasswordCredential, RoleBinding
from tests.governance.identity.authenticator import Authenticator
from tests.governance.identity.conftest import PASSWORD, password_of

PARTY = RelyingParty("automation.example.com", ("https://automation.example.com",))
ODD = {"NUL": "\0", "half a pair": "\ud800", "from an argument": "\udc80", "emoji": "\U0001f511", "long": "x" * 100_000}


def passkey_with(store, text):
    answer = json.loads(Authenticator().get(store.passkeys.begin_login(PARTY)))
    store.authenticate_passkey(json.dumps(answer | {"id": text}), PARTY, source=text)


CALLS = {
    "name": lambda store, text: store.authenticate(PasswordCredential(text, PASSWORD), source="here"),
    "password": lambda store, text: store.authenticate(PasswordCredential("ada", text), source="here"),
    "source": lambda store, text: store.authenticate(PasswordCredential("ada", "wrong password"), source=text),
    "login token": lambda store, text: store.authenticate(BearerToken(text), source=text),
    "service token": lambda store, text: store.authenticate(BearerToken("ast_" + text), source=text),
    "code": lambda store, text: store.verify_second_factor(store.authenticate(password_of(), source=""), text, text),
    "ticket": lambda store, text: store.tickets.redeem("ticket_" + text, text),
    "passkey": passkey_with,
    "bootstrap": lambda store, text: store.bootstrap.create_first_admin("root", PASSWORD, secret=text),
    "external": lambda store, text: store.external.authenticate(
        ExternalIdentity("https://idp", "s", text), GroupMap(provision=True), source=text
    ),
    "user": lambda store, text: store.directory.get(text),
    "group": lambda store, text: store.directory.grant_group(text, RoleBinding("viewer"), by="root"),
    "revoked login token": lambda store, text: store.login_tokens.revoke(text + "\0", by="root"),
    "revoked service token": lambda store, text: store.service_tokens.revoke(text, by="root"),
    "signing key": lambda store, text: store.login_tokens.keys.revoke(text, by="root"),
    "linked": lambda store, text: store.external.link("ada", "https://idp", text + "\0", by="root"),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_text_is_refused_everywhere(any_store, odd):
    for call in CALLS.values():
        with pytest.raises((AccessDenied, InvalidParameters)):
            call(any_store, ODD[odd])
    assert any_store.directory.of_slack_id(ODD[odd]) is None
