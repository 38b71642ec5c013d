"""Security keys and passkeys (WebAuthn level 2), for the web. Needs the extra `webauthn`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, exc, insert, select, update

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.models import challenges, users
from automation_scripts.governance.identity.models import passkeys as table
from automation_scripts.governance.identity.records import Kind
from automation_scripts.governance.identity.refusal import KEY_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.names import is_plain

CHALLENGE_S = 300.0
_MAX_RESPONSE = 65536


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The web site that keys are bound to."""

    id: str
    """Its domain, such as `automation.example.com`."""
    origins: tuple[str, ...]
    """Where its pages come from, such as `https://automation.example.com`."""
    name: str = "automation"


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is known of a key."""

    credential_id: str
    user: str
    label: str
    created_at: datetime
    last_used_at: datetime | None


class Passkeys:
    """Registers and verifies keys. A challenge is good once and for five minutes; user verification is required."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin_registration(self, user: str, party: RelyingParty) -> str:
        """The JSON for `navigator.credentials.create()`."""
        _require_package()
        import webauthn
        from webauthn.helpers import structs

        now = self._core.now()
        challenge = secrets.token_bytes(32)
        with self._core.database.write() as connection:
            row = standing.existing_user(connection, user)
            if row.kind != Kind.PERSON or not row.enabled:
                raise InvalidParameters(f"user name {user!r}: only an enabled person has security keys.")
            known = connection.execute(select(table.c.credential_id).where(table.c.user_name == user)).scalars().all()
            _remember(connection, challenge, "registration", user, now)
        options = webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_name=user,
            user_id=user.encode(),
            user_display_name=row.display_name or user,
            challenge=challenge,
            timeout=int(CHALLENGE_S * 1000),
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(credential_id) for credential_id in known],
        )
        return webauthn.options_to_json(options)

    def finish_registration(self, user: str, response: str, party: RelyingParty, *, label: str, source: str) -> Passkey:
        """Store the key that answered. Raises CredentialRefused.

        A key is as good as a password: before, the caller has to see a login of this user, with a second factor where one
        is set up already.
        """
        _require_package()
        import webauthn

        now = self._core.now()
        with self._refusing(user, source, now):
            parsed, challenge = _parsed(response)
            self._take(challenge, "registration", user, now)
            verified = webauthn.verify_registration_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=list(party.origins),
                require_user_verification=True,
            )
            credential_id = _text(verified.credential_id)
            with self._core.database.write() as connection:
                connection.execute(
                    insert(table).values(
                        credential_id=credential_id,
                        user_name=user,
                        public_key=verified.credential_public_key,
                        sign_count=verified.sign_count,
                        label=label,
                        created_at=now,
                    )
                )
        self._core.report("passkey.enrolled", now, user, source=source, credential_id=credential_id, label=label)
        return Passkey(credential_id, user, label, now, None)

    def begin_login(self, party: RelyingParty) -> str:
        """The JSON for `navigator.credentials.get()` to log in; the authenticator chooses whose key, so no name is asked."""
        return self._begin(party, None)

    def begin_factor(self, user: str, party: RelyingParty) -> str:
        """The same for a critical action of this user, with any of his keys. An answer to one is no answer to the other."""
        return self._begin(party, user)

    def _begin(self, party: RelyingParty, user: str | None) -> str:
        _require_package()
        import webauthn
        from webauthn.helpers import structs

        now = self._core.now()
        challenge = secrets.token_bytes(32)
        with self._core.database.write() as connection:
            _remember(connection, challenge, _purpose(user), user, now)
            mine = select(table.c.credential_id).where(table.c.user_name == user)
            known = connection.execute(mine).scalars().all() if user is not None else []
        options = webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=int(CHALLENGE_S * 1000),
            allow_credentials=[_descriptor(credential_id) for credential_id in known],
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def verify(self, response: str, party: RelyingParty, *, user: str | None, source: str) -> str:
        """The name of the user whose key signed the challenge. Raises CredentialRefused.

        `user` is None for a login, else whose action it is. The key's counter must rise, unless it has none: one that falls was copied.
        """
        _require_package()
        now = self._core.now()
        with self._refusing(user or "", source, now):
            parsed, challenge = _parsed(response)
            self._take(challenge, _purpose(user), user, now)
            row = self._key(parsed)
            if user is not None and row.user_name != user:
                raise CredentialRefused(KEY_NOT_ACCEPTED, "not_theirs")
            self._check_signature(parsed, challenge, party, row, now)
        self._core.report("passkey.accepted", now, row.user_name, source=source, credential_id=row.credential_id)
        return str(row.user_name)

    def list(self, user: str) -> list[Passkey]:
        """The user's keys, oldest first."""
        columns = (table.c.credential_id, table.c.user_name, table.c.label, table.c.created_at, table.c.last_used_at)
        query = select(*columns).where(table.c.user_name == user).order_by(table.c.created_at)
        with self._core.database.read() as connection:
            return [Passkey(*row) for row in connection.execute(query)]

    def remove(self, user: str, credential_id: str, *, by: str) -> None:
        """Accept this key no more, and end the user's login tokens. Raises InvalidParameters when he has none such."""
        with self._core.database.write() as connection:
            mine = delete(table).where(table.c.user_name == user, table.c.credential_id == credential_id)
            if connection.execute(mine).rowcount != 1:
                raise InvalidParameters(f"user name {user!r}: there is no such security key.")
            connection.execute(update(users).where(users.c.name == user).values(generation=users.c.generation + 1))
        self._core.report("passkey.removed", self._core.now(), user, by=by, credential_id=credential_id)

    def _key(self, parsed: dict[str, Any]) -> Row[Any]:
        credential_id = parsed.get("id")
        if not isinstance(credential_id, str) or not is_plain(credential_id):
            raise CredentialRefused(KEY_NOT_ACCEPTED, "unknown_key")
        with self._core.database.read() as connection:
            this = table.c.credential_id == credential_id
            row = connection.execute(
                select(table, users.c.enabled).join(users, users.c.name == table.c.user_name).where(this)
            ).one_or_none()
        if row is None or not row.enabled:
            raise CredentialRefused(KEY_NOT_ACCEPTED, "unknown_key" if row is None else "disabled")
        return row

    def _check_signature(
        self, parsed: dict[str, Any], challenge: bytes, party: RelyingParty, row: Row[Any], now: datetime
    ) -> None:
        import webauthn

        verified = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
        same = update(table).where(table.c.credential_id == row.credential_id, table.c.sign_count == row.sign_count)
        with self._core.database.write() as connection:
            done = connection.execute(same.values(sign_count=verified.new_sign_count, last_used_at=now))
        if done.rowcount != 1:
            raise CredentialRefused(KEY_NOT_ACCEPTED, "replayed")

    def _take(self, challenge: bytes, purpose: str, user: str | None, now: datetime) -> None:
        """Use up a challenge, whether or not what follows succeeds."""
        with self._core.database.write() as connection:
            this = challenges.c.challenge == challenge
            row = connection.execute(select(challenges).where(this).with_for_update()).one_or_none()
            connection.execute(delete(challenges).where(this))
        if row is None or (row.purpose, row.user_name) != (purpose, user) or row.expires_at <= now:
            raise CredentialRefused(KEY_NOT_ACCEPTED, "challenge")

    @contextmanager
    def _refusing(self, user: str, source: str, now: datetime) -> Iterator[None]:
        """Turn whatever bad input raises into the one refusal, and report it."""
        from webauthn.helpers.exceptions import WebAuthnException

        try:
            yield
        except CredentialRefused as error:
            reason, cause = error.reason, error.__cause__
        except exc.IntegrityError as error:
            reason, cause = "taken", error
        except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
            reason, cause = "sign_count" if "sign count" in str(error) else "forged", error
        else:
            return
        self._core.report("passkey.refused", now, user, source=source, reason=reason)
        raise CredentialRefused(KEY_NOT_ACCEPTED, reason) from cause


