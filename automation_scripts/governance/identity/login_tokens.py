"""Login tokens: short-lived, signed with EdDSA, in the form of RFC 9068 (`typ: at+jwt`)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exc, insert, select, update

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.identity import standing
from automation_scripts.governance.identity.core import Core
from automation_scripts.governance.identity.models import revoked_tokens, users
from automation_scripts.governance.identity.records import Principal
from automation_scripts.governance.identity.refusal import BEARER_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.identity.signing_keys import SigningKeys
from automation_scripts.governance.names import is_plain
from automation_scripts.storage.times import TOLERANCE

AUDIENCE = "automation"
LIFETIME_S = 3600.0
LONGEST_S = 12 * 3600.0
_TYPE = "at+jwt"
_ALGORITHM = "EdDSA"
_MAX_LENGTH = 4096
_TIMES = ("iat", "nbf", "exp")
_TEXTS = ("iss", "aud", "sub", "jti")
# What proves nothing new may not be turned into a token: it could be renewed for ever.
_FRESH = ("password", "webauthn", "oidc")


@dataclass(frozen=True, slots=True)
class LoginToken:
    """A new token: the text is shown once and stored nowhere."""

    text: str = field(repr=False)
    token_id: str
    user: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    user: str
    token_id: str
    generation: int
    methods: tuple[str, ...]
    mfa_at: datetime | None
    expires_at: datetime


class LoginTokens:
    """Issues, checks and revokes login tokens of one installation."""

    def __init__(self, core: Core, keys: SigningKeys, issuer: str) -> None:
        self._core = core
        self.keys = keys
        self.issuer = issuer

    def issue(self, principal: Principal, *, ttl_s: float = LIFETIME_S) -> LoginToken:
        """A token for somebody who has just logged in.

        Raises:
            InvalidParameters: `ttl_s` is not over 0 and up to 12 hours.
            AccessDenied: the principal comes from a token itself.
            CredentialRefused: the user's credentials were changed meanwhile.
        """
        import jwt

        if not 0 < ttl_s <= LONGEST_S:
            raise InvalidParameters(
                f"ttl_s {ttl_s}: a login token lives for more than 0 and at most {LONGEST_S:.0f} s."
            )
        if not principal.authentication.startswith(_FRESH):
            raise AccessDenied(
                "A login token is given for a login only, not for another token. Run `automation login`."
            )
        now = self._core.now()
        self.require_current(principal.name, principal.generation)
        kid, private = self.keys.current(now)
        issued = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": principal.name,
            "iat": issued,
            "nbf": issued,
            "exp": int((now + timedelta(seconds=ttl_s)).timestamp()),
            "jti": secrets.token_hex(16),
            "gen": principal.generation,
            "amr": list(principal.methods),
        }
        if principal.mfa_at is not None:
            claims["mfa_at"] = int(principal.mfa_at.timestamp())
        text = jwt.encode(claims, private, algorithm=_ALGORITHM, headers={"kid": kid, "typ": _TYPE})
        token = LoginToken(text, claims["jti"], principal.name, datetime.fromtimestamp(claims["exp"], UTC))
        expires = token.expires_at.isoformat()
        self._core.report(
            "token.issued", now, principal.name, by=principal.name, token_id=token.token_id, expires_at=expires
        )
        return token

    def check(self, text: str, now: datetime) -> Claims:
        """What the token says. Raises CredentialRefused with the reason for the audit.

        Key and algorithm are chosen here, never by the token: the key by its id among ours, the algorithm is EdDSA.
        """
        claims = self._verified(text, now)
        if any(type(claims.get(name)) is not int for name in (*_TIMES, "gen")):
            raise refused("malformed")
        user = str(claims["sub"])
        if max(claims["nbf"], claims["iat"]) > (now + TOLERANCE).timestamp():
            raise refused("not_yet_valid", user)
        if claims["exp"] <= now.timestamp():
            raise refused("expired", user)
        if self.is_revoked(claims["jti"]):
            raise refused("revoked", user)
        return _claims(claims)

    def revoke(self, token_id: str, *, by: str, expires_at: datetime | None = None) -> None:
        """Accept this token no more. Twice is once."""
        if not is_plain(token_id):
            raise InvalidParameters(f"token {token_id[:80]!a}: that is not the id (`jti`) of a login token.")
        now = self._core.now()
        until = expires_at or now + timedelta(seconds=LONGEST_S)
        try:
            with self._core.database.write() as connection:
                connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at < now - 2 * TOLERANCE))
                connection.execute(insert(revoked_tokens).values(token_id=token_id, expires_at=until))
        except exc.IntegrityError:
            return
        self._core.report("token.revoked", now, "", by=by, token_id=token_id)

    def revoke_all(self, user: str, *, by: str) -> None:
        """Accept none of the user's login tokens and run tickets that exist now."""
        with self._core.database.write() as connection:
            standing.existing_user(connection, user)
            connection.execute(update(users).where(users.c.name == user).values(generation=users.c.generation + 1))
        self._core.report("tokens.revoked", self._core.now(), user, by=by)

    def is_revoked(self, token_id: str) -> bool:
        """True when this token was revoked by its id."""
        with self._core.database.read() as connection:
            query = select(revoked_tokens.c.token_id).where(revoked_tokens.c.token_id == token_id)
            return connection.execute(query).first() is not None

    def require_current(self, user: str, generation: int) -> None:
        """Raise CredentialRefused when the user is disabled, or what he holds was made before his tokens were ended."""
        with self._core.database.read() as connection:
            row = standing.user_row(connection, user)
        if row is None or not row.enabled:
            raise refused("disabled" if row is not None else "unknown_user", user)
        if row.generation != generation:
            raise refused("revoked", user)

    def _verified(self, text: str, now: datetime) -> dict[str, Any]:
        import jwt
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if len(text) > _MAX_LENGTH or not text.isascii():
            raise refused("malformed")
        try:
            header = jwt.get_unverified_header(text)
        except jwt.InvalidTokenError as error:
            raise refused("malformed") from error
        if header.get("alg") != _ALGORITHM or header.get("typ") != _TYPE or "crit" in header:
            raise refused("forged")
        kid = header.get("kid")
        public = self.keys.public(kid, now) if isinstance(kid, str) else None
        if public is None:
            raise refused("unknown_key")
        options: Any = {"require": [*_TIMES, *_TEXTS], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            return jwt.decode(
                text,
                Ed25519PublicKey.from_public_bytes(public),
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self.issuer,
                options=options,
            )
        except jwt.InvalidIssuerError as error:
            raise refused("wrong_issuer") from error
        except jwt.InvalidAudienceError as error:
            raise refused("wrong_audience") from error
        except jwt.InvalidTokenError as error:
            raise refused("forged") from error


def refused(reason: str, user: str = "") -> CredentialRefused:
    """The one refusal of a bearer token; `user` where the signature or the secret was right."""
    return CredentialRefused(BEARER_NOT_ACCEPTED, reason, user=user)


def _claims(claims: dict[str, Any]) -> Claims:
    mfa_at, methods = claims.get("mfa_at"), claims.get("amr", [])
    if (mfa_at is not None and type(mfa_at) is not int) or not isinstance(methods, list):
        raise refused("malformed")
    return Claims(
        user=claims["sub"],
        token_id=claims["jti"],
        generation=claims["gen"],
        methods=tuple(map(str, methods)),
        mfa_at=datetime.fromtimestamp(mfa_at, UTC) if mfa_at is not None else None,
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )
