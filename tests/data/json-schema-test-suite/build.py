"""Pack the official JSON-Schema-Test-Suite into one file: `python build.py CLONE`, CLONE being a clone of it.

Tests of the drafts that are supported, required and optional formats, and the documents that remote references mean.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DRAFTS = ("draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")
SOURCE = "https://github.com/json-schema-org/JSON-Schema-Test-Suite"


def pack(clone: str) -> dict[str, Any]:
    """The suite as data: `required` and `formats` are draft -> file -> groups, `remotes` path -> document."""
    commit = _git(clone, "rev-parse", "HEAD").strip()
    required: dict[str, dict[str, Any]] = {draft: {} for draft in DRAFTS}
    formats: dict[str, dict[str, Any]] = {draft: {} for draft in DRAFTS}
    remotes: dict[str, Any] = {}
    for name in _git(clone, "ls-tree", "-r", "--name-only", "HEAD", "tests", "remotes").splitlines():
        parts = name.split("/")
        if parts[0] == "remotes" and parts[1] not in ("draft3", "v1"):
            remotes["/".join(parts[1:])] = json.loads(_git(clone, "show", f"HEAD:{name}"))
        elif parts[0] == "tests" and parts[1] in DRAFTS and name.endswith(".json"):
            target = {3: required, 5: formats}.get(len(parts) if parts[2:4] != ["optional", "format"] else 5)
            if target is not None:
                target[parts[1]][parts[-1]] = json.loads(_git(clone, "show", f"HEAD:{name}"))
    return {"source": SOURCE, "commit": commit, "required": required, "formats": formats, "remotes": remotes}


def _git(clone: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", clone, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    text = json.dumps(pack(sys.argv[1]), separators=(",", ":"), ensure_ascii=False)
    Path(__file__).with_name("suite.json.gz").write_bytes(
        gzip.compress(text.encode("utf-8", "surrogatepass"), 9, mtime=0)
    )
