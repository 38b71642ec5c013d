"""Governed automation on Prefect: configuration checks, deployments and system operations.

    from automation_scripts import AutomationOrchestrator, ExecutionContext

Importing this package is fast: what a name needs is imported when the name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from automation_scripts.lazy import lazy_names

if TYPE_CHECKING:
    from automation_scripts.context import ExecutionContext
    from automation_scripts.orchestrator import AutomationOrchestrator
    from automation_scripts.results import ExecutionResult

__all__ = ["AutomationOrchestrator", "ExecutionContext", "ExecutionResult"]

__getattr__ = lazy_names(
    __name__,
    {
        "AutomationOrchestrator": "automation_scripts.orchestrator",
        "ExecutionContext": "automation_scripts.context",
        "ExecutionResult": "automation_scripts.results",
    },
)
