"""How a credential is refused: one text for all who ask, the true reason for the audit."""

from __future__ import annotations

from datetime import datetime

from automation_scripts.errors import AccessDenied, MfaRequired

NOT_ACCEPTED = (
    "The name, password or code was not accepted. Check them and try again, or ask an administrator for help."
)
BEARER_NOT_ACCEPTED = (
    "The token was not accepted. Log in again with `automation login`, or ask an administrator for a new service token."
)
CODE_NOT_ACCEPTED = "The code was not accepted. Enter the next code that your app shows, or a recovery code."
TICKET_NOT_ACCEPTED = (
    "The run ticket was not accepted: it holds once, briefly, and for one request. Start the run again."
)
KEY_NOT_ACCEPTED = "The security key was not accepted. Begin again, or use another second factor."
SIGN_ON_NOT_ACCEPTED = "The single sign-on was not accepted. Begin again, or ask an administrator for help."


class CredentialRefused(AccessDenied):
    """Raised for every credential that is not good.

    Attributes:
        reason: why, in one word, for the audit only: `unknown_user`, `wrong_password`, `disabled`, `locked`, `expired`,
            `revoked`, `replayed`, `forged` … Shown to the caller it would tell which users exist.
        until: when to try again, for `locked`; None otherwise.
        user: whose credential it was, where that is proved; empty otherwise.
    """

    def __init__(self, message: str, reason: str, until: datetime | None = None, user: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.until = until
        self.user = user


class CodeNeeded(MfaRequired):
    """The password was right, and a one-time or recovery code is needed too."""

    reason = "code_needed"


def locked(until: datetime) -> CredentialRefused:
    """Names that do not exist are locked in the same way, so this tells nobody which do."""
    text = (
        f"Too many failed attempts. Try again after {until:%Y-%m-%d %H:%M:%S} UTC, or ask an administrator to unlock."
    )
    return CredentialRefused(text, "locked", until)
