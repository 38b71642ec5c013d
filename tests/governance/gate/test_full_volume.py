"""A volume that is truly full: no run changes anything that cannot be written down, and with room again all goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LIMIT_S = 500
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def _why_not() -> str:
    """Why this machine gives no mount namespace; empty when it does."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    tried = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True, text=True
    )
    return tried.stderr.strip() if tried.returncode else ""


@pytest.fixture(scope="module")
def _namespaces() -> None:
    if why := _why_not():
        pytest.skip(f"user and mount namespaces are not permitted here ({why}); see test_on_a_full_disk_nothing_runs")


def outcome(what: str, way: str, folder: Path, state: Path) -> dict[str, Any]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOMATION_", "PREFECT_"))}
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "tests.governance.gate.full_volume", what, way, str(folder), str(state)],
        check=False,
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


# A run is written to the history before it comes to the gate, so on one volume either may be what has no room.
REFUSALS = {"state": ("AuditUnavailable", "HistoryUnavailable"), "audit": ("AuditUnavailable",)}


@pytest.mark.slow
@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("what", REFUSALS)
def test_a_run_is_refused_changes_nothing_and_works_again_with_room(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    told = outcome(what, "python", tmp_path, tmp_path / "empty")
    assert told["first"] == told["again"] == {"error": "", "changed": True}
    assert len(told["refused"]) == 2, "the volume was never full"
    for refused in told["refused"]:
        error, _, message = refused["error"].partition(": ")
        assert error in REFUSALS[what]
        assert str(tmp_path / "volume") in message
        assert "the disk is full. Free some space there" in message
        assert not refused["changed"]
    assert told["audit"] == {"whole": True, "without_intent": []}


@pytest.mark.slow
@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("what", REFUSALS)
def test_the_command_says_what_to_do_and_fails(tmp_path: Path, migrated_home: Path, what: str) -> None:
    told = outcome(what, "command", tmp_path, migrated_home)
    for worked in (told["first"], told["again"]):
        assert (worked["code"], worked["changed"]) == (0, True), worked["err"]
    refused = told["refused"]
    assert (refused["code"], refused["changed"]) == (2, False), refused["err"]
    assert str(tmp_path / "volume") in refused["err"]
    assert "Free some space there" in refused["err"]
    assert "Traceback" not in refused["err"]
    assert told["verified"]["code"] == 0, told["verified"]["out"]
