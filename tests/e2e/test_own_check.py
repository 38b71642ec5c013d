"""A Configuration Check block: real shell commands by prefect-shell, in a real run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.slow]


def _save(installation: Installation, name: str, **fields: Any) -> None:
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    from blocks.configuration_check import ConfigurationCheck

    async def save() -> None:
        await ConfigurationCheck(**fields).save(name, overwrite=True)  # type: ignore[misc]

    changes = {PREFECT_API_URL: installation.record.api_url, PREFECT_API_AUTH_STRING: installation.password}
    with temporary_settings(changes):
        asyncio.run(save())


def _validate(installation: Installation, folder: Path, name: str) -> list[dict[str, Any]]:
    done = installation.run(
        *("run", "config_validator", "-p", f"config_path={folder}", "-p", f"check_block={name}"),
        *("--format", "json", "--fail-on", "never"),
    )
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)["findings"]
    return [finding for finding in findings if finding["rule_id"].startswith("command/")]


def test_the_lines_of_the_commands_become_findings(installation: Installation, bad_config: Path) -> None:
    _save(
        installation, "grep-nginx", commands=["grep -n nginx compose.yaml | sed 's/^\\([0-9]*\\):/compose.yaml:\\1: /'"]
    )
    (finding,) = _validate(installation, bad_config, "grep-nginx")
    assert (finding["file"], finding["line"], finding["severity"]) == ("compose.yaml", 3, "medium")
    assert "nginx" in finding["message"]


def test_a_command_that_fails_is_a_finding(installation: Installation, bad_config: Path) -> None:
    _save(installation, "fails", commands=["echo 'no such directive'", "exit 3"])
    (finding,) = _validate(installation, bad_config, "fails")
    assert finding["severity"] == "high"
    assert "exit code 3: no such directive" in finding["message"]


def test_a_command_that_does_not_end_is_ended_with_its_children(
    installation: Installation, bad_config: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    _save(installation, "hangs", commands=[f"sleep 300 & echo $! > {mark}; wait"], time_limit_s=1.0)
    (finding,) = _validate(installation, bad_config, "hangs")
    assert "time limit" in finding["message"]
    assert not psutil.pid_exists(int(mark.read_text()))
