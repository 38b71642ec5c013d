"""A Prefect serializer that seals results: `@flow(persist_result=True, result_serializer="automation-encrypted")`.

Prefect finds it by its type name once this module is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.serializers import D, PickleSerializer, Serializer
from pydantic import Field, field_validator

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.vault import Vault


class EncryptedSerializer(Serializer[D]):
    """Serialises with another serializer, then seals with the keys of the state folder (AUTOMATION_HOME).

    A result that was not sealed with these keys is refused before the inner serializer sees it, so nobody without
    them can have a pickle of their making loaded. The result's metadata (key, expiry, version) stay readable.
    """

    type: str = Field(default="automation-encrypted", frozen=True)
    serializer: Serializer[D] = Field(default_factory=PickleSerializer)

    @field_validator("serializer", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return Serializer(type=value) if isinstance(value, str) else value

    def dumps(self, obj: D) -> bytes:
        """The sealed object, as ASCII. Raises ConfigurationError when no key can be had."""
        from automation_scripts.governance.encryption.results import seal_result

        return seal_result(vault_here(), self.serializer.dumps(obj))

    def loads(self, blob: bytes) -> D:
        """The object. Raises Unreadable for an altered or unsealed one, KeyMissing when the key is not here."""
        from automation_scripts.governance.encryption.results import open_result

        return self.serializer.loads(open_result(vault_here(), blob))


def vault_here() -> Vault:
    """The vault of the settings that the environment names."""
    from automation_scripts.governance.opened import open_vault
    from automation_scripts.settings import load_settings

    return open_vault(load_settings())
