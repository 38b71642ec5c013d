"""Governed runs on a volume that is full, in mount namespaces of their own: `python -m … WHAT WAY FOLDER STATE`, see `test_full_volume`.

It tells what came of each attempt as JSON on stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automation_scripts.errors import AutomationError
from automation_scripts.execution.conduct import conduct
from automation_scripts.execution.lifecycle import Execution
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.governance.audit.search import read_all
from automation_scripts.governance.audit.verify import verify
from automation_scripts.governance.opened import open_audit, open_gate, open_store
from automation_scripts.results import ChangeAction, PredictedChange
from automation_scripts.settings import Settings, load_settings
from tests import probe

SIZE = "24m"
MOST_RUNS = 500
COMMAND_S = 120


class Place:
    """A volume of a few MB, and what a run would change elsewhere.

    Args:
        what: `state` puts the whole state folder on the volume, `audit` the audit log alone.
        folder: where all lies.
        state: a state folder to begin with.
    """

    def __init__(self, what: str, folder: Path, state: Path) -> None:
        self.volume, self.target = folder / "volume", folder / "target"
        self.volume.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.volume], check=True)
        self.home = (self.volume if what == "state" else folder) / "home"
        shutil.copytree(state, self.home)
        governance = "" if what == "state" else f"governance: {{audit_url: 'sqlite:///{self.volume}/audit.db'}}\n"
        self.config = folder / "config.yaml"
        self.config.write_text(f"server: {{warm_runner: false}}\n{governance}")
        self.environment = {"AUTOMATION_HOME": str(self.home), "AUTOMATION_CONFIG_PATH": str(self.config)}

    @property
    def settings(self) -> Settings:
        return load_settings(environ=self.environment)

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """Not a byte is left in the block."""
        ballast = self.volume / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError as full:
                assert full.errno == errno.ENOSPC
        assert os.statvfs(self.volume).f_bavail == 0
        try:
            yield
        finally:
            ballast.unlink()

    def run(self) -> dict[str, Any]:
        """One run in this process, which changes one thing."""

        async def body(run: Execution) -> None:
            change = PredictedChange(str(self.target), ChangeAction.UPDATE, None, run.request.execution_id, "asked for")
            if await run.planned([change], apply=True):
                with self.target.open("a") as file:
                    file.write(f"{run.request.execution_id}\n")
                await run.verify([change])

        before = self.changes()
        try:
            settings = self.settings
            request = resolve(probe.PROBE, {"do": "nothing"}, {"environment": "staging"}, Trigger.PYTHON, settings)
            run = Execution(request, settings, open_store(settings), timeout_s=60, gate=open_gate(settings))
            asyncio.run(conduct(run, body))
            error = ""
        except AutomationError as refusal:
            error = f"{type(refusal).__name__}: {refusal}"
        return {"error": error, "changed": self.changes() != before}

    def changes(self) -> list[str]:
        return self.target.read_text().split() if self.target.exists() else []

    def command(self, *words: str) -> dict[str, Any]:
        """The `automation` command as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.probe", *words],
            check=False,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
        )
        return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

    def run_command(self, file: Path) -> dict[str, Any]:
        """A run by the command line, which creates the file."""
        words = ("run", "probe", "-p", "do=change", "-p", f"path={file}", "-e", "staging")
        return {**self.command(*words), "changed": file.exists()}

    def audited(self) -> dict[str, Any]:
        """Whether the log is whole, and for which changes there is an intent in it."""
        log = open_audit(self.settings)
        intended = {entry.members["execution_id"] for entry in read_all(log) if entry.text("action") == "change.intent"}
        return {"whole": verify(log).ok, "without_intent": [run for run in self.changes() if run not in intended]}


def in_this_process(place: Place) -> dict[str, Any]:
    """Runs until one is refused, then one with room again."""
    first, refused, done = place.run(), [], 0
    with place.filled():
        # A log that was written before has pages to use again: the end comes within some runs, not at once.
        while not refused and done < MOST_RUNS:
            came_to = place.run()
            done += 1
            if came_to["error"]:
                refused = [came_to, place.run()]
    return {"first": first, "refused": refused, "again": place.run(), "audit": place.audited()}


def by_command(place: Place, folder: Path) -> dict[str, Any]:
    """The same by the command line, each time a new process."""
    try:
        first = place.run_command(folder / "first")
        with place.filled():
            refused = place.run_command(folder / "refused")
        again = place.run_command(folder / "again")
        verified = place.command("audit", "verify")
    finally:
        place.command("server", "stop")
    return {"first": first, "refused": refused, "again": again, "verified": verified}


def main() -> None:
    what, way, folder, state = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    probe.install()
    place = Place(what, folder, state)
    json.dump(in_this_process(place) if way == "python" else by_command(place, folder), sys.stdout)


if __name__ == "__main__":
    main()
