"""The list of runs, one run, and the deletion of old ones."""

from __future__ import annotations

import csv
import io
import json
import socket
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.cli.history import NOTE_WIDTH, chosen_layout
from automation_scripts.history.records import SEVERITIES, RunRecord
from automation_scripts.results import Finding, Severity
from tests.cli.conftest import Shell

HIGH = Finding("a/rule", Severity.HIGH, "it is wrong", file="a.yaml", line=3, column=5, suggestion="mend it")


def listed(shell: Shell, *options: str) -> list[str]:
    """The ids of the runs that the list shows, in its order; the same ones in every format."""
    answer = shell("history", "--format", "json", *options)
    assert (answer.code, answer.err) == (0, "")
    found = [run["execution_id"] for run in json.loads(answer.out)]
    rows = list(csv.DictReader(io.StringIO(shell("history", "--format", "csv", *options).out)))
    assert [row["execution_id"] for row in rows] == found
    lines = shell("history", *options).out.splitlines()
    if found:
        assert [line.split()[0] for line in lines[1:]] == found
    return found


def test_an_empty_history_says_what_to_do(shell: Shell) -> None:
    answer = shell("history")
    assert (answer.code, answer.out) == (0, "No run yet. Start one: automation run SCRIPT\n")
    assert listed(shell) == []
    assert "No run matches" in shell("history", "--user", "admin").out
    shown = shell("show", "last")
    assert (shown.code, shown.out) == (2, "")
    assert "automation run" in shown.err


def test_each_filter_narrows_the_list(shell: Shell) -> None:
    shell.add("exec_1", "succeeded", began=timedelta(days=3))
    shell.add("exec_2", "failed", began=timedelta(hours=5), environment="production", user="release-manager")
    shell.add("exec_3", "timed_out", began=timedelta(hours=2), script="security_scanner", category="security")
    shell.add("exec_4", None, began=timedelta(minutes=1))
    assert listed(shell) == ["exec_4", "exec_3", "exec_2", "exec_1"]
    assert listed(shell, "--limit", "2") == ["exec_4", "exec_3"]
    assert listed(shell, "--script", "security_scanner") == ["exec_3"]
    assert listed(shell, "--status", "failed") == ["exec_2"]
    assert listed(shell, "--status", "active") == ["exec_4"]
    assert listed(shell, "-e", "production") == ["exec_2"]
    assert listed(shell, "-u", "release-manager", "--status", "failed") == ["exec_2"]
    assert listed(shell, "--since", "1d") == ["exec_4", "exec_3", "exec_2"]
    assert listed(shell, "--since", (datetime.now(UTC) - timedelta(hours=3)).isoformat()) == ["exec_4", "exec_3"]
    assert listed(shell, "--since", "1d", "--status", "succeeded") == []
    assert listed(shell, "-u", "a\udcff") == [], "a name that is no UTF-8 belongs to nobody"


def test_a_row_tells_what_a_person_looks_for(shell: Shell) -> None:
    low = Finding("b", Severity.LOW, "m")
    shell.add("exec_1", "failed", findings=[HIGH, low, low], measured={"error_message": "the disk is full\nand more"})
    (row,) = shell("history").out.splitlines()[1:]
    for part in ("config_validator", "staging", "admin", "cli", "failed", "2.00 s", "1h 2l", "the disk is full"):
        assert part in row
    assert "and more" not in row
    (entry,) = csv.DictReader(io.StringIO(shell("history", "--format", "csv").out))
    assert [entry[f"findings_{severity}"] for severity in SEVERITIES] == ["0", "1", "0", "2", "0"]
    assert entry["error_message"].startswith("the disk is full")


def test_a_run_whose_process_is_gone_is_told_as_crashed(shell: Shell, dead_process: int) -> None:
    shell.add("exec_dead", None, pid=dead_process, process_started=1)
    shell.add("exec_here", None)
    shell.add("exec_elsewhere", None, host=f"not-{socket.gethostname()}", pid=dead_process)
    assert set(listed(shell, "--status", "active")) == {"exec_here", "exec_elsewhere"}
    shown = shell("show", "exec_dead").out
    assert "crashed" in shown
    assert "the process that ran it is gone" in shown


def test_one_run_is_shown_from_its_request_to_its_outcome(shell: Shell) -> None:
    shell.add(
        "exec_1f2e",
        "failed",
        took_s=10.0,
        findings=[HIGH],
        measured={
            "cpu_s": 3.5,
            "max_rss_mb": 256.0,
            "read_bytes": 2048,
            "written_bytes": 5 * 2**20,
            "error_class": "OSError",
            "error_message": "the disk is full",
            "flow_run_id": "flow-77",
            "rollback_cause": "health check",
        },
        parameters={"config_path": "/app/config", "apply_fixes": False, "names": ["a"], "unset": None},
    )
    shell.add("exec_2", began=timedelta(days=2))
    text = shell("show", "exec_1").out
    facts = {line[:12].strip(): line[12:].strip() for line in text.split("\n\n")[0].splitlines()}
    assert facts["status"] == "failed"
    assert facts["CPU"] == "3.50 s"
    assert facts["peak memory"] == "256.0 MiB"
    assert (facts["read"], facts["written"]) == ("2.0 KiB", "5.0 MiB")
    assert facts["error"] == "OSError: the disk is full"
    assert facts["flow run"] == "flow-77"
    assert facts["rolled back"] == "health check"
    for parameter in ("config_path=/app/config", "apply_fixes=false", 'names=["a"]'):
        assert parameter in text
    assert "unset" not in text
    states = [line.split() for line in text.split("\n\n")[1].splitlines()[1:]]
    assert [words[0] for words in states] == [
        *("requested", "admitted", "planning", "running", "verifying", "failed"),
    ]
    assert [" ".join(words[4:6]) for words in states] == ["", "0 ms", "1.00 s", "1.00 s", "1.00 s", "7.00 s"]
    assert "it is wrong" in text
    assert "→ mend it" in text


