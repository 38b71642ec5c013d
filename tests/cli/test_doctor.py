"""The doctor finds what is broken, says how to mend it, and leaves everything as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import EVIL, Shell


def examined(shell: Shell, *, code: int, **environment: str) -> dict[str, Any]:
    """The checks by subject; what is shown to people says the same."""
    answer = shell("doctor", "--json", **environment)
    assert (answer.code, answer.err) == (code, "")
    checks = json.loads(answer.out)
    text = shell("doctor", **environment)
    assert text.code == code
    for check in checks:
        assert f"{check['level']:8}{check['subject']}: " in text.out
        assert check["remedy"] in text.out
    return {check["subject"]: check for check in checks}


def test_a_new_installation_has_no_problem_and_stays_new(shell: Shell) -> None:
    checks = examined(shell, code=0)
    assert checks["prefect"]["level"] == "ok"
    assert checks["packages"]["level"] == "ok"
    assert "run.log" in checks["log"]["said"]
    assert "made at the first run" in checks["history"]["said"]
    assert "automation server start" in checks["prefect server"]["remedy"]
    assert not shell.home.exists(), "looking must not change anything"


def test_a_history_in_use(shell: Shell) -> None:
    shell.add("exec_1")
    shell.add("exec_2", None)
    assert "1 active runs" in examined(shell, code=0)["history"]["said"]


def test_a_history_elsewhere_that_is_not_there_yet_is_not_made(shell: Shell, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other" / "runs.db"
    shell.config.write_text(f"log: {{path: {tmp_path / 'x.log'}}}\nhistory: {{url: 'sqlite:///{elsewhere}'}}\n")
    assert "made at the first run" in examined(shell, code=0)["history"]["said"]
    assert not elsewhere.parent.exists()


def test_bad_settings_are_told_with_their_place(shell: Shell) -> None:
    shell.config.write_text("automation:\n  default_timeut: 1\n")
    settings = examined(shell, code=1)["settings"]
    assert settings["level"] == "problem"
    assert "config.yaml:2:3" in settings["said"]
    assert "default_timeout" in settings["said"]


def test_a_state_folder_that_cannot_be_made(shell: Shell) -> None:
    checks = examined(shell, code=1, AUTOMATION_HOME=str(shell.config / "home"))
    assert "cannot be written" in checks["state folder"]["said"]
    assert "AUTOMATION_HOME" in checks["state folder"]["remedy"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_history_that_is_read_only(shell: Shell) -> None:
    shell.add()
    (shell.home / "history.db").chmod(0o400)
    assert "cannot be written" in examined(shell, code=1)["history"]["said"]


def test_a_state_folder_that_others_may_look_into(shell: Shell) -> None:
    shell.home.mkdir()
    shell.home.chmod(0o755)
    answer = shell("doctor")
    assert answer.code == 0
    assert f"chmod 700 {shell.home}" in answer.out


@pytest.mark.parametrize(
    "content", [b"this is no database, whatever its name says" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_history(shell: Shell, content: bytes) -> None:
    shell.home.mkdir()
    (shell.home / "history.db").write_bytes(content)
    history = examined(shell, code=1)["history"]
    assert history["level"] == "problem"
    assert str(shell.home / "history.db") in history["said"]
    assert "HistoryUnavailable" not in history["said"], "a person reads this"
    for command in (["history"], ["show", "last"], ["stats"], ["prune", "--older-than", "1d"]):
        answer = shell(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "history.db" in answer.err


def test_a_server_of_the_users_own_that_does_not_answer(shell: Shell, tmp_path: Path) -> None:
    shell.config.write_text(f"log: {{path: {tmp_path / 'x.log'}}}\nprefect: {{api_url: http://127.0.0.1:9/api}}\n")
    server = examined(shell, code=1)["prefect server"]
    assert server["level"] == "problem"
    assert "http://127.0.0.1:9/api" in server["said"]


def test_the_doctor_escapes_what_a_settings_file_says(shell: Shell) -> None:
    shell.config.write_text(json.dumps({EVIL.strip(): 1}))
    answer = shell("doctor")
    assert answer.code == 1
    assert "[red]" in answer.out
    assert "\x1b" not in answer.out
    assert "\x9b" not in answer.out
