"""Key-encryption keys in environment variables, as a secret manager or an orchestrator gives them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.file_keys import decoded_key
from automation_scripts.governance.encryption.key_variables import CURRENT, PREVIOUS
from automation_scripts.governance.encryption.providers import Keks, LocalKeys, kek_id_of, refuse_current

_MAKE = "Make one with `openssl rand -base64 32`."


class EnvironmentKeys(LocalKeys):
    """AUTOMATION_ENCRYPTION_KEY holds the current KEK: 32 random bytes in base64.

    AUTOMATION_ENCRYPTION_KEY_PREVIOUS holds older ones, separated by commas. Child processes inherit both. Raises
    ConfigurationError when a variable holds something else; the message does not show it.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self.place = f"{CURRENT} or {PREVIOUS}"

    @staticmethod
    def configured(environ: Mapping[str, str] | None = None) -> bool:
        """Whether the variable is set."""
        return bool((os.environ if environ is None else environ).get(CURRENT, "").strip())

    def keks(self) -> Keks:
        """See LocalKeys."""
        current = self._key(CURRENT, self._environ.get(CURRENT, ""))
        older = [text for text in self._environ.get(PREVIOUS, "").split(",") if text.strip()]
        found = [current, *(self._key(PREVIOUS, text) for text in older)]
        return Keks(kek_id_of(current), {kek_id_of(key): key for key in found})

    def forget(self, kek_id: str) -> str:
        """Only who sets the variable can remove a key: says so while it is there."""
        keks = self.keks()
        refuse_current(kek_id, keks.current)
        if kek_id in keks.secrets:
            return f"No data key hangs on {kek_id} any more. Now take it out of {PREVIOUS}."
        return ""

    @staticmethod
    def _key(name: str, text: str) -> bytes:
        key = decoded_key(text.strip())
        if key is None:
            raise ConfigurationError(f"{name} must hold 32 random bytes in base64 (44 characters). {_MAKE}")
        if len(set(key)) < 8:  # 32 random bytes hold fewer than 8 different ones with a chance below 2^-100
            raise ConfigurationError(f"{name} does not hold random bytes. {_MAKE}")
        return key
