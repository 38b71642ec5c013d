"""Many small schemas in one compressed file, each read when it is needed and not before.

The file is a plain zip of JSON members. It is written so that the same content always gives the same bytes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.schemas.store import DATA

_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(members: Mapping[str, Any]) -> bytes:
    """The bytes of an archive that holds each value as JSON under its name."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            text = json.dumps(members[name], separators=(",", ":"), ensure_ascii=False)
            archive.writestr(info, text, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


@lru_cache(maxsize=8)
def names(file: str) -> frozenset[str]:
    """The names in an archive of data/.

    Raises:
        ConfigurationError: when the archive is missing or damaged.
    """
    return frozenset(_opened(file).namelist())


def read(file: str, name: str) -> Any:
    """One member of an archive of data/, None when it has no such member. Not cached: compiled schemas are.

    Raises:
        ConfigurationError: when the archive is missing or damaged.
    """
    if name not in names(file):
        return None
    try:
        return json.loads(_opened(file).read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(DATA / file, error) from error


@lru_cache(maxsize=8)
def _opened(file: str) -> zipfile.ZipFile:
    try:
        # From memory: an open file would be shared, position and all, by forked processes.
        return zipfile.ZipFile(BytesIO((DATA / file).read_bytes()))
    except (OSError, zipfile.BadZipFile) as error:
        raise _damaged(DATA / file, error) from error


def _damaged(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"The schemas in {path.name} cannot be read: {error}. Install the package again.")