def test_one_run_as_data(shell: Shell) -> None:
    shell.add("exec_1", findings=[HIGH])
    answer = shell("show", "last", "--format", "json")
    assert answer.err == ""
    shown = json.loads(answer.out)
    assert shown["result"]["findings"][0]["message"] == "it is wrong"
    assert [t["to_state"] for t in shown["transitions"]][-2:] == ["verifying", "succeeded"]
    log = json.loads(shell("show", "exec_1", "--format", "sarif").out)
    (found,) = log["runs"][0]["results"]
    assert found["ruleId"] == "a/rule"
    assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    page = shell("show", "exec_1", "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert "it is wrong" in page


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("exec_9", "No run 'exec_9' in the history. `automation history`"),
        ("exec_", "several runs"),
        ("%", "No run '%'"),
        ("", "No run ''"),
        ("x\udcff\x1b[31m", "No run "),
    ],
)
def test_a_run_that_is_not_there_or_not_the_only_one(shell: Shell, run: str, said: str) -> None:
    shell.add("exec_1")
    shell.add("exec_12")
    assert json.loads(shell("show", "exec_1", "--format", "json").out)["execution_id"] == "exec_1"
    answer = shell("show", run)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "\x1b" not in answer.err


def test_a_run_without_a_result_is_no_run_without_findings(shell: Shell) -> None:
    shell.add("exec_1", None)
    answer = shell("show", "last", "--format", "sarif")
    assert (answer.code, answer.out) == (2, "")
    assert "it is verifying" in answer.err


def test_a_result_of_another_version_costs_only_itself(shell: Shell) -> None:
    shell.add("exec_1", result={"findings": [{"rule_id": "x", "from_the_future": 1}]})
    answer = shell("show", "last")
    assert answer.code == 0
    assert "config_validator" in answer.out
    assert "another version" in answer.err
    assert shell("show", "last", "--format", "sarif").code == 2
    assert json.loads(shell("show", "last", "--format", "json").out)["result"]["findings"][0]["from_the_future"] == 1


def test_pruning_deletes_what_ended_before_and_nothing_else(shell: Shell) -> None:
    shell.add("exec_old", began=timedelta(days=100))
    shell.add("exec_older", "failed", began=timedelta(days=800))
    shell.add("exec_long", began=timedelta(days=95), took_s=10 * 86_400.0)
    shell.add("exec_open", None, began=timedelta(days=500))
    shell.add("exec_new")
    everything = listed(shell)
    assert shell("prune", "--older-than", "90d", "--dry-run").out == "2 runs would be deleted.\n"
    assert shell("prune", "--older-than", "730d", "--dry-run").out == "1 run would be deleted.\n"
    assert listed(shell) == everything, "a dry run deletes nothing"
    assert shell("prune", "--older-than", "90d").out == "2 runs deleted.\n"
    assert set(listed(shell)) == {"exec_long", "exec_open", "exec_new"}
    assert shell("prune", "--older-than", "90d").out == "0 runs deleted.\n"
    with shell.store() as store:
        assert store.transitions("exec_old") == []


@pytest.mark.parametrize("age", ["90", "2999-01-01", "-90d"])
def test_an_age_that_may_be_a_slip_deletes_nothing(shell: Shell, age: str) -> None:
    shell.add("exec_old", began=timedelta(days=100))
    answer = shell("prune", "--older-than", age)
    assert answer.code == 2
    assert listed(shell) == ["exec_old"]


NAMES = ("run", "id", "script", "environment", "user", "by", "status", "started", "ago", "took", "findings", "note")


@given(st.fixed_dictionaries({name: st.integers(0, 60) for name in NAMES}), st.integers(1, 300))
def test_a_layout_fits_or_is_the_least_there_is(widths: dict[str, int], width: int) -> None:
    widths["run"] = max(widths["run"], 13)  # every run has an id
    widths["id"] = 13
    layout = chosen_layout(widths, width)
    needed = sum(min(widths[name], NOTE_WIDTH) if name == "note" else widths[name] for name in layout)
    assert layout == ("id",) or needed + 2 * (len(layout) - 1) <= width
    assert layout[0] in ("run", "id")


def test_a_wider_terminal_never_shows_less() -> None:
    widths = dict.fromkeys(NAMES, 12)
    counts = [len(chosen_layout(widths, width)) for width in range(1, 250)]
    assert counts == sorted(counts)
    assert counts[-1] == 10


def test_a_record_that_never_started_is_listed_by_its_request(shell: Shell) -> None:
    record = RunRecord(execution_id="exec_1", script="config_validator", category="c", environment="e", user="u")
    shell.home.mkdir()
    with shell.store() as store:
        store.open_run(record)
        store.close_run("exec_1", "requested", "denied", error_message="not you")
    assert listed(shell, "--status", "denied") == ["exec_1"]
    assert "not you" in shell("history").out
