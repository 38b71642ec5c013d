"""What the warm runner imports once, so that the processes that are forked from it need not."""

from __future__ import annotations

import contextlib
import gc
import importlib

PRELOAD = (
    "prefect",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.cli",
    "prefect.workers.process",
    "automation_scripts.server.worker",
    "prefect.utilities.visualization",
    "fastapi",  # for the encoder that Prefect writes parameters with
    "anyio._backends._asyncio",
    "rich.progress",
    "pandas",
    "great_expectations",
    "flows",
    "flows.validation",
    "automation_scripts.validation.environments.check",
    "automation_scripts.validation.references.check",
    "automation_scripts.validation.rules.check",
    "automation_scripts.validation.schemas.check",
    "automation_scripts.validation.security.check",
    "automation_scripts.governance.rehearsal",
    "automation_scripts.cli.app",
    "automation_scripts.cli.progress",
    "automation_scripts.cli.summary",
    "automation_scripts.orchestrator",
)
REHEARSE = (
    ("automation_scripts.validation.tables.expectations", "rehearse"),
    ("automation_scripts.governance.rehearsal", "rehearse"),
)
"""Functions that do a piece of real work once: libraries import much only when they are first used."""


def preload() -> None:
    """Import what flow runs need. What is not installed is left out: its own run will say so."""
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for module, function in REHEARSE:
        with contextlib.suppress(ImportError):
            getattr(importlib.import_module(module), function)()
    # What is loaded now stays: the collector need not touch it in the children, whose memory is shared until written to.
    gc.collect()
    gc.freeze()
