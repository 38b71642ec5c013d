"""Keys in environment variables, and going over from one provider to another."""

from __future__ import annotations

import base64

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.environment_keys import EnvironmentKeys
from automation_scripts.governance.encryption.key_variables import CURRENT, PREVIOUS
from automation_scripts.governance.encryption.opened import key_provider, open_vault
from automation_scripts.governance.encryption.unreadable import KeyMissing
from automation_scripts.governance.encryption.vault import Vault

OLD = base64.b64encode(bytes(range(32))).decode()
NEW = base64.b64encode(bytes(range(100, 132))).decode()
BINDING = {"data_key": "ab" * 16, "owner": ""}
CONTEXT = Context("test", "1")


def test_the_previous_keys_open_and_the_current_one_wraps():
    secret, wrapped = EnvironmentKeys({CURRENT: OLD}).generate(BINDING)
    both = EnvironmentKeys({CURRENT: NEW, PREVIOUS: f" {OLD} ,"})
    assert both.unwrap(wrapped, BINDING) == secret
    assert both.wrap(secret, BINDING).kek_id == both.current() != wrapped.kek_id
    with pytest.raises(KeyMissing, match=f"{wrapped.kek_id} is not in {CURRENT} or {PREVIOUS}"):
        EnvironmentKeys({CURRENT: NEW}).unwrap(wrapped, BINDING)


@pytest.mark.parametrize(
    "value",
    ["", "canary", OLD[:-4], OLD + OLD, base64.b64encode(bytes(32)).decode(), base64.b64encode(b"a" * 32).decode()]
    + [base64.b64encode(b"canary" * 5 + b"ca").decode(), "é" * 44, OLD[:20] + "\n" + OLD[20:]],
)
def test_what_is_no_random_key_is_refused_without_showing_it(value):
    for environ in ({CURRENT: value}, {CURRENT: NEW, PREVIOUS: value or "x"}):
        with pytest.raises(ConfigurationError, match=r"openssl rand -base64 32") as refused:
            EnvironmentKeys(environ).current()
        assert not value or value not in str(refused.value)


def test_retiring_says_what_a_person_must_do(vault, another):
    old = Vault(EnvironmentKeys({CURRENT: OLD}), vault.store)
    envelope = old.seal(b"x", CONTEXT)
    both = Vault(EnvironmentKeys({CURRENT: NEW, PREVIOUS: OLD}), vault.store)
    retired = old.keys.current()
    with pytest.raises(ConfigurationError, match=r"1 data keys hang on"):
        both.retire(retired)
    assert both.rewrap() == 1
    assert f"take it out of {PREVIOUS}" in both.retire(retired)
    assert Vault(EnvironmentKeys({CURRENT: NEW}), vault.store).open(envelope, CONTEXT) == b"x"


def test_a_state_folder_goes_over_from_the_keyring_to_the_variable(tmp_path, monkeypatch):
    vault = open_vault(tmp_path)
    envelope = vault.seal(b"x", CONTEXT)
    by_file = vault.keys.current()
    monkeypatch.setenv(CURRENT, NEW)
    after = Vault(key_provider(tmp_path), vault.store)
    assert after.keys.current() != by_file
    assert after.open(envelope, CONTEXT) == b"x"
    after.rewrap()
    assert by_file not in {use.kek_id for use in after.status()}
    (tmp_path / "keyring.json").unlink()
    assert Vault(key_provider(tmp_path), vault.store).open(envelope, CONTEXT) == b"x"


def test_a_state_folder_with_a_key_in_the_variable_gets_no_keyring(tmp_path, monkeypatch):
    monkeypatch.setenv(CURRENT, NEW)
    open_vault(tmp_path).seal(b"x", CONTEXT)
    assert not (tmp_path / "keyring.json").exists()
    assert open_vault(tmp_path) is open_vault(tmp_path)
