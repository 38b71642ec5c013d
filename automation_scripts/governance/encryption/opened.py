"""The vault of a state folder, opened once in each process."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.providers import KeyProvider
    from automation_scripts.governance.encryption.vault import Vault

KEYRING = "keyring.json"


def open_vault(home: Path, *, url: str = "", kms_key: str = "") -> Vault:
    """The vault of this state folder; keys and tables are made when need be.

    Args:
        home: the state folder.
        url: the governance database; `governance.db` in the state folder when empty.
        kms_key: id, ARN or alias of an AWS KMS key that wraps the data keys from now on.

    New data keys hang on the KMS key if given, else on AUTOMATION_ENCRYPTION_KEY if set, else on the keyring of the
    state folder. What hangs on the others opens too, so one can change over and rewrap.

    Raises ConfigurationError when the key store or the keys cannot be used.
    """
    return _open(home, url or f"sqlite:///{home / 'governance.db'}", kms_key, os.getpid())


def key_provider(home: Path, kms_key: str = "") -> KeyProvider:
    """Where the key-encryption keys of this state folder are, in the order of `open_vault`."""
    from automation_scripts.governance.encryption.environment_keys import EnvironmentKeys
    from automation_scripts.governance.encryption.file_keys import FileKeys
    from automation_scripts.governance.encryption.providers import SeveralKeys

    found: list[KeyProvider] = []
    if kms_key:
        from automation_scripts.governance.encryption.kms_keys import KmsKeys

        found.append(KmsKeys(kms_key))
    if EnvironmentKeys.configured():
        found.append(EnvironmentKeys())
    keyring = home / KEYRING
    if not found or keyring.exists():
        found.append(FileKeys(keyring))
    return found[0] if len(found) == 1 else SeveralKeys(*found)


@functools.lru_cache(maxsize=8)
def _open(home: Path, url: str, kms_key: str, pid: int) -> Vault:
    # By process too: a connection must not be shared with a forked child.
    from automation_scripts.governance.encryption.key_store import KeyStore
    from automation_scripts.governance.encryption.vault import Vault

    return Vault(key_provider(home, kms_key), KeyStore(url))
