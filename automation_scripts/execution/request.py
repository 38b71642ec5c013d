"""From what a caller typed to a request that is known to be well formed."""

from __future__ import annotations

import os
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from automation_scripts.catalog import Level, Script
from automation_scripts.context import ExecutionContext
from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.credentials import NOTHING, Presented
from automation_scripts.observability.redaction import is_secret
from automation_scripts.secret_reference import ALLOWED, is_reference
from automation_scripts.suggest import nearest

if TYPE_CHECKING:
    from automation_scripts.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


class Trigger(StrEnum):
    """What started a run."""

    CLI = "cli"
    PYTHON = "python"
    API = "api"
    UI = "ui"
    SCHEDULE = "schedule"

    @property
    def by_person(self) -> bool:
        """True when a person asked for this very run."""
        return self not in (Trigger.SCHEDULE,)


def new_trace_id() -> str:
    """The trace that the caller belongs to (`TRACEPARENT`), or a fresh one: 32 hexadecimal digits (W3C Trace Context)."""
    parts = os.environ.get("TRACEPARENT", "").split("-")
    if len(parts) >= 4 and re.fullmatch(r"[0-9a-f]{32}", parts[1]) and parts[1] != "0" * 32:
        return parts[1]
    return secrets.token_hex(16)


def new_execution_id() -> str:
    """A fresh execution identifier."""
    return f"exec_{uuid.uuid4().hex[:16]}"


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """A well-formed request: which script, with what, for whom, started by what."""

    script: Script
    parameters: BaseModel
    context: ExecutionContext
    trigger: Trigger
    level: Level
    credential: Presented = NOTHING
    execution_id: str = field(default_factory=new_execution_id)
    attempt: int = 1
    trace_id: str = field(default_factory=new_trace_id)

    @property
    def intends_changes(self) -> bool:
        """Whether the run would apply its plan, as far as can be told before it is made."""
        asked = getattr(self.parameters, "intends_changes", self.script.changes_things)
        return bool(asked) and not self.context.dry_run


def resolve(
    script: Script,
    parameters: Mapping[str, Any],
    context: ExecutionContext | Mapping[str, Any] | None,
    trigger: Trigger,
    settings: Settings,
    *,
    credential: Presented = NOTHING,
    execution_id: str = "",
    attempt: int = 1,
) -> ExecutionRequest:
    """Check what a caller gave against the script's own parameters and the known environments.

    Raises:
        InvalidParameters: a field is unknown, missing or wrong; the message names each with its value and what is allowed.
        UnknownScript: the script is planned and cannot run yet.
    """
    script.require_available()
    checked = parse(ExecutionContext, context or {}, "context").resolved()
    settings.require_environment(checked.environment)
    accepted = parse(script.parameters_model(), parameters, f"{script.name}")
    _refuse_clear_secrets(script, accepted)
    return ExecutionRequest(
        script=script,
        parameters=accepted,
        context=checked,
        trigger=trigger,
        level=settings.level_for(script, checked.environment),
        credential=credential,
        execution_id=execution_id or new_execution_id(),
        attempt=attempt,
    )


def _refuse_clear_secrets(script: Script, parameters: BaseModel) -> None:
    """What is called like a secret must be a reference: Prefect stores parameters, and shows them to all who may look."""
    for name, value in parameters.model_dump(mode="json").items():
        if isinstance(value, str) and value and is_secret(name) and not is_reference(value):
            raise InvalidParameters(
                f"{script.name}: parameter '{name}' holds a secret, and Prefect would store it. Give a reference to it: "
                f"{ALLOWED}. If it was a real one, change it: it may have been logged."
            )


def parse(model: type[Model], data: Mapping[str, Any] | Model, where: str) -> Model:
    """`data` as a `model`; all problems at once, each with field, value and what is allowed.

    Raises:
        InvalidParameters: with one line a problem.
    """
    if isinstance(data, model):
        return data.model_copy()
    if not isinstance(data, Mapping):
        raise InvalidParameters(f"{where}: expected a mapping of parameter names to values, got {data!r}.")
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise InvalidParameters(_explain(model, error, where)) from None


def _explain(model: type[BaseModel], error: ValidationError, where: str) -> str:
    known = list(model.model_fields)
    lines = []
    for problem in error.errors(include_url=False):
        name = ".".join(str(step) for step in problem["loc"]) or "(all)"
        value = problem.get("input")
        if problem["type"] == "extra_forbidden":
            guess = nearest(name, known)
            hint = f" Did you mean '{guess}'?" if guess else ""
            lines.append(f"{where}: unknown parameter '{name}'.{hint} Known: {', '.join(known)}.")
        elif problem["type"] == "missing":
            lines.append(f"{where}: parameter '{name}' is required: {_described(model, name)}")
        else:
            lines.append(f"{where}: parameter '{name}': {problem['msg']} (got {_shown(value)}).")
    return "\n".join(lines)


def _described(model: type[BaseModel], name: str) -> str:
    field_info = model.model_fields.get(name)
    return (field_info.description if field_info and field_info.description else "no description") + " "


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
