"""The statistics that a person reads, and the same ones as data."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.cli.conftest import EVIL, Shell


def section(text: str, title: str) -> dict[str, list[str]]:
    """The rows of one table by their first word."""
    (found,) = [part for part in text.split("\n\n") if part.startswith(title)]
    return {line.split()[0]: line.split()[1:] for line in found.splitlines()[2:]}


def fill(shell: Shell) -> None:
    deployment: dict[str, Any] = {"script": "deployment_automation", "category": "deployment"}
    measured = {"cpu_s": 1.5, "max_rss_mb": 100.0, "read_bytes": 512, "written_bytes": 3 * 2**20}
    for number in range(3):
        shell.add(f"exec_{number}", "succeeded", took_s=2.0 + number, measured=measured)
    shell.add("exec_3", "failed", took_s=5.0, measured=measured)
    shell.add("exec_4", "cancelled", took_s=500.0)
    shell.add("exec_5", "dry_run", dry_run=True)
    shell.add("exec_6", "rolled_back", **deployment, measured={"rollback_cause": EVIL, "rolled_back": True})
    shell.add("exec_7", "rolled_back", began=timedelta(days=9), **deployment, measured={"rollback_cause": "timeout"})
    shell.add("exec_8", None)


def test_the_four_groups_for_people(shell: Shell) -> None:
    fill(shell)
    text = shell("stats").out
    assert text.startswith("7 ended runs counted. Left out: 1 dry run. 1 run was cancelled")
    success = section(text, "Success rate")
    assert success["validation"] == ["75.0%", "████████░░", "3", "1", "0", "0", "1"]
    assert success["deployment"] == ["0.0%", "░░░░░░░░░░", "0", "2", "0", "0", "0"]
    assert success["all"][0] == "50.0%"
    times = section(text, "Execution time")
    assert times["config_validator"][:3] == ["4", "3.50", "s"]
    resources = section(text, "Resources")
    assert resources["CPU"] == ["0", "-", "-", "-", "-", "-"], "the deployments, which come last, measured nothing"
    assert "3.0 MiB" in text
    assert "512 B" in text
    rollbacks = section(text, "Rollbacks")
    assert rollbacks["config_validator"] == ["4", "0", "0.0%"]
    assert rollbacks["deployment_automation"][:3] == ["2", "2", "100.0%"]
    assert "timeout (1)" in text
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def test_the_four_groups_as_data(shell: Shell) -> None:
    fill(shell)
    answer = shell("stats", "--format", "json")
    assert answer.err == ""
    data = json.loads(answer.out)
    assert (data["runs"], data["dry_runs"], data["success_rate"]["cancelled"]) == (7, 1, 1)
    assert data["success_rate_by_category"]["validation"]["rate"] == 0.75
    assert data["execution_time_s"]["config_validator"]["p50"] == 3.5
    assert data["resources"]["config_validator"]["max_rss_mb"]["mean"] == 100.0
    assert data["rollbacks"]["deployment_automation"]["causes"] == {EVIL: 1, "timeout": 1}


def test_the_statistics_can_be_narrowed(shell: Shell) -> None:
    fill(shell)

    def counted(*options: str) -> int:
        return int(json.loads(shell("stats", "--format", "json", *options).out)["runs"])

    assert counted("--script", "config_validator") == 5
    assert counted("--category", "deployment") == 2
    assert counted("--category", "security") == 0
    assert counted("--since", "1d", "--category", "deployment") == 1


def test_since_is_when_a_run_ended_because_then_its_outcome_was_known(shell: Shell) -> None:
    shell.add("exec_long", began=timedelta(days=3), took_s=2.9 * 86_400)
    shell.add("exec_gone", began=timedelta(days=3))
    data = json.loads(shell("stats", "--since", "1d", "--format", "json").out)
    assert data["runs"] == 1
    assert data["since"] is not None
    assert "1 ended run counted since 20" in shell("stats", "--since", "1d").out


def test_no_runs_no_tables(shell: Shell) -> None:
    assert shell("stats").out == "0 ended runs counted.\n"
    data = json.loads(shell("stats", "--format", "json").out)
    assert (data["runs"], data["success_rate"]["rate"]) == (0, None)


def test_a_full_bar_means_all_and_an_empty_one_none(shell: Shell) -> None:
    for number in range(40):
        shell.add(f"exec_{number}", "failed" if number == 0 else "succeeded")
    for number in range(40, 80):
        shell.add(
            f"exec_{number}",
            "succeeded" if number == 40 else "failed",
            script="security_scanner",
            category="security",
        )
    success = section(shell("stats").out, "Success rate")
    assert success["validation"][:2] == ["97.5%", "█████████░"]
    assert success["security"][:2] == ["2.5%", "█░░░░░░░░░"]
