"""The `automation` command against a state folder of its own, and runs to fill its history with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.cli import main
from automation_scripts.history.records import RunFields, RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.results import ExecutionResult, Finding

EVIL = "[red]x[/red] [/b] [link=https://evil.example]y[/link] \x1b[31m \x07 \x9b2J \u202e \r"
"""Markup that must be shown as it is, markup that does not balance, and what a terminal would act upon."""
ACTED_UPON = ("\x1b", "\x07", "\x9b", "\u202e", "\r")
_WAY = ("admitted", "planning", "running", "verifying")


@dataclass(frozen=True)
class Answer:
    """What a call of the command came to."""

    code: int
    out: str
    err: str


class Shell:
    """Calls `automation`: in this process, which is quick, or as a process of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.home = folder / "home"
        self.config = folder / "config.yaml"
        # Named, because root may write the system's log.
        self.config.write_text(f"log: {{path: {folder / 'run.log'}}}\n")
        self._patch, self._capture = patch, capture
        patch.setenv("AUTOMATION_HOME", str(self.home))
        patch.setenv("AUTOMATION_CONFIG_PATH", str(self.config))

    def __call__(self, *arguments: str, **environment: str) -> Answer:
        with self._patch.context() as patch:
            patch.setattr(sys, "argv", ["automation", *arguments])
            for name, value in environment.items():
                patch.setenv(name, value)
            self._capture.readouterr()
            try:
                main()
                code: Any = 0
            except SystemExit as end:
                code = end.code or 0
        out, err = self._capture.readouterr()
        assert "Traceback" not in out + err
        return Answer(code, out, err)

    def process(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A line of bash in which `automation` is the command."""
        define = f'set -o pipefail; automation() {{ {sys.executable} -m automation_scripts.cli "$@"; }}; '
        done = subprocess.run(
            ["bash", "-c", define + script],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    def store(self) -> HistoryStore:
        """The history of the state folder."""
        return HistoryStore(f"sqlite:///{self.home / 'history.db'}")

    def add(
        self,
        execution_id: str = "exec_1",
        status: str | None = "succeeded",
        *,
        began: datetime | timedelta = timedelta(minutes=10),
        took_s: float = 2.0,
        findings: list[Finding] | None = None,
        result: Mapping[str, Any] | None = None,
        measured: RunFields | None = None,
        **more: Any,
    ) -> RunRecord:
        """One run that began then and has ended; without a `status` it still runs."""
        start = datetime.now(UTC) - began if isinstance(began, timedelta) else began
        given = {"script": "config_validator", "category": "validation", "environment": "staging", "user": "admin"}
        record = RunRecord(execution_id=execution_id, requested_at=start, **{**given, **more})
        with self.store() as store:
            store.open_run(record)
            before = "requested"
            for number, state in enumerate(_WAY):
                store.transition(execution_id, before, state, at=start + timedelta(seconds=number * took_s / 10))
                before = state
            if status is not None:
                end = start + timedelta(seconds=took_s)
                found = findings or []
                whole = (
                    result
                    or make_result(
                        execution_id=execution_id, status=status, findings=found, started_at=start, duration_s=took_s
                    ).to_dict()
                )
                counts: dict[str, int] = {}
                for finding in found:
                    counts[finding.severity.value] = counts.get(finding.severity.value, 0) + 1
                fields: RunFields = {"findings": counts, **(measured or {})}
                store.close_run(execution_id, before, status, at=end, result=whole, **fields)
        return record


def make_result(**more: Any) -> ExecutionResult:
    """The result of a run that went well, unless `more` says otherwise."""
    given: dict[str, Any] = {
        "execution_id": "exec_1",
        "script_name": "config_validator",
        "category": "validation",
        "environment": "staging",
        "user": "admin",
        "status": "succeeded",
        "level": "automatic",
        "started_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return ExecutionResult(**{**given, **more})


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def dead_process() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


Call = Callable[..., Answer]
