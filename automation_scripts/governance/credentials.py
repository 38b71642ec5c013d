"""What a caller brings to prove who it is, and where it comes from when nothing was given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from automation_scripts.errors import AccessDenied, InvalidParameters

TOKEN_VARIABLE = "AUTOMATION_TOKEN"  # noqa: S105 - the name of a variable
SESSION_FILE = "session"


@dataclass(frozen=True, slots=True)
class Presented:
    """One of: a token; a run ticket; a user's name with a one-time code. None of them: nothing proves who asks."""

    token: str | None = field(default=None, repr=False)
    """A login token or a service token."""
    ticket: str | None = field(default=None, repr=False)
    """For one run that another process starts."""
    user: str = ""
    """With `code` alone, where there is no place for a password: the form that the Prefect UI shows."""
    code: str | None = field(default=None, repr=False)
    """A one-time or recovery code: the second factor at the moment of use."""

    @property
    def proves_nothing(self) -> bool:
        """True when there is no credential at all."""
        return not (self.token or self.ticket or (self.user and self.code))

    def with_code(self, code: str | None) -> Presented:
        """The same with a second factor."""
        return replace(self, code=code)


NOTHING = Presented()


def ambient(home: Path, environ: Mapping[str, str] | None = None, code: str | None = None) -> Presented:
    """The credential of this account: AUTOMATION_TOKEN, else the session that `automation login` left.

    Raises ConfigurationError when the session file can be read by others.
    """
    environ = os.environ if environ is None else environ
    token = environ.get(TOKEN_VARIABLE, "").strip() or saved_session(home)
    return Presented(token=token or None, code=code)


def saved_session(home: Path) -> str:
    """The token of the last login; empty when there is none."""
    from automation_scripts.storage.private_files import read_private

    try:
        return read_private(home / SESSION_FILE, "session").decode("ascii", "replace").strip()
    except FileNotFoundError:
        return ""


def save_session(home: Path, token: str) -> Path:
    """Keep the token of a login for this account; mode 0600."""
    from automation_scripts.storage.private_files import write_private

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(home / SESSION_FILE, token.encode() + b"\n")
    return home / SESSION_FILE


def forget_session(home: Path) -> bool:
    """Remove the kept token. False when there was none."""
    try:
        (home / SESSION_FILE).unlink()
    except FileNotFoundError:
        return False
    return True


def from_reference(text: str | None, home: Path, *, block: Callable[[str], str] | None = None) -> Presented:
    """The credential that `context.credential` refers to: a ticket, or `env:NAME`, `file:/path`, `block:NAME`.

    A token itself is refused: Prefect stores the parameters of a run and shows them to everybody who may look.

    Raises:
        InvalidParameters: it is no reference.
        AccessDenied: what it refers to cannot be read.
    """
    if not text:
        return NOTHING
    if text.startswith("ticket_"):
        return Presented(ticket=text)
    from automation_scripts.governance.encryption.references import require_reference, resolve_reference

    require_reference(text, "context.credential")
    try:
        return Presented(token=resolve_reference(text, block=block, closed=[home]).reveal())
    except InvalidParameters as error:
        raise AccessDenied(f"The credential of this run cannot be read: {error}") from error
