"""The catalogue: what each script is called, does, needs and may do. A new script is one entry here.

Flows and parameter models are named by `module:attribute` strings and imported when they are used, so the
catalogue is cheap to read and the library never imports `flows`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from automation_scripts.errors import UnknownScript
from automation_scripts.suggest import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel


class Category(StrEnum):
    """The six kinds of script."""

    VALIDATION = "validation"
    DEPLOYMENT = "deployment"
    MONITORING = "monitoring"
    SECURITY = "security"
    PERFORMANCE = "performance"
    COMPLIANCE = "compliance"

    @property
    def label(self) -> str:
        """The category as people read it, e.g. `Validation` (`title` is taken: every str has it)."""
        return self.value.capitalize()


class Level(StrEnum):
    """How much a script may do without a person, from least to most."""

    MANUAL = "manual"
    """Starts only by a person's own request."""
    SEMI_AUTOMATIC = "semi_automatic"
    """May be started by anything; waits until a person confirms its plan."""
    AUTOMATIC = "automatic"
    """Runs by itself."""
    AI_DRIVEN = "ai_driven"
    """A model decides whether, when and with which parameters."""
    SELF_HEALING = "self_healing"
    """Also repairs by runbook."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script of the catalogue. One without an `entrypoint` is planned: listed, but it cannot run."""

    name: str
    category: Category
    summary: str
    level: Level
    """The automation level when the settings say nothing."""
    permissions: tuple[str, ...]
    """What a caller's role must grant, as `resource:action`."""
    changes_things: bool
    """True when a run may change a system, so that it needs a recovery point first."""
    entrypoint: str | None = None
    """The flow, as `module:function`; None while the script is planned."""
    parameters: str | None = None
    """The pydantic model of its parameters, as `module:Class`; None while the script is planned."""
    timeout_s: float | None = None
    """Its own time limit in seconds; None takes `automation.default_timeout`."""
    retries: int = 0
    """How often a task that failed on the outside world (disk, network) is tried again."""

    @property
    def available(self) -> bool:
        """True when the script is built and can run."""
        return self.entrypoint is not None

    def require_available(self) -> Self:
        """This script, when it can run. Raises UnknownScript for a planned one."""
        if not self.available:
            can_run = ", ".join(name for name, script in SCRIPTS.items() if script.available)
            raise UnknownScript(f"script '{self.name}' is planned, cannot run yet. Scripts that can run: {can_run}.")
        return self

    def parameters_model(self) -> type[BaseModel]:
        """The model that checks the parameters, imported now. Raises UnknownScript for a planned script."""
        reference = self.require_available().parameters
        assert reference is not None, f"script '{self.name}' has a flow but no parameters model"
        model: type[BaseModel] = _resolve(reference)
        return model

    def flow(self) -> Any:
        """The flow object, imported now (this imports Prefect). Raises UnknownScript for a planned script."""
        reference = self.require_available().entrypoint
        assert reference is not None
        return _resolve(reference)


def _resolve(reference: str) -> Any:
    """What a `module:attribute` string names."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


_ENTRIES = (
    Script(
        name="config_validator",
        category=Category.VALIDATION,
        summary="Checks YAML and JSON configurations (schema, rules, consistency, security); proposes fixes.",
        level=Level.AUTOMATIC,
        permissions=("config:read",),
        changes_things=False,
        entrypoint="flows.validation:validate_configuration",
        parameters="automation_scripts.validation.parameters:ConfigValidatorParameters",
        retries=2,
    ),
    Script(
        name="deployment_automation",
        category=Category.DEPLOYMENT,
        summary="Blue-green deployments and canary releases, tested afterwards, rolled back on errors.",
        level=Level.SEMI_AUTOMATIC,
        permissions=("deployment:read", "deployment:write"),
        changes_things=True,
    ),
    Script(
        name="security_scanner",
        category=Category.SECURITY,
        summary="Scans for vulnerabilities: code analysis, dependencies with known CVEs, OWASP compliance.",
        level=Level.AUTOMATIC,
        permissions=("code:read", "dependency:read"),
        changes_things=False,
    ),
    Script(
        name="performance_optimizer",
        category=Category.PERFORMANCE,
        summary="Tunes parameters, predicts bottlenecks and recommends how to scale.",
        level=Level.AI_DRIVEN,
        permissions=("performance:read", "performance:write"),
        changes_things=True,
    ),
    Script(
        name="compliance_auditor",
        category=Category.COMPLIANCE,
        summary="Audits against GDPR, HIPAA, SOX and ISO 27001, reports, and guides the remediation.",
        level=Level.AUTOMATIC,
        permissions=("compliance:read",),
        changes_things=False,
    ),
    Script(
        name="system_monitor",
        category=Category.MONITORING,
        summary="Watches hosts and services, feeds alerts and models, and heals by runbook.",
        level=Level.SELF_HEALING,
        permissions=("host:read", "service:read", "service:write"),
        changes_things=True,
    ),
)

SCRIPTS: Mapping[str, Script] = MappingProxyType({script.name: script for script in _ENTRIES})
"""Every script by name, planned ones too, in the order of the documentation."""


def get(name: str) -> Script:
    """The script of this name, planned or not. Raises UnknownScript, naming the nearest one."""
    script = SCRIPTS.get(name)
    if script is None:
        guess = nearest(name, SCRIPTS)
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise UnknownScript(f"there is no script {name!r}.{hint} Known scripts: {', '.join(SCRIPTS)}.")
    return script
