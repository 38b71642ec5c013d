"""Checking a second factor: codes of the app and recovery codes, under the limits on guessing."""

from __future__ import annotations

from datetime import datetime

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity import recovery, standing
from automation_scripts.governance.identity.attempts import Attempts
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.records import SecondFactor
from automation_scripts.governance.identity.refusal import CODE_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.identity.totp import Totp, plain_code


class SecondFactors:
    """Codes at the moment of use."""

    def __init__(self, core: Core, totp: Totp, attempts: Attempts) -> None:
        self._core = core
        self._totp = totp
        self._attempts = attempts

    def check(
        self, user: str, code: str, source: str, now: datetime, *, message: str = CODE_NOT_ACCEPTED
    ) -> SecondFactor:
        """Use up a one-time or recovery code, told apart by their form.

        Raises:
            CredentialRefused: with `message`; its reason is `wrong_code`, `replayed`, `not_enrolled` or `locked`.
        """
        charge = self._attempts.begin("factor", user, source, now)
        digits = plain_code(code)
        left = 0
        if digits is not None:
            fault = self._totp.accept(user, digits, now)
        else:
            with self._core.database.write() as connection:
                fault = recovery.accept(connection, user, code, now)
                left = recovery.remaining(connection, user)
        if fault is not None:
            self._failed(user, source, now, fault, locks=charge.locks)
            raise CredentialRefused(message, fault)
        self._attempts.succeeded(charge)
        method = "totp" if digits is not None else "recovery"
        self._core.report("factor.accepted", now, user, source=source, method=method)
        if method == "recovery":
            self._core.report("recovery_code.used", now, user, source=source, left=str(left))
        return SecondFactor(method, now)

    def confirm_totp(self, user: str, code: str, *, source: str) -> tuple[str, ...]:
        """Finish the enrolment with one code of the new secret; returns ten recovery codes, to be shown once.

        Raises:
            CredentialRefused: the code is wrong, nothing is pending, or there were too many attempts.
        """
        now = self._core.now()
        charge = self._attempts.begin("factor", user, source, now)
        digits = plain_code(code)
        codes: tuple[str, ...] = ()
        if digits is not None and self._totp.confirm(user, digits, now):
            with self._core.database.write() as connection:
                codes = recovery.issue(connection, user)
        if not codes:
            self._failed(user, source, now, "wrong_code", locks=charge.locks)
            raise CredentialRefused(CODE_NOT_ACCEPTED, "wrong_code")
        self._attempts.succeeded(charge)
        self._core.report("totp.enrolled", now, user, source=source)
        return codes

    def renew_recovery_codes(self, user: str, *, by: str) -> tuple[str, ...]:
        """Ten new recovery codes in place of the old ones. Raises InvalidParameters for who has no other second factor."""
        with self._core.database.write() as connection:
            standing.existing_user(connection, user)
            if not {"totp", "webauthn"} & set(standing.second_factors(connection, user)):
                raise InvalidParameters(f"user name {user!r}: set up one-time codes or a security key first.")
            codes = recovery.issue(connection, user)
        self._core.report("recovery_codes.renewed", self._core.now(), user, by=by)
        return codes

    def _failed(self, user: str, source: str, now: datetime, reason: str, *, locks: bool) -> None:
        self._core.report("factor.failed", now, user, source=source, reason=reason)
        if locks:
            self._core.report("account.locked", now, user, source=source, what="factor")
