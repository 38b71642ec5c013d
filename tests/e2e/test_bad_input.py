"""Whatever is thrown at it: exit code 2 or a finding, never a traceback, and nothing half done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.slow]


def _validate(installation: Installation, path: object, *more: str) -> tuple[int, dict[str, Any], str]:
    done = installation.run("run", "config_validator", "-p", f"config_path={path}", "--format", "json", *more)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no_such_script"], "no_such_script"),
        (["run", "config_validater", "-p", "config_path=x"], "Did you mean 'config_validator'"),
        (["run", "deployment_automation"], "planned"),
        (["run", "config_validator"], "'config_path' is required"),
        (["run", "config_validator", "-p", "config_path"], "KEY=VALUE"),
        (["run", "config_validator", "-p", "config_pth=x"], "Did you mean 'config_path'"),
        (["run", "config_validator", "-p", "config_path=x", "-p", "validation_rules=hard"], "'strict'"),
        (["run", "config_validator", "-p", "config_path=x", "-e", "prod"], "environment"),
        (["run", "config_validator", "-p", "config_path=/no/such/folder"], "/no/such/folder"),
        (["run", "config_validator", "-p", "config_path=x", "--output", "/no/such/folder/x"], "--output"),
        (["run", "config_validator", "-p", "config_path=examples/config", "-p", "rules_path=/no/rules"], "/no/rules"),
        (
            ["run", "config_validator", "-p", "config_path=examples/config", "-p", "schema_path=/no/schema"],
            "/no/schema",
        ),
        (["run", "config_validator", "-p", "config_path=examples/config", "-p", "check_block=nobody"], "nobody"),
    ],
)
def test_bad_input_is_refused_with_the_reason(installation: Installation, arguments: list[str], said: str) -> None:
    done = installation.run(*arguments)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_empty_folder_is_refused(installation: Installation, tmp_path: Path) -> None:
    code, _, said = _validate(installation, tmp_path)
    assert code == 2
    assert "no configuration file" in said


def test_hostile_files_become_findings(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "broken.json").write_text('{"a": [1, 2,}')
    (tmp_path / "invalid.yaml").write_bytes(b"a: \xff\xfe\n")
    (tmp_path / "deep.yaml").write_text("[" * 20_000)
    (tmp_path / "bomb.yaml").write_text(
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    )
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "good.yaml").write_text("a: 1\n")
    code, result, _ = _validate(installation, tmp_path, "--fail-on", "never")
    assert code == 0
    assert result["status"] == "succeeded"
    named = {finding["file"] for finding in result["findings"]}
    assert {"binary.yaml", "broken.json", "invalid.yaml", "deep.yaml", "bomb.yaml", "gone.yaml"} <= named


def test_a_file_of_ten_megabytes_is_checked_or_reported(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("".join(f"key_{number}: value {number}\n" for number in range(400_000)))
    (tmp_path / "small.yaml").write_text("a: 1\na: 2\n")
    code, result, _ = _validate(installation, tmp_path, "-p", "max_file_mb=4", "--fail-on", "never")
    assert code == 0
    rules = {(finding["file"], finding["tags"][0]) for finding in result["findings"]}
    assert any(file == "large.yaml" for file, _ in rules)
    assert ("small.yaml", "dup-key") in rules


def test_an_unreadable_file_is_a_finding(installation: Installation, tmp_path: Path) -> None:
    """Root may read everything, so the file is one that nobody can: a link that leads to itself."""
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    (tmp_path / "good.yaml").write_text("a: 1\n")
    _, result, _ = _validate(installation, tmp_path, "--fail-on", "never")
    assert "self.yaml" in {finding["file"] for finding in result["findings"]}


def test_sarif_is_alone_on_stdout(installation: Installation, bad_config: Path) -> None:
    done = installation.run("run", "config_validator", "-p", f"config_path={bad_config}", "--format", "sarif")
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    assert log["runs"][0]["results"]


def test_a_bad_settings_file_is_refused_with_its_line(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("automation:\n  max_concurent_executions: 3\n")
    environment = {**installation.environment, "AUTOMATION_CONFIG_PATH": str(file)}
    import subprocess

    done = subprocess.run(
        installation.argv("run", "config_validator", "-p", "config_path=examples/config"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{file}:2:3" in done.stderr
    assert "max_concurrent_executions" in done.stderr
