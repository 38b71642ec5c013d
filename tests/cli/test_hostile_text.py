"""What comes from others never acts: text in tables, in CSV, in JSON and in the doctor's words; and odd readers."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from automation_scripts.cli.app import build_app
from automation_scripts.cli.console import json_text, printable
from automation_scripts.cli.quantities import ago, duration, moment, size
from automation_scripts.cli.summary import summary_text
from automation_scripts.errors import InvalidParameters
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.results import ChangeAction, ExecutionResult, Finding, PredictedChange, Severity

EVIL = "[red]x[/red] \x1b[31m\x07\x9b31m \u202ey [link=https://evil.example]z[/link] [/nothing]"
UNSAFE = ("\x1b", "\x07", "\x9b", "\u202e")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that is not there yet, for commands run in this process. No server is involved."""
    config = tmp_path / "config.yaml"
    config.write_text(f"log: {{path: {tmp_path / 'x.log'}}}\n")
    monkeypatch.setenv("AUTOMATION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTOMATION_CONFIG_PATH", str(config))
    return tmp_path / "home"


def call(*arguments: str) -> str:
    """What the command prints on stdout; it must succeed."""
    done = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    """Why the command was refused; exit code 2 follows from the kind of error."""
    with pytest.raises(InvalidParameters) as caught:
        CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    assert caught.value.exit_code == 2
    return str(caught.value)


def result_of(record: RunRecord, **more: Any) -> ExecutionResult:
    return ExecutionResult(
        execution_id=record.execution_id,
        script_name=record.script,
        category=record.category,
        environment=record.environment,
        user=record.user,
        status="succeeded",
        level=record.level,
        started_at=datetime.now(UTC),
        **more,
    )


def write(home: Path, *, end: str | None = "failed", result: dict[str, Any] | None = None, **more: Any) -> RunRecord:
    """One run in the history, ended unless `end` is None."""
    fields: dict[str, Any] = {
        "execution_id": "exec_1",
        "script": "config_validator",
        "category": "validation",
        "environment": "staging",
        "user": "admin",
    }
    closing = {key: more.pop(key) for key in ("error_message", "error_class", "rollback_cause") if key in more}
    record = RunRecord(**{**fields, **more})
    home.mkdir(exist_ok=True)
    with HistoryStore(f"sqlite:///{home / 'history.db'}") as store:
        store.open_run(record)
        store.transition(record.execution_id, "requested", "admitted", reason=EVIL)
        if end is not None:
            store.close_run(record.execution_id, "admitted", end, result=result, **closing)
    return record


def assert_harmless(text: str) -> None:
    assert not any(character in text for character in UNSAFE)


def test_every_field_of_a_run_is_shown_as_text(home: Path) -> None:
    write(
        home,
        script=EVIL,
        category=EVIL,
        environment=EVIL,
        user=EVIL,
        trigger=EVIL,
        level=EVIL,
        flow_run_id=EVIL,
        request_id=EVIL,
        parameters={EVIL: EVIL, "nested": {"a": [EVIL]}},
        error_class=EVIL,
        error_message=EVIL,
        rollback_cause=EVIL,
        end="rolled_back",
    )
    for arguments in (["history"], ["show", "last"], ["stats"]):
        text = call(*arguments)
        assert "[red]x[/red]" in text
        assert_harmless(text)


def test_csv_and_json_reach_no_terminal_either(home: Path) -> None:
    write(home, user=EVIL, error_message=EVIL)
    table = call("history", "--format", "csv")
    assert_harmless(table)
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["execution_id"] == "exec_1"
    text = call("history", "--format", "json")
    assert_harmless(text)
    assert json.loads(text)[0]["user"] == EVIL, "JSON escapes, and so loses nothing"
    assert json.loads(call("show", "last", "--format", "json"))["error_message"] == EVIL


def test_a_line_end_in_a_name_makes_no_second_row(home: Path) -> None:
    write(home, user="admin\nexec_2  config_validator  production  root", execution_id="exec_1")
    lines = [line for line in call("history").splitlines() if line.strip()]
    assert len(lines) == 2, "the titles and one run"


