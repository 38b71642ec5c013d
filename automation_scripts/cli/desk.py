"""Where a person at a terminal is asked for a second factor while a run waits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automation_scripts.cli.progress import RunDisplay
    from automation_scripts.governance.credentials import Presented


def desk(display: RunDisplay) -> TerminalDesk | None:
    """The terminal's desk; None when nobody sits at one."""
    return TerminalDesk(display) if sys.stdin.isatty() and sys.stderr.isatty() else None


class TerminalDesk:
    """Asks on the terminal, without echo."""

    waits_for_decisions = False
    """Nobody keeps a terminal open for hours: the command ends and tells what to do once the approval is there."""

    def __init__(self, display: RunDisplay) -> None:
        self._display = display

    identifies = False
    """Whoever sits at a terminal logs in with `automation login`, where a password can be asked for."""

    async def identify(self, message: str, actor: str) -> Presented | None:
        """The code that was typed; None for an empty line, and for somebody who has to log in first."""
        return await asyncio.to_thread(self._ask, message, actor) if actor else None

    async def await_decision(
        self,
        message: str,
        decided: Callable[[], bool],
        vote: Callable[[Presented, str, str], Any],
        limit_s: float,
    ) -> None:
        """Returns at once: nobody waits here."""

    def _ask(self, message: str, actor: str) -> Presented | None:
        import getpass

        from automation_scripts.cli.console import printable, stderr
        from automation_scripts.governance.credentials import Presented

        with self._display.standing_aside():
            stderr().print(printable(message), markup=False, soft_wrap=True)
            code = getpass.getpass(f"Code of {printable(actor)}: ", stream=sys.stderr).strip()
        return Presented(code=code) if code else None
