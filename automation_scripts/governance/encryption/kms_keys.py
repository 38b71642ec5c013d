"""Key-encryption keys in AWS KMS: they never leave it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.providers import Binding, WrappedKey, altered
from automation_scripts.governance.encryption.unreadable import KeyMissing

_GONE = frozenset({"NotFoundException", "DisabledException", "KMSInvalidStateException", "KeyUnavailableException"})
_REFUSED = frozenset({"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"})
_ALTERED = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsKeys:
    """One KMS key by id, ARN or alias; data keys come from GenerateDataKey and are opened by Decrypt.

    The binding of a data key is its EncryptionContext, so CloudTrail shows which data key was opened (the data subject
    as a pseudonym). Needs kms:GenerateDataKey, Encrypt, Decrypt and DescribeKey. KMS's own yearly rotation needs nothing
    here; to go over to another key, point the alias or the setting to it and rewrap.

    Raises ConfigurationError when KMS refuses or cannot be reached, KeyMissing when the key is disabled or gone.
    """

    def __init__(
        self, key_id: str, *, region: str | None = None, endpoint_url: str | None = None, client: Any = None
    ) -> None:
        self.key_id = key_id
        self._region = region
        self._endpoint_url = endpoint_url
        self._made = client
        self._arn = ""

    def current(self) -> str:
        """The ARN behind the id or alias, asked once in each process."""
        if not self._arn:
            with self._explained(self.key_id):
                self._arn = str(self._client.describe_key(KeyId=self.key_id)["KeyMetadata"]["Arn"])
        return self._arn

    def generate(self, binding: Binding) -> tuple[bytes, WrappedKey]:
        """See KeyProvider."""
        with self._explained(self.key_id):
            made = self._client.generate_data_key(
                KeyId=self.current(), KeySpec="AES_256", EncryptionContext=_context(binding)
            )
        return made["Plaintext"], WrappedKey(made["KeyId"], made["CiphertextBlob"])

    def wrap(self, secret: bytes, binding: Binding) -> WrappedKey:
        """See KeyProvider."""
        with self._explained(self.key_id):
            made = self._client.encrypt(KeyId=self.current(), Plaintext=secret, EncryptionContext=_context(binding))
        return WrappedKey(made["KeyId"], made["CiphertextBlob"])

    def unwrap(self, wrapped: WrappedKey, binding: Binding) -> bytes:
        """See KeyProvider."""
        if not self.available(wrapped.kek_id):
            raise KeyMissing(
                f"The key-encryption key {wrapped.kek_id} is not in KMS. Put it back where it was (keyring or variable): "
                "without it nothing that hangs on it can be read."
            )
        with self._explained(wrapped.kek_id, binding):
            # With its key named, a blob that was made under somebody else's key is refused.
            opened = self._client.decrypt(
                KeyId=wrapped.kek_id, CiphertextBlob=wrapped.blob, EncryptionContext=_context(binding)
            )
        return bytes(opened["Plaintext"])

    def available(self, kek_id: str) -> bool:
        """Whether it is a key of KMS at all; whether it works shows when it is used."""
        return kek_id.startswith("arn:") and ":kms:" in kek_id

    def forget(self, kek_id: str) -> str:
        """Keys are deleted in AWS, with its waiting time: says how."""
        return (
            f"No data key hangs on {kek_id} any more. Delete it with "
            f"`aws kms schedule-key-deletion --key-id {kek_id}` once no backup needs it."
        )

    @property
    def _client(self) -> Any:
        if self._made is None:
            try:
                boto3 = import_module("boto3")
            except ModuleNotFoundError:
                raise ConfigurationError(
                    "KMS needs the package boto3. Install it with: pip install 'automation-scripts[aws]'"
                ) from None
            self._made = boto3.client("kms", region_name=self._region, endpoint_url=self._endpoint_url)
        return self._made

    @contextmanager
    def _explained(self, kek_id: str, binding: Binding | None = None) -> Iterator[None]:
        failures = import_module("botocore.exceptions")
        try:
            yield
        except failures.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _ALTERED:
                raise altered(binding or {}) from None
            if code in _GONE:
                raise KeyMissing(
                    f"The KMS key {kek_id} cannot be used ({code}). Enable it, or cancel its deletion; "
                    "check region and account."
                ) from None
            advice = (
                "Allow kms:GenerateDataKey, Encrypt, Decrypt and DescribeKey on it, and check the credentials"
                if code in _REFUSED
                else "Look at the state of AWS, then try again"
            )
            raise ConfigurationError(f"KMS refused to use the key {kek_id} ({code}). {advice}.") from None
        except failures.BotoCoreError as error:
            raise ConfigurationError(
                f"KMS cannot be reached for the key {kek_id} ({type(error).__name__}). "
                "Check region, network and credentials."
            ) from None


def _context(binding: Binding) -> dict[str, str]:
    return {"application": "automation_scripts"} | {name: value for name, value in binding.items() if value}
