"""A script for tests of the lifecycle: a governed flow like every other one, whose step does what it is told.

Child processes get it by `python -m tests.probe …`, which is the `automation` command with this script added.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from automation_scripts import catalog
from automation_scripts.catalog import Category, Level, Script


class ProbeParameters(BaseModel):
    """What the step does."""

    model_config = ConfigDict(extra="forbid")

    do: Literal["nothing", "fail", "flaky", "spin", "hang", "child", "change", "exit", "wait"] = Field(
        "nothing", description="What the step does."
    )
    path: str = Field("", description="A file that the step uses.")
    token: str = Field("", description="Something secret.")
    count: int = Field(1, ge=0, le=1000, description="How many steps.")


PROBE = Script(
    name="probe",
    category=Category.MONITORING,
    summary="For tests.",
    level=Level.AUTOMATIC,
    permissions=(),
    changes_things=True,
    entrypoint="tests.probe_flow:probe",
    parameters="tests.probe:ProbeParameters",
    retries=2,
)


def install() -> None:
    """Add the probe to the catalogue of this process."""
    catalog.SCRIPTS = MappingProxyType({**catalog.SCRIPTS, "probe": PROBE})


def act(do: str, path: str) -> str:
    """One step."""
    if do == "fail":
        raise ValueError("on purpose")
    if do == "flaky":
        with Path(path).open("a") as tries:
            tries.write("x")
        if Path(path).stat().st_size < 3:
            raise OSError("the disk is away for a moment")
    elif do == "spin":
        Path(path).write_text("started")
        while True:
            pass
    elif do == "hang":
        Path(path).write_text("started")
        time.sleep(120)
    elif do == "wait":
        Path(path).write_text("started")
        while Path(path).exists():
            time.sleep(0.01)
    elif do == "child":
        from automation_scripts.execution.interruption import marked_environment
        from automation_scripts.execution.lifecycle import current

        run = current.get()
        assert run is not None
        # A grandchild in a session of its own: ending the direct child does not reach it.
        code = "import subprocess,sys; p=subprocess.Popen(['sleep','300'],start_new_session=True); print(p.pid,flush=True); p.wait()"
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            env=marked_environment(run.request.execution_id),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        Path(path).write_text(f"{child.pid} {child.stdout.readline().strip()}")
        child.wait()
    elif do == "exit":
        import os

        os._exit(9)
    return "done"


def main() -> None:
    """The `automation` command with the probe in its catalogue."""
    install()
    from automation_scripts.cli import main as cli

    cli()


if __name__ == "__main__":
    from tests.probe import main as importable

    importable()
