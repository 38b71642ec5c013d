"""The hooks as the pre-commit tool runs them, in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.validation.team.test_changed import committed, git
from tests.validation.team.trees import write

HOOKS = Path(__file__).parents[3] / ".pre-commit-hooks.yaml"
BROKEN = "a: 'not closed\nb: 1\n"


def test_the_manifest_names_the_command_that_there_is() -> None:
    from typer.main import get_command

    from automation_scripts.cli.app import build_app

    command = get_command(build_app()).commands["validate"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts}
    for hook in yaml.safe_load(HOOKS.read_text()):
        assert hook["entry"].startswith("automation validate")
        assert {word for word in hook["entry"].split() if word.startswith("--")} <= options
        assert hook["types_or"] == ["yaml", "json"]


def run(project: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
    }
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        check=False,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("hook", ["automation-validate", "automation-validate-changes"])
def test_a_commit_is_stopped_by_a_mistake_and_passes_without(tmp_path: Path, hook: str) -> None:
    hooks = committed(tmp_path / "hooks", {".pre-commit-hooks.yaml": HOOKS.read_text()})
    # As installed, but with the commands of this environment: what is installed from the hook's repository is not shown.
    chosen = {"id": hook, "language": "system"}
    config = {"repos": [{"repo": hooks.as_uri(), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": [chosen]}]}
    project = committed(
        tmp_path / "project",
        {".pre-commit-config.yaml": yaml.safe_dump(config), "db.yaml": "services:\n  db:\n    image: postgres:16\n"},
    )
    write(project, {"bad.yaml": BROKEN, "a b.json": '{"a": 1}'})
    git(project, "add", "-A")
    stopped = run(project, tmp_path, "run", "--config", ".pre-commit-config.yaml")
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "bad.yaml" in stopped.stdout
    assert "Traceback" not in stopped.stdout + stopped.stderr
    write(project, {"bad.yaml": "a: 1\n"})
    git(project, "add", "-A")
    passed = run(project, tmp_path, "run", "--config", ".pre-commit-config.yaml")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout


@pytest.mark.slow
def test_the_tool_accepts_the_manifest(tmp_path: Path) -> None:
    done = run(tmp_path, tmp_path, "validate-manifest", str(HOOKS))
    assert done.returncode == 0, done.stdout + done.stderr