def _purpose(user: str | None) -> str:
    return "login" if user is None else "factor"


def _remember(connection: Connection, challenge: bytes, purpose: str, user: str | None, now: datetime) -> None:
    connection.execute(delete(challenges).where(challenges.c.expires_at < now))
    end = now + timedelta(seconds=CHALLENGE_S)
    connection.execute(insert(challenges).values(challenge=challenge, purpose=purpose, user_name=user, expires_at=end))


def _parsed(response: str) -> tuple[dict[str, Any], bytes]:
    """The browser's JSON and the challenge that it answers, still unproved."""
    from webauthn import base64url_to_bytes

    try:
        if len(response) > _MAX_RESPONSE:
            raise ValueError
        parsed = json.loads(response)
        client_data = json.loads(base64url_to_bytes(parsed["response"]["clientDataJSON"]))
        return parsed, base64url_to_bytes(client_data["challenge"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CredentialRefused(KEY_NOT_ACCEPTED, "malformed") from error


def _descriptor(credential_id: str) -> Any:
    from webauthn import base64url_to_bytes
    from webauthn.helpers import structs

    return structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(credential_id))


def _text(data: bytes) -> str:
    from webauthn.helpers import bytes_to_base64url

    return bytes_to_base64url(data)


def _require_package() -> None:
    try:
        import webauthn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "Security keys need the package `webauthn`, which is not installed. Install it with: "
            "pip install 'automation-scripts[webauthn]'"
        ) from error
