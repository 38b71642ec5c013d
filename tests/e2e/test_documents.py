"""The examples of the README and the ones the users were promised, run as they are written."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest

from automation_scripts import AutomationOrchestrator, ExecutionContext
from automation_scripts.errors import UnknownScript
from automation_scripts.results import ExecutionResult
from tests.e2e.conftest import ROOT, Installation

pytestmark = [pytest.mark.slow]
README = (ROOT / "README.md").read_text()


# The people of that section are asked for passwords and codes. The same steps, run for real, are the example of
# docs/approvals.md (tests/cli/test_approvals.py); that its commands exist is checked with the other documents.
ATTENDED = "## Who may do what"


def _blocks(language: str) -> list[str]:
    before, _, after = README.partition(ATTENDED)
    unattended = before + after[after.index("\n## ") :]
    return re.findall(rf"```{language}\n(.*?)```", unattended, re.DOTALL)


COMMANDS = [
    line.split("#")[0].strip()
    for block in _blocks("bash")
    for line in block.splitlines()
    if line.startswith("automation ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_readme_works(installation: Installation, command: str, tmp_path: Path) -> None:
    words = [str(tmp_path / word) if word.endswith(".sarif") else word for word in shlex.split(command)[1:]]
    if words[0] == "show":
        assert installation.run("run", "config_validator", "-p", "config_path=examples/config").returncode in (0, 1)
    done = installation.run(*words)
    # 1 is an answer too: the examples hold mistakes on purpose.
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stdout + done.stderr


async def _execute(installation: Installation, code: str, **names: object) -> dict[str, object]:
    body = "async def example():\n" + textwrap.indent(code, "    ") + "\n    return locals()\n"
    space: dict[str, object] = dict(names)
    exec(compile(body, "example", "exec"), space)
    return await space["example"]()  # type: ignore[operator, no-any-return]


async def test_the_python_example_of_the_readme_works(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in installation.environment.items():
        if key.startswith("AUTOMATION_"):
            monkeypatch.setenv(key, value)
    monkeypatch.chdir(ROOT)
    (code,) = _blocks("python")
    result = (await _execute(installation, code))["result"]
    assert isinstance(result, ExecutionResult)
    assert result.status == "succeeded"
    assert result.findings


async def test_validating_in_staging_works_as_promised(installation: Installation, bad_config: Path) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    context = ExecutionContext(environment="staging", user="admin", request_id="req_12345")
    result = await orchestrator.execute_script(
        script_name="config_validator",
        context=context,
        parameters={"config_path": str(bad_config), "validation_rules": "strict"},
    )
    assert result["status"] == "succeeded"
    assert result["findings"]


async def test_deploying_in_production_is_refused_clearly_until_it_is_built(installation: Installation) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    context = ExecutionContext(environment="production", user="release-manager", approval_id="approval_67890")
    with pytest.raises(UnknownScript, match="deployment_automation.*planned"):
        await orchestrator.execute_script(
            script_name="deployment_automation",
            context=context,
            parameters={"target": "production", "version": "v2.1.0", "strategy": "blue-green"},
        )


async def test_a_dry_run_of_the_optimizer_is_refused_clearly_until_it_is_built(installation: Installation) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    context = ExecutionContext(environment="production", user="release-manager", approval_id="approval_67890")
    context.dry_run = True
    with pytest.raises(UnknownScript, match="performance_optimizer.*planned"):
        await orchestrator.execute_script(
            script_name="performance_optimizer", context=context, parameters={"target": "response_time"}
        )


async def test_a_dry_run_predicts_and_changes_nothing(installation: Installation, bad_config: Path) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    context = ExecutionContext(environment="production")
    context.dry_run = True
    before = (bad_config / "compose.yaml").read_bytes()
    result = await orchestrator.execute_script(
        script_name="config_validator",
        context=context,
        parameters={"config_path": str(bad_config), "apply_fixes": True},
    )
    assert result["status"] == "dry_run"
    assert [change.resource for change in result["predicted_changes"]]
    assert (bad_config / "compose.yaml").read_bytes() == before


async def test_fixes_are_applied_and_validated_again(installation: Installation, bad_config: Path) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    file = bad_config / "compose.yaml"
    file.chmod(0o640)
    result = await orchestrator.execute_script(
        "config_validator",
        ExecutionContext(environment="staging"),
        {"config_path": str(bad_config), "apply_fixes": True},
    )
    assert result.status == "succeeded"
    assert result.changes == result.predicted_changes
    assert "environment:" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640
    assert not any("unknown-key" in finding.tags for finding in result.findings)


def test_fixing_in_production_is_refused_and_nothing_is_written(installation: Installation, bad_config: Path) -> None:
    before = (bad_config / "compose.yaml").read_bytes()
    done = installation.run(
        "run", "config_validator", "-p", f"config_path={bad_config}", "-p", "apply_fixes=true", "-e", "production"
    )
    assert done.returncode == 2
    assert "a change in a protected environment needs another person's approval" in done.stderr
    assert (bad_config / "compose.yaml").read_bytes() == before
