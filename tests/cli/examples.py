"""Runs the examples of a document, in their order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Shell
from tests.cli.policy_support import ROOT

_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    """The blocks of one language in docs/<document>."""
    text = (ROOT / "docs" / document).read_text()
    return [found[2] for found in _BLOCK.finditer(text) if found[1] == language]


def run_examples(shell: Shell, document: str, folder: Path) -> int:
    """Run each line of the bash blocks in `folder`; a line may end in `# exits N`. Returns how many there were.

    Python blocks begin with the name of their file, and are written there before.
    """
    for text in blocks(document, "python"):
        named = re.match(r"# (\S+)\n", text)
        assert named, text
        (folder / named[1]).write_text(text)
    lines = [line for text in blocks(document, "bash") for line in text.splitlines()]
    for line in lines:
        wanted = int(found[1]) if (found := re.search(r"# exits (\d)$", line)) else 0
        assert _run(shell, line) == wanted, line
    return len(lines)


def _run(shell: Shell, line: str) -> int:
    words = shlex.split(line, comments=True)
    target = words.pop() if ">" in words else None
    if words[0] != "automation":
        line = line.replace("python ", f"{sys.executable} ")
        return subprocess.run(["bash", "-c", line], capture_output=True, check=False).returncode
    answer = shell(*(word for word in words[1:] if word != ">"))
    if target is not None:
        Path(target).write_text(answer.out)
    return answer.code
