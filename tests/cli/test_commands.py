"""The commands that need no server: help, catalogue, history, doctor, and the refusals of `run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automation_scripts import catalog
from automation_scripts.cli.history import moment
from automation_scripts.cli.run import FailOn, exit_code, parse_parameters
from automation_scripts.cli.summary import summary_text
from automation_scripts.errors import InvalidParameters
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.results import ExecutionResult, Finding, Severity

VALIDATOR = catalog.get("config_validator")


class Shell:
    """The `automation` command with a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        config = folder / "config.yaml"
        config.write_text(f"log: {{path: {folder / 'run.log'}}}\n")
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOMATION_", "PREFECT_"))}
        self.environment = {**clean, "AUTOMATION_HOME": str(self.home), "AUTOMATION_CONFIG_PATH": str(config)}

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "automation_scripts.cli", *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    def fill(self, **more: Any) -> None:
        """One ended run in the history."""
        self.home.mkdir(exist_ok=True)
        with HistoryStore(f"sqlite:///{self.home / 'history.db'}") as store:
            record = RunRecord(
                execution_id=more.pop("execution_id", "exec_1"),
                script="config_validator",
                category="validation",
                environment="staging",
                user=more.pop("user", "admin"),
            )
            store.open_run(record)
            before = "requested"
            for state in ("admitted", "planning", "running", "verifying"):
                store.transition(record.execution_id, before, state)
                before = state
            result = _result(execution_id=record.execution_id, **more)
            store.close_run(record.execution_id, before, "succeeded", result=result.to_dict(), findings={"high": 1})


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def _result(**more: Any) -> ExecutionResult:
    given: dict[str, Any] = {
        "execution_id": "exec_1",
        "script_name": "config_validator",
        "category": "validation",
        "environment": "staging",
        "user": "admin",
        "status": "succeeded",
        "level": "automatic",
        "started_at": datetime.now(UTC),
    }
    return ExecutionResult(**{**given, **more})


@pytest.mark.parametrize(
    "command", ["run", "scripts", "history", "show", "stats", "prune", "deploy", "doctor", "server start"]
)
def test_each_command_has_help_with_an_example(shell: Shell, command: str) -> None:
    done = shell(*command.split(), "--help")
    assert done.returncode == 0
    assert f"automation {command}" in done.stdout


