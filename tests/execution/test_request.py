"""A request is well formed, or refused with everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts import ExecutionContext, catalog
from automation_scripts.catalog import Level
from automation_scripts.errors import AccessDenied, InvalidParameters, UnknownScript
from automation_scripts.execution.admission import check_start
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.settings import Settings, load_settings

VALIDATOR = catalog.get("config_validator")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(environ={"AUTOMATION_HOME": str(tmp_path)})


def _settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return load_settings(file, environ={"AUTOMATION_HOME": str(tmp_path)})


def test_defaults_are_filled_in(settings: Settings) -> None:
    request = resolve(VALIDATOR, {"config_path": "x"}, None, Trigger.CLI, settings)
    assert request.context.user
    assert request.context.request_id.startswith("req_")
    assert request.context.environment == "development"
    assert request.execution_id.startswith("exec_")


def test_every_problem_is_told_at_once_with_field_value_and_what_is_allowed(settings: Settings) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        resolve(
            VALIDATOR,
            {"validation_rules": "strikt", "max_file_mb": -1, "aply_fixes": True},
            None,
            Trigger.CLI,
            settings,
        )
    said = str(refusal.value)
    assert "'config_path' is required" in said
    assert "'strict', 'standard' or 'lenient'" in said
    assert "'strikt'" in said
    assert "greater than 0" in said
    assert "unknown parameter 'aply_fixes'. Did you mean 'apply_fixes'?" in said


@pytest.mark.parametrize("environment", ["prodution", "", "a\nb", "x" * 65])
def test_an_unknown_environment_is_refused(settings: Settings, environment: str) -> None:
    with pytest.raises(InvalidParameters, match="environment"):
        resolve(VALIDATOR, {"config_path": "x"}, {"environment": environment}, Trigger.CLI, settings)


def test_a_typo_in_the_environment_names_the_nearest(settings: Settings) -> None:
    with pytest.raises(InvalidParameters, match="Did you mean 'production'"):
        resolve(VALIDATOR, {"config_path": "x"}, {"environment": "prodution"}, Trigger.CLI, settings)


def test_an_unknown_field_of_the_context_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidParameters, match="unknown parameter 'usr'. Did you mean 'user'"):
        resolve(VALIDATOR, {"config_path": "x"}, {"usr": "me"}, Trigger.CLI, settings)


def test_parameters_that_are_no_mapping_are_refused(settings: Settings) -> None:
    with pytest.raises(InvalidParameters, match="mapping"):
        resolve(VALIDATOR, ["config_path"], None, Trigger.CLI, settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [script.name for script in catalog.SCRIPTS.values() if not script.available])
def test_a_planned_script_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(UnknownScript, match="planned"):
        resolve(catalog.get(name), {}, None, Trigger.CLI, settings)


def test_the_callers_context_is_not_changed(settings: Settings) -> None:
    context = ExecutionContext(environment="staging")
    resolve(VALIDATOR, {"config_path": "x"}, context, Trigger.CLI, settings)
    assert context.user == ""


def test_the_context_is_checked_when_a_field_is_set_later() -> None:
    context = ExecutionContext()
    context.dry_run = True
    with pytest.raises(ValueError, match="dry_run"):
        context.dry_run = "perhaps"  # type: ignore[assignment]


def test_a_manual_script_is_not_started_by_a_schedule(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "scripts: {config_validator: {level: manual}}")
    by_schedule = resolve(VALIDATOR, {"config_path": "x"}, None, Trigger.SCHEDULE, settings)
    with pytest.raises(AccessDenied, match="only a person"):
        check_start(by_schedule)
    check_start(resolve(VALIDATOR, {"config_path": "x"}, None, Trigger.CLI, settings))


def test_the_level_of_an_environment_wins(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "scripts: {config_validator: {levels: {production: manual}}}")
    request = resolve(VALIDATOR, {"config_path": "x"}, {"environment": "production"}, Trigger.SCHEDULE, settings)
    assert request.level is Level.MANUAL
