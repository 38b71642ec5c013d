"""./check_permissions.sh, and the examples of docs/policies.md."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.policy_support import ROOT


def run_script(*arguments: str, script: Path = ROOT / "check_permissions.sh", **more: Any) -> tuple[int, str, str]:
    done = subprocess.run(["sh", str(script), *arguments], capture_output=True, text=True, check=False, **more)
    return done.returncode, done.stdout, done.stderr


def with_command(folder: Path) -> Path:
    """A folder like the repository's, whose virtual environment has the command."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    command = folder / ".venv" / "bin" / "automation"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m automation_scripts.cli "$@"\n')
    command.chmod(0o755)
    shutil.copy(ROOT / "check_permissions.sh", folder)
    return folder / "check_permissions.sh"


def test_the_script_works_from_any_folder_and_through_links(shell: Shell, tmp_path: Path) -> None:
    script = with_command(tmp_path / "with space")
    links = tmp_path / "links"
    links.mkdir()
    (links / "absolute").symlink_to(script)
    (links / "relative").symlink_to("absolute")
    code, out, err = run_script("--user=admin", "--environment=production", script=links / "relative", cwd="/")
    assert (code, err) == (0, "")
    assert "deployment_automation yes" in out
    assert run_script("--user=viewer", "--environment=production", script=script, cwd="/")[0] == 1
    code, out, err = run_script("--user=a b; exit 0", "--environment=production", script=script)
    assert (code, out) == (2, "")
    assert "there is no user 'a b; exit 0'" in err


def test_the_script_is_executable_and_says_how_to_set_up(tmp_path: Path) -> None:
    original = ROOT / "check_permissions.sh"
    assert original.stat().st_mode & 0o111 == 0o111
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(original, alone)
    code, out, err = run_script("--user=admin", script=alone / "check_permissions.sh", env={"PATH": "/usr/bin:/bin"})
    assert (code, out) == (2, "")
    assert "pip install -r requirements.txt" in err


def test_the_script_takes_the_command_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "automation"
    command.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 1\n')
    command.chmod(0o755)
    copy = shutil.copy(ROOT / "check_permissions.sh", tmp_path)
    code, out, _ = run_script("--user=a b", script=Path(copy), env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    assert (code, out) == (1, "policy|matrix|--user=a b|")


def _blocks() -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "policies.md").read_text(), re.DOTALL):
        yield found[1], found[2]


def test_the_examples_of_the_document_work_in_their_order(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with_command(tmp_path)
    commands = 0
    for language, text in _blocks():
        if language != "bash":
            named = re.match(r"(?:#|//) (\S+)\n", text)
            assert named, text
            (tmp_path / named[1]).write_text(text)
            continue
        for line in text.splitlines():
            wanted = int(found[1]) if (found := re.search(r"# exits (\d)$", line)) else 0
            code = _run_line(shell, line)
            assert code == wanted, line
            commands += 1
    assert commands > 10


def _run_line(shell: Shell, line: str) -> int:
    if line.startswith("automation "):
        return shell(*shlex.split(line, comments=True)[1:]).code
    return subprocess.run(["sh", "-c", line], capture_output=True, check=False).returncode
