"""The wheel works without the checkout: same commands, same data files, and deployments that a worker can load."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Installation

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out, apart from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(installation: Installation, unpacked: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automation_scripts.cli", *arguments],
        env={**installation.environment, "PYTHONPATH": str(unpacked)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_validates_and_deploys(installation: Installation, unpacked: Path, bad_config: Path) -> None:
    elsewhere = bad_config.parent
    where = _run(installation, unpacked, elsewhere, "doctor", "--json")
    assert str(unpacked) in where.stdout
    done = _run(installation, unpacked, elsewhere, "run", "config_validator", "-p", f"config_path={bad_config}")
    assert done.returncode == 1, done.stderr
    assert "enviroment" in done.stdout
    deployed = _run(installation, unpacked, elsewhere, "deploy")
    try:
        assert deployed.returncode == 0, deployed.stderr
        assert "config_validator/config-validator" in deployed.stdout
        remote = _run(
            installation, unpacked, elsewhere, "run", "config_validator", "-p", f"config_path={bad_config}", "--remote"
        )
        assert remote.returncode == 1, remote.stderr
    finally:
        assert installation.run("deploy").returncode == 0  # back to the checkout's


def test_the_server_of_a_clean_installation_starts(installation: Installation) -> None:
    """FastAPI and SQLAlchemy releases have broken Prefect's server before: the locked set must serve and schedule."""
    import httpx

    assert httpx.get(f"{installation.record.api_url}/health").json() is True
    assert httpx.get(f"{installation.record.ui_url}/").status_code == 200
