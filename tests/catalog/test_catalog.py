"""The catalogue: six scripts, one of them built, and errors that help."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from automation_scripts import catalog
from automation_scripts.catalog import SCRIPTS, Category, Level, Script
from automation_scripts.errors import UnknownScript

PLANNED = [name for name in SCRIPTS if name != "config_validator"]


def test_holds_the_six_scripts_one_of_each_category() -> None:
    assert list(SCRIPTS) == [
        "config_validator",
        "deployment_automation",
        "security_scanner",
        "performance_optimizer",
        "compliance_auditor",
        "system_monitor",
    ]
    assert {script.category for script in SCRIPTS.values()} == set(Category)
    assert all(script.name == name and script.summary and script.permissions for name, script in SCRIPTS.items())


def test_levels_are_the_five_of_the_specification() -> None:
    assert [level.value for level in Level] == [
        "manual",
        "semi_automatic",
        "automatic",
        "ai_driven",
        "self_healing",
    ]


def test_a_category_has_a_label_for_people() -> None:
    assert Category.SECURITY == "security"
    assert Category.SECURITY.label == "Security"


def test_config_validator_can_run_and_changes_nothing() -> None:
    script = catalog.get("config_validator")
    assert script.require_available() is script
    assert not script.changes_things
    assert script.timeout_s is None, "AUTOMATION_DEFAULT_TIMEOUT must be able to raise its limit"


@pytest.mark.parametrize("name", PLANNED)
def test_a_planned_script_is_listed_and_refused(name: str) -> None:
    script = catalog.get(name)
    assert not script.available
    for call in (script.require_available, script.parameters_model, script.flow):
        with pytest.raises(UnknownScript, match=f"'{name}' is planned, cannot run yet.*config_validator"):
            call()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("config_validater", "config_validator"),
        ("config-validator", "config_validator"),
        ("Config_Validator", "config_validator"),
        ("sytem_monitor", "system_monitor"),
    ],
)
def test_an_unknown_name_gets_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(UnknownScript, match=f"Did you mean '{meant}'"):
        catalog.get(written)


@pytest.mark.parametrize("written", ["", "config", "deploy\x1b[31m", "__class__", "x" * 5000])
def test_a_name_far_from_all_lists_them_and_shows_no_control_characters(written: str) -> None:
    with pytest.raises(UnknownScript) as caught:
        catalog.get(written)
    assert "Did you mean" not in str(caught.value)
    assert "compliance_auditor" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_entries_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        catalog.get("config_validator").level = Level.MANUAL  # type: ignore[misc]
    with pytest.raises(TypeError):
        SCRIPTS["other"] = catalog.get("config_validator")  # type: ignore[index]


def test_references_are_resolved_when_used() -> None:
    script = dataclasses.replace(
        catalog.get("config_validator"),
        entrypoint="json:dumps",
        parameters="automation_scripts.settings:Configuration",
    )
    assert script.flow()(1) == "1"
    assert script.parameters_model().__name__ == "Configuration"
    broken = dataclasses.replace(script, entrypoint="no_such_module:flow")
    with pytest.raises(ModuleNotFoundError):
        broken.flow()


def test_planned_entries_name_no_flow_that_does_not_exist() -> None:
    assert all(SCRIPTS[name].entrypoint is None and SCRIPTS[name].parameters is None for name in PLANNED)


def test_reading_the_catalogue_imports_nothing_heavy() -> None:
    code = (
        "import sys, automation_scripts.catalog, automation_scripts.states;"
        "print([m for m in ('prefect', 'pydantic', 'pandas', 'yaml', 'flows', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_script_without_an_entrypoint_is_planned_whatever_else_it_says() -> None:
    script = Script("x", Category.SECURITY, "x", Level.MANUAL, ("x:read",), False, parameters="json:dumps")
    assert not script.available