@pytest.mark.parametrize("width", [45, 60, 80, 100, 120, 200])
def test_every_width_shows_each_run_on_one_line(home: Path, width: int) -> None:
    write(home, error_message="an error of which the text is long " * 9)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import pty, sys; sys.exit(pty.spawn([sys.executable, '-m', 'automation_scripts.cli', 'history']))",
        ],
        env={**os.environ, "COLUMNS": str(width), "TERM": "xterm"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert len(lines) == 2, done.stdout
    assert "exec_1" in lines[1]


def test_the_summary_shows_untrusted_text_as_text() -> None:
    finding = Finding(EVIL, Severity.HIGH, EVIL, file=EVIL, line=1, suggestion=EVIL)
    change = PredictedChange(EVIL, ChangeAction.UPDATE, before=EVIL, after={"key": EVIL}, reason=EVIL)
    record = RunRecord(execution_id=EVIL, script=EVIL, category="validation", environment=EVIL, user="u")
    text = summary_text(result_of(record, findings=[finding], changes=[change], message=EVIL))
    assert text.count("[red]x[/red]") >= 9
    assert_harmless(text)


def test_a_finding_cannot_forge_the_line_of_another() -> None:
    record = RunRecord(execution_id="exec_1", script="s", category="validation", environment="e", user="u")
    honest = Finding("r", Severity.LOW, "m\nok.yaml\n       1:1  critical  forged  [x]", file="a\nb.yaml", line=1)
    assert "\n       1:1  critical" not in summary_text(result_of(record, findings=[honest]))


@given(st.text())
def test_printable_text_has_no_control_character(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(character.isprintable() or character == "\n" for character in shown)


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_json_text_is_json_that_any_terminal_can_take(data: Any) -> None:
    for encoding in ("utf-8", "ascii", "iso-8859-1"):
        text = json_text(data, encoding)
        assert json.loads(text) == data
        text.encode(encoding)
        assert not [
            character
            for character in text
            if character != "\n" and (ord(character) < 32 or 127 <= ord(character) < 160)
        ]


def test_active_runs_are_those_that_have_not_ended(home: Path) -> None:
    write(home, execution_id="exec_done")
    write(home, execution_id="exec_open", end=None)  # by this very process, which lives
    assert [run["execution_id"] for run in json.loads(call("history", "--status", "active", "--format", "json"))] == [
        "exec_open"
    ]
    assert "exec_done" not in call("history", "--status", "active")


def test_runs_of_dead_processes_are_told_as_crashed(home: Path) -> None:
    write(home, end=None, pid=2**22 - 1, process_started=1)
    (run,) = json.loads(call("history", "--format", "json"))
    assert run["status"] == "crashed"
    assert json.loads(call("history", "--status", "active", "--format", "json")) == []


def test_newest_first_and_no_more_than_asked_for(home: Path) -> None:
    begin = datetime.now(UTC) - timedelta(hours=1)
    for number in range(5):
        write(home, execution_id=f"exec_{number}", requested_at=begin + timedelta(minutes=number))
    runs = json.loads(call("history", "--limit", "2", "--format", "json"))
    assert [run["execution_id"] for run in runs] == ["exec_4", "exec_3"]
    assert "several runs" in refused("show", "exec_")
    assert call("show", "last", "--format", "json") == call("show", "exec_4", "--format", "json")


def test_a_run_without_a_result_gives_no_empty_sarif(home: Path) -> None:
    write(home)
    assert "no findings to export" in refused("show", "last", "--format", "sarif")


@pytest.mark.parametrize("broken", [{"findings": [{"severity": "awful"}]}, {"findings": 3}, {"changes": [{}]}, {}])
def test_a_result_of_another_version_still_shows_the_rest(home: Path, broken: dict[str, Any]) -> None:
    write(home, result=broken)
    done = CliRunner().invoke(build_app(), ["show", "last"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "admitted" in done.stdout
    assert json.loads(call("show", "last", "--format", "json"))["result"] == broken


def test_statistics_tell_what_was_left_out(home: Path) -> None:
    write(home, execution_id="exec_1", end="succeeded")
    write(home, execution_id="exec_2", end="dry_run", dry_run=True)
    write(home, execution_id="exec_3", end="cancelled")
    write(home, execution_id="exec_4", end="rolled_back", rollback_cause="health check")
    text = call("stats")
    assert "3 ended runs counted" in text
    assert "1 dry run" in text
    assert "1 run was cancelled" in text
    assert "health check (1)" in text
    data = json.loads(call("stats", "--format", "json"))
    assert (data["runs"], data["dry_runs"]) == (3, 1)
    assert data["success_rate_by_category"]["validation"]["rate"] == 0.5
    assert data["rollbacks"]["config_validator"]["causes"] == {"health check": 1}


def test_a_history_needs_neither_prefect_nor_pandas(home: Path) -> None:
    write(home)
    code = (
        "import sys; sys.argv = ['automation', 'history']\n"
        "from automation_scripts.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'prefect', 'pandas', 'great_expectations'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["scripts", "history", "show last", "stats", "doctor"])
def test_a_reader_that_is_gone_at_once_is_no_error(home: Path, command: str) -> None:
    write(home)
    read, write_end = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "automation_scripts.cli", *command.split()],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert done.returncode in (0, 1)
    assert done.stderr == ""


def test_a_state_folder_that_cannot_be_is_said_in_words(home: Path) -> None:
    home.write_text("a file where a folder should be")
    for command in (["history"], ["show", "last"], ["stats"], ["prune", "--older-than", "90d"]):
        done = subprocess.run(
            [sys.executable, "-m", "automation_scripts.cli", *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert str(home) in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_refused_runs_write_nothing(home: Path) -> None:
    for arguments in (["security_scanner"], ["nothing"], ["config_validator", "-p", "x"], ["config_validator"]):
        done = subprocess.run(
            [sys.executable, "-m", "automation_scripts.cli", "run", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert not (home / "server.json").exists()
        if arguments != ["config_validator"]:  # a request with bad parameters is recorded as refused
            assert not home.exists()


@pytest.mark.parametrize("text", ["", "-1h", "90", "soon", "2d ago", "1h1", "99999999w", "2026-13-01", "3000-01-01"])
def test_what_is_no_moment_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(InvalidParameters, match="--since"):
        moment(text, "--since")


def test_moments_longer_ago_than_a_year() -> None:
    expected = datetime.now(UTC) - timedelta(days=1095)
    assert abs(moment("1095d", "--older-than") - expected) < timedelta(seconds=5)


@given(st.floats(min_value=0, max_value=1e9))
def test_quantities_have_a_unit_and_few_digits(value: float) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for text in (duration(value), size(value)):
        number, _, unit = text.partition(" ")
        assert unit
        assert len(number) <= 7
    assert ago(now - timedelta(seconds=min(value, 1e9)), now)
