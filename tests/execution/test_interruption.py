"""What processes that a run starts are given."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from automation_scripts.execution.interruption import MARK, marked_environment
from automation_scripts.settings.environ import SECRETS


def test_a_child_process_has_none_of_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"AUTOMATION_TOKEN", "AUTOMATION_ENCRYPTION_KEY", "AUTOMATION_ENCRYPTION_KEY_PREVIOUS"} <= set(SECRETS)
    for name in SECRETS:
        monkeypatch.setenv(name, f"canary-{name}")
    monkeypatch.setenv("AUTOMATION_HOME", "/somewhere")
    given = marked_environment("exec_1")
    assert (given[MARK], given["AUTOMATION_HOME"]) == ("exec_1", "/somewhere")
    code = "import os; print(*(f'{name}={value}' for name, value in os.environ.items()), sep='\\n')"
    seen = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True).stdout
    assert f"{MARK}=exec_1" in seen
    assert "canary" not in seen
    assert os.environ["AUTOMATION_TOKEN"] == "canary-AUTOMATION_TOKEN", "the process itself keeps them"