def test_help_does_not_import_what_is_heavy() -> None:
    code = (
        "import sys; sys.argv = ['automation', '--help']\n"
        "from automation_scripts.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'prefect', 'sqlalchemy', 'pandas', 'pydantic', 'great_expectations', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_catalogue_lists_every_script_and_tells_which_are_planned(shell: Shell) -> None:
    text = shell("scripts").stdout
    entries = json.loads(shell("scripts", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(catalog.SCRIPTS)
    assert all(name in text for name in catalog.SCRIPTS)
    assert "planned" in text


def test_a_scripts_parameters_are_explained(shell: Shell) -> None:
    assert "config_path" in shell("scripts", "config_validator").stdout
    assert "config_path" in json.loads(shell("scripts", "config_validator", "--json").stdout)["properties"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing"], "there is no script 'nothing'"),
        (["run", "security_scaner"], "Did you mean 'security_scanner'"),
        (["run", "security_scanner"], "planned"),
        (["run", "config_validator", "-p", "x"], "KEY=VALUE"),
        (["run", "config_validator", "-p", "a=1", "-p", "a=2"], "given twice"),
        (["run", "config_validator"], "'config_path' is required"),
        (["run", "config_validator", "-p", "config_path=x", "-e", "stagin"], "Did you mean 'staging'"),
        (["run", "config_validator", "-p", "config_path=x", "--output", "/no/such/x"], "--output /no/such/x"),
        (["scripts", "security_scanner"], "planned"),
        (["history", "--status", "faild"], "Did you mean 'failed'"),
        (["history", "--script", "config_validater"], "Did you mean 'config_validator'"),
        (["history", "--since", "yesterday"], "'yesterday' is no time"),
        (["show", "exec_nobody"], "No run 'exec_nobody'"),
        (["show", "last"], "no run yet"),
        (["stats", "--category", "validaton"], "Did you mean 'validation'"),
        (["prune", "--older-than", "soon"], "'soon' is no time"),
        (["deploy", "--file", "/no/prefect.yaml"], "/no/prefect.yaml"),
    ],
)
def test_bad_input_ends_with_2_and_the_reason(shell: Shell, arguments: list[str], said: str) -> None:
    done = shell(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert not (shell.home / "server.json").exists()


def test_an_empty_history_says_so(shell: Shell) -> None:
    done = shell("history")
    assert done.returncode == 0
    assert "No run yet" in done.stdout
    assert json.loads(shell("history", "--format", "json").stdout) == []
    assert "0 runs" in shell("stats").stdout


def test_the_history_in_every_format(shell: Shell) -> None:
    shell.fill()
    assert "exec_1" in shell("history").stdout
    (run,) = json.loads(shell("history", "--format", "json").stdout)
    assert (run["status"], run["findings"]["high"]) == ("succeeded", 1)
    assert shell("history", "--format", "csv").stdout.splitlines()[1].startswith("exec_1,config_validator")
    assert "No run matches" in shell("history", "--status", "failed").stdout
    assert (
        json.loads(shell("stats", "--format", "json").stdout)["success_rate_by_category"]["validation"]["rate"] == 1.0
    )
    assert "100.0%" in shell("stats").stdout


def test_one_run_in_every_format(shell: Shell) -> None:
    finding = Finding("a/rule", Severity.HIGH, "it is wrong", file="a.yaml", line=3, column=5)
    shell.fill(findings=[finding])
    text = shell("show", "exec").stdout
    assert "it is wrong" in text
    assert "verifying" in text
    shown = json.loads(shell("show", "last", "--format", "json").stdout)
    assert [transition["to_state"] for transition in shown["transitions"]][-1] == "succeeded"
    log = json.loads(shell("show", "exec_1", "--format", "sarif").stdout)
    assert log["runs"][0]["results"][0]["ruleId"] == "a/rule"


def test_untrusted_text_is_shown_as_text(shell: Shell) -> None:
    evil = "[red]x[/red] \x1b[31m \x07 [link=https://evil]y[/link]"
    shell.fill(user=evil, findings=[Finding("a/rule", Severity.LOW, evil, file=f"{evil}.yaml", line=1)])
    for arguments in (["history"], ["show", "last"]):
        out = shell(*arguments).stdout
        assert "[red]x[/red]" in out
        assert "\x1b" not in out
        assert "\x07" not in out


def test_pruning_deletes_old_runs_only(shell: Shell) -> None:
    shell.fill()
    assert shell("prune", "--older-than", "1d").stdout == "0 runs deleted.\n"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert shell("prune", "--older-than", tomorrow).stdout == "1 runs deleted.\n"


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    for number in range(200):
        shell.fill(execution_id=f"exec_{number}")
    command = f"{sys.executable} -m automation_scripts.cli history --limit 200 --format json | head -1"
    done = subprocess.run(["bash", "-c", command], env=shell.environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[\n"
    assert "Traceback" not in done.stderr


def test_the_doctor_of_a_new_installation_finds_no_problem(shell: Shell) -> None:
    done = shell("doctor", "--json")
    assert done.returncode == 0, done.stdout
    checks = {check["subject"]: check for check in json.loads(done.stdout)}
    assert checks["prefect"]["level"] == "ok"
    assert checks["packages"]["level"] == "ok"
    assert "run.log" in checks["log"]["said"]
    assert not shell.home.exists(), "looking must not change anything"


def test_the_doctor_names_what_is_broken(shell: Shell, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("automation: {default_timeut: 1}\n")
    done = shell("doctor", AUTOMATION_CONFIG_PATH=str(bad))
    assert done.returncode == 1
    assert "default_timeout" in done.stdout

    done = shell("doctor", AUTOMATION_HOME=str(bad / "home"))
    assert done.returncode == 1
    assert "cannot be written" in done.stdout

    shell.home.mkdir()
    (shell.home / "history.db").write_text("this is no database, whatever its name says" * 100)
    done = shell("doctor")
    assert done.returncode == 1
    assert "history.db" in done.stdout


def test_the_status_without_a_server(shell: Shell) -> None:
    done = shell("server", "status", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["running"] is False
    assert "No server was running" in shell("server", "stop").stdout


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (["config_path=a=b"], {"config_path": "a=b"}),
        (["config_path=123"], {"config_path": "123"}),
        (["apply_fixes=true", "max_file_mb=2.5"], {"apply_fixes": True, "max_file_mb": 2.5}),
        (["apply_fixes=perhaps"], {"apply_fixes": "perhaps"}),
        (["unknown=[1]"], {"unknown": "[1]"}),
    ],
)
def test_parameters_are_read_as_their_fields_want_them(words: list[str], parameters: dict[str, Any]) -> None:
    assert parse_parameters(VALIDATOR, words) == parameters


@pytest.mark.parametrize(
    ("status", "severity", "fail_on", "code"),
    [
        ("succeeded", None, FailOn.HIGH, 0),
        ("succeeded", Severity.HIGH, FailOn.HIGH, 1),
        ("succeeded", Severity.MEDIUM, FailOn.HIGH, 0),
        ("dry_run", Severity.CRITICAL, FailOn.NEVER, 0),
        ("failed", None, FailOn.NEVER, 1),
        ("timed_out", None, FailOn.HIGH, 1),
        ("cancelled", None, FailOn.HIGH, 130),
    ],
)
def test_exit_codes(status: str, severity: Severity | None, fail_on: FailOn, code: int) -> None:
    findings = [Finding("r", severity, "m")] if severity else []
    assert exit_code(_result(status=status, findings=findings), fail_on) == code


def test_the_summary_of_very_many_findings_is_cut() -> None:
    findings = [Finding("r", Severity.LOW, f"m{number}", file="a", line=number + 1) for number in range(500)]
    worst = Finding("r", Severity.CRITICAL, "the worst", file="z", line=1)
    text = summary_text(_result(findings=[*findings, worst]))
    assert "the worst" in text
    assert "301 less severe findings" in text


def test_moments() -> None:
    assert abs((datetime.now(UTC) - timedelta(hours=1) - moment("1h")).total_seconds()) < 5
    assert moment("2026-01-02T00:00:00+00:00") == datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(InvalidParameters):
        moment("-1h")
