"""Where the output goes: terminals, pipes that close, disks that are full, encodings that are poor."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from automation_scripts.results import Finding, Severity
from tests.cli.conftest import ACTED_UPON, EVIL, Shell

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(*arguments: str, columns: int) -> str:
    """What the command writes to a terminal of that width."""
    terminal, end = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "automation_scripts.cli", *arguments], stdout=end, stderr=end, env=environment
    )
    os.close(end)
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    assert process.wait() == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def fill(shell: Shell) -> None:
    evil = Finding("a/rule", Severity.HIGH, EVIL, file="a.yaml", line=3)
    shell.add("exec_0123456789abcdef", "failed", user=EVIL, findings=[evil], measured={"error_message": f"{EVIL} " * 9})
    shell.add("exec_fedcba9876543210", "succeeded", began=timedelta(hours=3))


@pytest.mark.parametrize("columns", [80, 160])
def test_a_terminal_gets_colours_of_ours_only_and_lines_that_fit(shell: Shell, columns: int) -> None:
    fill(shell)
    text = on_a_terminal("history", columns=columns)
    assert "\x1b[1;31mfailed" in text
    plain = COLOURS.sub("", text)
    assert not any(character in plain for character in ACTED_UPON)
    lines = plain.splitlines()
    assert len(lines) == 3
    assert all(len(line) <= columns for line in lines)
    assert lines[1].startswith("exec_0123456")
    assert "config_validator" in lines[1]
    assert ("ago" in lines[1]) == (columns == 80)


def test_a_run_on_a_terminal(shell: Shell) -> None:
    fill(shell)
    text = COLOURS.sub("", on_a_terminal("show", "exec_01", columns=80))
    assert "[link=https://evil.example]y[/link]" in text
    assert not any(character in text for character in ACTED_UPON)


def test_a_pipe_gets_no_colours_and_whole_rows(shell: Shell) -> None:
    fill(shell)
    done = shell.process("automation history | cat", COLUMNS="40")
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 3


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    for number in range(60):
        shell.add(f"exec_{number}")
    for command in ("history --limit 60", "history --limit 60 --format json"):
        done = shell.process(f"automation {command} | head -1")
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["scripts", "history --format json", "history --format csv"])
def test_a_full_disk_is_told_and_fails(shell: Shell, command: str) -> None:
    shell.add()
    done = shell.process(f"automation {command} > /dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "utf-8"])
def test_a_poor_encoding_costs_characters_but_no_output(
    shell: Shell, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.add(user="Zoë 雪", findings=[Finding("r", Severity.LOW, "→ — 雪", suggestion="more")])

    def written(*arguments: str) -> str:
        raw = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
            assert shell(*arguments).code == 0
            sys.stdout.flush()
            return raw.getvalue().decode(encoding)

    for command in ("history", "show last", "stats", "scripts", "doctor", "history --format csv"):
        assert written(*command.split())
    assert json.loads(written("history", "--format", "json"))[0]["user"] == "Zoë 雪"


def test_an_argument_that_is_no_text_is_refused_in_words(shell: Shell) -> None:
    done = shell.process(r"automation show $'x\xff\x1b[31m'")
    assert done.returncode == 2
    assert "No run" in done.stderr
    assert "\x1b" not in done.stderr
