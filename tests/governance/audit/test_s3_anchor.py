"""The S3 anchor against moto's server.

moto keeps versions and refuses to delete a locked version. It does not prove what S3 itself guarantees: that nobody, not
even the root user of the account, gets round COMPLIANCE, that time is told by AWS, and that IAM policies hold.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from automation_scripts.governance.audit.s3_anchor import S3Anchor
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit.conftest import record

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def endpoint():
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint, request, monkeypatch):
    import boto3

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
    yield client
    for version in client.list_object_versions(Bucket="audit").get("Versions", []):
        client.delete_object(
            Bucket="audit", Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
        )


@pytest.fixture
def bucket(s3, endpoint):
    """A bucket of a name of its own: locked versions cannot be removed after a test."""
    import uuid

    name = f"audit-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def test_checkpoints_are_locked_and_read_back(open_log, sqlite_url, s3, bucket):
    anchor = S3Anchor(bucket, client=s3, retention=timedelta(days=400))
    log = open_log(sqlite_url, anchors=[anchor], checkpoint_every=2)
    for number in range(5):
        log.append(record(number))
    assert log.status().anchors[0].error == ""
    assert len(anchor.read()) == 2
    assert verify(log).anchored_size == 4
    (first, _) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert first["Key"].startswith("audit/00000000000000000002-")
    found = s3.head_object(Bucket=bucket, Key=first["Key"])
    assert found["ObjectLockMode"] == "COMPLIANCE"
    assert found["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=399)


def test_a_locked_checkpoint_can_be_neither_deleted_nor_hidden(open_log, sqlite_url, s3, bucket):
    from botocore.exceptions import ClientError

    anchor = S3Anchor(bucket, client=s3)
    log = open_log(sqlite_url, anchors=[anchor])
    log.append(record())
    note = log.checkpoint()
    (version,) = s3.list_object_versions(Bucket=bucket)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_object(Bucket=bucket, Key=version["Key"])  # a delete marker
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert anchor.read() == [note]
    s3.put_object(Bucket=bucket, Key=version["Key"], Body=b"forged")  # a newer version
    assert sorted(anchor.read()) == sorted([note, "forged"])
    assert {problem.kind for problem in verify(log).problems} == {"anchor_edited"}


def test_a_bucket_that_is_not_there_is_told(open_log, sqlite_url, s3):
    log = open_log(sqlite_url, anchors=[S3Anchor("no-such-bucket", client=s3)])
    log.append(record())
    log.checkpoint()
    assert "NoSuchBucket" in log.status().anchors[0].error
    assert {problem.kind for problem in verify(log).problems} == {"anchor_unavailable"}


def test_a_bucket_without_object_lock_is_told(open_log, sqlite_url, s3):
    import uuid

    name = f"plain-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    log = open_log(sqlite_url, anchors=[S3Anchor(name, client=s3)])
    log.append(record())
    log.checkpoint()
    assert "InvalidRequest" in log.status().anchors[0].error
