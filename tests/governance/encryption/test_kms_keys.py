"""Keys in AWS KMS: its answers in words, and, with moto's server, the calls themselves.

What moto does not prove: permissions, grants and key policies (it allows everything), throttling, the propagation time of
a disabled key, KMS's own rotation of key material, and that keys cannot leave it.
"""

from __future__ import annotations

from typing import Any

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.kms_keys import KmsKeys
from automation_scripts.governance.encryption.providers import SeveralKeys, WrappedKey
from automation_scripts.governance.encryption.unreadable import KeyMissing, Unreadable
from automation_scripts.governance.encryption.vault import Vault

BINDING = {"data_key": "ab" * 16, "owner": ""}
ARN = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
CONTEXT = Context("test", "1")


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return pytest.importorskip("boto3")


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("AccessDeniedException", ConfigurationError, r"refused.*Allow kms:GenerateDataKey"),
        ("ExpiredTokenException", ConfigurationError, r"refused.*check the credentials"),
        ("NotFoundException", KeyMissing, r"cannot be used \(NotFound.*region"),
        ("DisabledException", KeyMissing, "Enable it"),
        ("KMSInvalidStateException", KeyMissing, "cancel its deletion"),
        ("ThrottlingException", ConfigurationError, "try again"),
        ("InvalidCiphertextException", Unreadable, "altered or put in place of another"),
    ],
)
def test_what_kms_answers_is_said_in_words(aws, code, error, words):
    from botocore.stub import Stubber

    client = aws.client("kms")
    with Stubber(client) as stub:
        stub.add_client_error("decrypt", code, "canary from AWS")
        with pytest.raises(error, match=words) as refused:
            KmsKeys(ARN, client=client).unwrap(WrappedKey(ARN, b"blob"), BINDING)
    assert "canary" not in str(refused.value)


def test_the_calls_bind_the_key_and_name_the_one_that_must_open_it(aws):
    from botocore.stub import Stubber

    client, context = aws.client("kms"), {"application": "automation_scripts", "data_key": "ab" * 16, "owner": "pseudo"}
    binding = {**BINDING, "owner": "pseudo"}
    with Stubber(client) as stub:
        stub.add_response("describe_key", {"KeyMetadata": {"KeyId": "x", "Arn": ARN}}, {"KeyId": "alias/automation"})
        stub.add_response(
            "generate_data_key",
            {"Plaintext": b"k" * 32, "CiphertextBlob": b"blob", "KeyId": ARN},
            {"KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": context},
        )
        stub.add_response(
            "decrypt",
            {"Plaintext": b"k" * 32, "KeyId": ARN},
            {"KeyId": ARN, "CiphertextBlob": b"blob", "EncryptionContext": context},
        )
        keys = KmsKeys("alias/automation", client=client)
        secret, wrapped = keys.generate(binding)
        assert wrapped == WrappedKey(ARN, b"blob")
        assert keys.unwrap(wrapped, binding) == secret
        stub.assert_no_pending_responses()


def test_no_network_and_no_credentials_are_said(aws, monkeypatch):
    keys = KmsKeys("alias/automation", endpoint_url="http://127.0.0.1:9")
    from botocore.config import Config

    keys._made = aws.client("kms", endpoint_url="http://127.0.0.1:9", config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ConfigurationError, match=r"cannot be reached for the key alias/automation"):
        keys.current()


def test_a_key_of_another_provider_is_named(aws):
    with pytest.raises(KeyMissing, match=r"kek-0123 is not in KMS"):
        KmsKeys(ARN, client=object()).unwrap(WrappedKey("kek-0123", b""), BINDING)


@pytest.fixture
def server(aws: Any):
    moto = pytest.importorskip("moto.server")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.mark.slow
def test_a_state_folder_goes_over_to_kms_and_on_to_another_key(aws, server, vault, keyring):
    client = aws.client("kms", endpoint_url=server)
    first = client.create_key()["KeyMetadata"]["Arn"]
    client.create_alias(AliasName="alias/automation", TargetKeyId=first)
    envelope = vault.seal(b"x", CONTEXT, "ada")
    by_file = keyring.current()

    kms = KmsKeys("alias/automation", endpoint_url=server)
    both = Vault(SeveralKeys(kms, keyring), vault.store)
    assert both.open(envelope, CONTEXT) == b"x"
    assert both.rewrap() == 2
    assert {use.kek_id for use in both.status()} == {first}
    with pytest.raises(ConfigurationError, match="current"):
        keyring.forget(by_file)

    second = client.create_key()["KeyMetadata"]["Arn"]
    client.update_alias(AliasName="alias/automation", TargetKeyId=second)
    after = Vault(KmsKeys("alias/automation", endpoint_url=server), vault.store)
    assert after.rewrap() == 2
    assert "schedule-key-deletion" in after.retire(first)
    client.disable_key(KeyId=first.split("/")[-1])
    client.schedule_key_deletion(KeyId=first.split("/")[-1], PendingWindowInDays=7)
    fresh = Vault(KmsKeys("alias/automation", endpoint_url=server), vault.store)
    assert fresh.open(envelope, CONTEXT) == b"x"
    fresh.shred("ada", "dpo", "asked")
    assert not isinstance(fresh.open_or_shredded(envelope, CONTEXT), bytes)


@pytest.mark.slow
def test_kms_refuses_another_binding_key_or_blob(aws, server):
    client = aws.client("kms", endpoint_url=server)
    keys, others = (KmsKeys(client.create_key()["KeyMetadata"]["Arn"], endpoint_url=server) for _ in range(2))
    secret, wrapped = keys.generate(BINDING)
    assert len(secret) == 32 and keys.unwrap(wrapped, BINDING) == secret
    assert keys.unwrap(keys.wrap(secret, BINDING), BINDING) == secret
    with pytest.raises(Unreadable):
        keys.unwrap(wrapped, {**BINDING, "owner": "another"})
    with pytest.raises(Unreadable):
        keys.unwrap(WrappedKey(wrapped.kek_id, b"junk"), BINDING)
    with pytest.raises(ConfigurationError):
        keys.unwrap(WrappedKey(others.current(), wrapped.blob), BINDING)
    with pytest.raises(KeyMissing):
        KmsKeys("alias/none", endpoint_url=server).current()
