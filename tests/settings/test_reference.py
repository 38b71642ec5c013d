"""The commented reference file is the documentation of the settings: it must say what the program does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel

from automation_scripts.catalog import SCRIPTS
from automation_scripts.settings import REFERENCE, Configuration, load_settings
from automation_scripts.settings.environ import KEYS
from automation_scripts.settings.explain import expected

ROOT = Path(__file__).parents[2]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the model; for `scripts`, those of one script."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        inner = field.annotation
        if get_origin(inner) is dict:
            inner = get_args(inner)[1]
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from fields(inner, f"{prefix}{name}.config_validator.")
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{prefix}{name}.")


def written(data: Any, prefix: str = "") -> Iterator[str]:
    for name, value in data.items() if isinstance(data, dict) else ():
        yield f"{prefix}{name}"
        yield from written(value, f"{prefix}{name}.")


def test_it_holds_the_defaults() -> None:
    reference, defaults = load_settings(REFERENCE, {}), load_settings(None, {})
    apart = {"config_path", "scripts"}
    assert reference.model_dump(exclude=apart) == defaults.model_dump(exclude=apart)
    for script in SCRIPTS.values():
        assert reference.timeout_for(script) == defaults.timeout_for(script)
        assert reference.level_for(script, "production") == defaults.level_for(script, "production")
        assert reference.retries_for(script) == defaults.retries_for(script)


def test_it_holds_every_key_and_explains_each() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    keys = set(written(yaml.safe_load(text)))
    assert set(fields(Configuration)) - keys == set()
    assert all(name in text for name in (*KEYS, "AUTOMATION_CONFIG_PATH", "AUTOMATION_HOME"))


def test_every_value_of_it_stands_below_a_comment() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    explained = {'window: "1h"', 'severity: "critical"', 'severity: "warning"', 'threshold: "2x_baseline"'}
    for before, line in pairwise(lines):
        value = line.strip()
        if value and not value.startswith("#") and not value.endswith(":") and value not in explained:
            assert before.strip().startswith("#"), f"{value!r} is not explained"


def test_every_type_says_what_is_allowed() -> None:
    for name, field in Configuration.model_fields.items():
        assert expected(field.annotation) or field.metadata, name


def test_the_example_is_the_specified_file_and_loads() -> None:
    settings = load_settings(ROOT / "examples" / "config.yaml", {})
    assert settings.alerts.script_failure_rate.threshold == 0.05
    assert [channel.value for channel in settings.automation.notification_channels] == [
        "email",
        "slack",
        "webhook",
    ]


def test_the_page_names_every_variable_and_section() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = [*KEYS, "AUTOMATION_CONFIG_PATH", "AUTOMATION_HOME", *Configuration.model_fields]
    assert [name for name in names if name not in page] == []
