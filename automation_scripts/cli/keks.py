"""The key-encryption keys (KEKs) as they are: looking at them makes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.vault import KekUse
    from automation_scripts.settings import Settings


def kek_uses(settings: Settings) -> list[KekUse]:
    """The key-encryption keys and what hangs on them, without making one: see `Vault.status`."""
    from automation_scripts.cli.audit_common import file_of
    from automation_scripts.governance.communications import check_communications
    from automation_scripts.governance.encryption.key_store import KeyStore
    from automation_scripts.governance.encryption.opened import key_provider
    from automation_scripts.governance.encryption.vault import KekUse, Vault

    check_communications(settings)
    file = file_of(settings.governance_url)
    stored = file is None or file.exists()
    if not _has_kek(settings):
        # Asking the provider would make a first key, and so hide that the one of the data keys is gone.
        if not stored:
            return []
        with KeyStore(settings.governance_url) as store:
            counts = store.keys_by_kek()
        return [KekUse(kek, counts[kek], current=False, available=False) for kek in sorted(counts)]
    provider = key_provider(settings.home, settings.governance.kms_key or "")
    if not stored:
        return [KekUse(provider.current(), 0, current=True, available=True)]
    with KeyStore(settings.governance_url) as store:
        found = Vault(provider, store).status()
    named = {use.kek_id for use in found}
    idle = sorted(set(_keyring_keys(settings)) - named)
    return [*found, *(KekUse(kek, 0, current=False, available=True) for kek in idle)]


def _has_kek(settings: Settings) -> bool:
    from automation_scripts.governance.encryption.environment_keys import EnvironmentKeys
    from automation_scripts.governance.encryption.opened import KEYRING

    return bool(settings.governance.kms_key or EnvironmentKeys.configured() or (settings.home / KEYRING).exists())


def _keyring_keys(settings: Settings) -> list[str]:
    from automation_scripts.governance.encryption.file_keys import FileKeys
    from automation_scripts.governance.encryption.opened import KEYRING

    keyring = settings.home / KEYRING
    return list(FileKeys(keyring).keks().secrets) if keyring.exists() else []


def require_no_missing_keyring(settings: Settings) -> None:
    """Refuse to go on where the keyring is gone: a new one would be made, and the old data keys stay unreadable."""
    from automation_scripts.errors import ConfigurationError
    from automation_scripts.governance.encryption.opened import KEYRING

    if not _has_kek(settings) and (lost := kek_uses(settings)):
        raise ConfigurationError(
            f"The keyring {settings.home / KEYRING} is gone, and data keys hang on {', '.join(use.kek_id for use in lost)}. Restore "
            "it from your backup of the keys: without it nothing that they seal can be read."
        )
