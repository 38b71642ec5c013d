"""Governed automation on Prefect: configuration checks, deployments and system operations.

    from automation_scripts import AutomationOrchestrator, ExecutionContext

Importing this package is fast: what a name needs is imported when the name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automation_scripts.context import ExecutionContext
    from automation_scripts.orchestrator import AutomationOrchestrator
    from automation_scripts.results import ExecutionResult

__all__ = ["AutomationOrchestrator", "ExecutionContext", "ExecutionResult"]

_HOMES = {
    "AutomationOrchestrator": "automation_scripts.orchestrator",
    "ExecutionContext": "automation_scripts.context",
    "ExecutionResult": "automation_scripts.results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
