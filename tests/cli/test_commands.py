"""What all commands share: help, the refusal of bad input, and the catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from automation_scripts import catalog
from automation_scripts.cli.run import FailOn, exit_code, parse_parameters
from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from tests.cli.conftest import Shell, make_result

VALIDATOR = catalog.get("config_validator")
COMMANDS = ("run", "scripts", "history", "show", "stats", "prune", "deploy", "doctor")
SERVER_COMMANDS = ("server start", "server stop", "server status")


@pytest.mark.parametrize("command", [*COMMANDS, *SERVER_COMMANDS])
def test_each_command_has_help_with_an_example(shell: Shell, command: str) -> None:
    answer = shell(*command.split(), "--help")
    assert answer.code == 0
    assert f"automation {command}" in answer.out.partition("Example")[2]


def test_the_help_names_every_command(shell: Shell) -> None:
    listed = shell("--help").out.partition("Commands:")[2]
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ")} >= {*COMMANDS, "server"}
    assert shell("--version").out.startswith("automation ")


def test_help_does_not_import_what_is_heavy() -> None:
    code = (
        "import sys; sys.argv = ['automation', '--help']\n"
        "from automation_scripts.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'prefect', 'sqlalchemy', 'pandas', 'pydantic', 'great_expectations', 'yaml', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing"], "there is no script 'nothing'"),
        (["run", "security_scaner"], "Did you mean 'security_scanner'"),
        (["run", "security_scanner"], "planned"),
        (["run", "config_validator", "-p", "x"], "KEY=VALUE"),
        (["run", "config_validator", "-p", "=x"], "KEY=VALUE"),
        (["run", "config_validator", "-p", "a=1", "-p", "a=2"], "given twice"),
        (["run", "config_validator"], "'config_path' is required"),
        (["run", "config_validator", "-p", "config_path=x", "-e", "stagin"], "Did you mean 'staging'"),
        (["run", "config_validator", "-p", "config_path=x", "--output", "/no/such/x"], "--output /no/such/x"),
        (["run", "config_validator", "-p", "config_path=x", "--fail-on", "bad"], "--fail-on"),
        (["scripts", "security_scanner"], "planned"),
        (["scripts", "security_scanner", "--json"], "planned"),
        (["history", "--status", "faild"], "Did you mean 'failed'"),
        (["history", "--status", "activ"], "Did you mean 'active'"),
        (["history", "--script", "config_validater"], "Did you mean 'config_validator'"),
        (["history", "--since", "yesterday"], "--since: 'yesterday' is no time"),
        (["history", "--since", ""], "--since: '' is no time"),
        (["history", "--limit", "0"], "--limit"),
        (["stats", "--category", "validaton"], "Did you mean 'validation'"),
        (["stats", "--script", "config"], "there is no script 'config'"),
        (["prune", "--older-than", "soon"], "--older-than: 'soon' is no time"),
        (["prune"], "--older-than"),
        (["deploy", "--file", "/no/prefect.yaml"], "/no/prefect.yaml"),
        (["histroy"], "Did you mean 'history'"),
    ],
)
def test_bad_input_ends_with_2_and_the_reason_before_anything_is_written(
    shell: Shell, arguments: list[str], said: str
) -> None:
    answer = shell(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""
    assert not shell.home.exists()


def test_settings_that_cannot_be_used_end_every_command_with_2_and_their_place(shell: Shell) -> None:
    shell.config.write_text("history: {ulr: x}\n")
    for command in (["history"], ["show", "last"], ["stats"], ["prune", "--older-than", "1d"], ["server", "status"]):
        answer = shell(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "config.yaml:1:" in answer.err
        assert "did you mean url" in answer.err


def test_the_catalogue_lists_every_script_and_tells_which_are_planned(shell: Shell) -> None:
    lines = {line.split()[0]: line for line in shell("scripts").out.splitlines()}
    entries = json.loads(shell("scripts", "--json").out)
    assert [entry["name"] for entry in entries] == list(catalog.SCRIPTS)
    for entry in entries:
        assert ("ready" if entry["available"] else "planned") in lines[entry["name"]]
        assert entry["summary"] in lines[entry["name"]]


def test_a_scripts_parameters_are_explained(shell: Shell) -> None:
    text = shell("scripts", "config_validator").out
    schema = json.loads(shell("scripts", "config_validator", "--json").out)
    assert schema["required"] == ["config_path"]
    for name, about in schema["properties"].items():
        (line,) = [line for line in text.splitlines() if line.split()[0] == name]
        assert about["description"] in line
    assert "(required)" in text


def test_the_status_without_a_server(shell: Shell) -> None:
    answer = shell("server", "status", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["running"] is False
    assert "automation server start" in shell("server", "status").out
    assert "No server was running" in shell("server", "stop").out


def test_the_status_with_a_server_of_the_users_own(shell: Shell) -> None:
    shell.config.write_text("prefect: {api_url: http://127.0.0.1:9/api}\n")
    answer = shell("server", "status")
    assert answer.code == 0
    assert "http://127.0.0.1:9/api" in answer.out


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        ([], {}),
        (["config_path=a=b"], {"config_path": "a=b"}),
        (["config_path="], {"config_path": ""}),
        (["config_path=123"], {"config_path": "123"}),
        (["apply_fixes=true", "max_file_mb=2.5"], {"apply_fixes": True, "max_file_mb": 2.5}),
        (["apply_fixes=perhaps"], {"apply_fixes": "perhaps"}),
        (["unknown=[1]"], {"unknown": "[1]"}),
    ],
)
def test_parameters_are_read_as_their_fields_want_them(words: list[str], parameters: dict[str, Any]) -> None:
    assert parse_parameters(VALIDATOR, words) == parameters


@pytest.mark.parametrize("words", [["x"], [""], ["=1"], ["a=1", "b=2", "a=1"]])
def test_parameters_that_are_no_pairs_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidParameters, match="-p "):
        parse_parameters(VALIDATOR, words)


@pytest.mark.parametrize(
    ("status", "severity", "fail_on", "code"),
    [
        ("succeeded", None, FailOn.INFO, 0),
        ("succeeded", Severity.CRITICAL, FailOn.HIGH, 1),
        ("succeeded", Severity.HIGH, FailOn.HIGH, 1),
        ("succeeded", Severity.MEDIUM, FailOn.HIGH, 0),
        ("succeeded", Severity.INFO, FailOn.INFO, 1),
        ("dry_run", Severity.CRITICAL, FailOn.NEVER, 0),
        ("dry_run", Severity.CRITICAL, FailOn.CRITICAL, 1),
        ("failed", None, FailOn.NEVER, 1),
        ("rolled_back", None, FailOn.NEVER, 1),
        ("timed_out", None, FailOn.HIGH, 1),
        ("cancelled", Severity.CRITICAL, FailOn.HIGH, 130),
    ],
)
def test_exit_codes(status: str, severity: Severity | None, fail_on: FailOn, code: int) -> None:
    findings = [Finding("r", severity, "m")] if severity else []
    assert exit_code(make_result(status=status, findings=findings), fail_on) == code
