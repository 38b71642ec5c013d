"""The `automation` command at a terminal of its own (a pty), where it asks and does not echo."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

_LIMIT_S = 60.0  # for a machine that is busy; nothing waits for it to pass
_START = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal that getpass asks on
sys.argv[0] = "automation"
from automation_scripts.cli import main
main()
"""


class Terminal:
    """One command. `shown` is all that the terminal showed."""

    def __init__(self, *arguments: str) -> None:
        self.shown = ""
        self._seen = 0
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def expect(self, text: str) -> str:
        """Wait until the text is shown; returns all up to it since the last time."""
        while text not in self.shown[self._seen :]:
            assert self._read(), f"{text!r} was never shown: {self.shown}"
        end = self.shown.index(text, self._seen) + len(text)
        before, self._seen = self.shown[self._seen : end], end
        return before

    def answer(self, prompt: str, text: str) -> None:
        """Wait for a question and answer it."""
        self.expect(prompt)
        self.expect(": ")
        self.send(text)

    def send(self, text: str, *, line: bool = True) -> None:
        """Type it."""
        os.write(self._ours, text.encode() + (b"\n" if line else b""))

    def end(self, code: int) -> str:
        """Wait for the end, which must come with this exit code; returns what was shown since the last time."""
        while self._read():
            pass
        assert self._process.wait(_LIMIT_S) == code, self.shown
        assert "Traceback" not in self.shown
        return self.shown[self._seen :]

    def _read(self) -> bool:
        deadline = time.monotonic() + _LIMIT_S
        ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came: {self.shown}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)
