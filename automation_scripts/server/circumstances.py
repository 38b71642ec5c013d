"""What a process must have in common with the warm runner for its work to be done there, and what is taken along."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import sys
from pathlib import Path
from typing import Any

PACKAGES = ("automation_scripts", "flows", "tasks", "blocks", "deployments")
ROOT = Path(__file__).resolve().parents[2]
CGROUPS = Path("/sys/fs/cgroup")
LIMIT_FILES = ("memory.max", "memory.high", "cpu.max")
LIMITS = tuple(name for name in dir(resource) if name.startswith("RLIMIT_"))


def code_fingerprint() -> str:
    """A digest of the interpreter, the import path and the state of the installed code, in a few milliseconds.

    A warm runner keeps the code that it imported. After an upgrade or an edit the fingerprints differ, and its forks
    would run what is no longer there.
    """
    digest = hashlib.sha256()
    for part in (sys.executable, sys.version, sys.prefix, os.environ.get("PYTHONPATH", "")):
        digest.update(part.encode(errors="replace") + b"\0")
    for entry in sys.path:
        # Installing or removing a distribution changes the time of its folder.
        if "-packages" in entry:
            with contextlib.suppress(OSError):
                digest.update(f"{entry}:{Path(entry).stat().st_mtime_ns}".encode())
    for package in PACKAGES:
        for name, modified, size in sorted(_files(ROOT / package)):
            digest.update(f"{name}:{modified}:{size}".encode(errors="replace"))
    return digest.hexdigest()


def _files(folder: Path) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        waiting.append(entry.path)
                else:
                    status = entry.stat()
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
    return found


def confined() -> bool:
    """Whether this process's control group limits memory or CPU: work done elsewhere would escape the limit.

    Where the warm runner is in the same group the limit holds there too; compare `control_group` first.
    """
    group = CGROUPS / control_group().lstrip("/")
    while group != CGROUPS and CGROUPS in group.parents:
        for name in LIMIT_FILES:
            with contextlib.suppress(OSError):
                if not (group / name).read_text(encoding="ascii").startswith("max"):
                    return True
        group = group.parent
    return False


def control_group() -> str:
    """The cgroup v2 path of this process; empty where there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::")
    return ""


def gather() -> dict[str, Any]:
    """What the work is to keep of the process that asks for it: limits, priority, processors, file mode mask."""
    mask = os.umask(0o077)
    os.umask(mask)
    given: dict[str, Any] = {
        "umask": mask,
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in LIMITS},
    }
    if hasattr(os, "sched_getaffinity"):
        given["processors"] = sorted(os.sched_getaffinity(0))
    return given


def take_on(given: dict[str, Any]) -> None:
    """In the process that does the work: the same circumstances, as far as the system lets it."""
    os.umask(given["umask"])
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, given["nice"])
    for name, limit in given["limits"].items():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            resource.setrlimit(getattr(resource, name), tuple(limit))
    if "processors" in given:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, given["processors"])
