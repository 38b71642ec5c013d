"""An anchor in S3 whose objects nobody can delete or overwrite before their time (Object Lock)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from automation_scripts.storage.times import now

_AT_ONCE = 8


class S3Anchor:
    """One object a checkpoint, with a retention.

    The bucket needs versioning and Object Lock. GOVERNANCE can be lifted by who has
    `s3:BypassGovernanceRetention`; COMPLIANCE by nobody, not even the root user, until the time is over. Give the
    service `s3:PutObject` and `s3:PutObjectRetention` only, and read with another identity. An object that was hidden
    by a delete marker or by a newer version is still read, since locked versions stay.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "audit/",
        *,
        retention: timedelta = timedelta(days=365),
        mode: Literal["COMPLIANCE", "GOVERNANCE"] = "COMPLIANCE",
        required: bool = False,
        client: Any = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.name = f"s3://{bucket}/{prefix}"
        self.required = required
        self.retention = retention
        self.mode = mode
        self._client = client
        self._clock = clock

    def publish(self, note: str, size: int) -> None:
        """Store the note as `<prefix><size, 20 digits>-<first 16 hexadecimal digits of its SHA-256>.txt`."""
        body = note.encode()
        self._s3().put_object(
            Bucket=self.bucket,
            Key=f"{self.prefix}{size:020d}-{sha256(body).hexdigest()[:16]}.txt",
            Body=body,
            ContentType="text/plain; charset=utf-8",
            ChecksumAlgorithm="SHA256",
            ObjectLockMode=self.mode,
            ObjectLockRetainUntilDate=self._clock() + self.retention,
        )

    def read(self) -> list[str]:
        """The notes of all versions of all objects."""
        versions = list(self._versions())
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._get, versions))

    def _versions(self) -> Iterator[tuple[str, str]]:
        pages = self._s3().get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for page in pages:
            for version in page.get("Versions", []):
                yield version["Key"], version["VersionId"]

    def _get(self, version: tuple[str, str]) -> str:
        found = self._s3().get_object(Bucket=self.bucket, Key=version[0], VersionId=version[1])
        body: bytes = found["Body"].read()
        return body.decode("utf-8", "replace")

    def _s3(self) -> Any:
        if self._client is None:
            import boto3  # type: ignore[import-untyped]
            from botocore.config import Config  # type: ignore[import-untyped]

            # An append waits for a required anchor: it must hear of a failure soon.
            config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
            self._client = boto3.client("s3", config=config)
        return self._client
