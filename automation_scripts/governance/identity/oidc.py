"""OpenID Connect: the provider's metadata and keys, and what makes an ID token good (OIDC Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.identity.external import ExternalIdentity, GroupMap
from automation_scripts.governance.identity.refusal import SIGN_ON_NOT_ACCEPTED, CredentialRefused
from automation_scripts.governance.names import is_plain

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY = timedelta(seconds=60)
_KEY_TYPES = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_MIN_RSA_BITS = 2048
_MAX_TOKEN, _MAX_ANSWER = 16384, 1 << 20
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

FetchJson = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """One provider, and what its claims mean here."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """None for a public client, which PKCE protects."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    user_claim: str = "preferred_username"
    groups_claim: str = "groups"
    rules: GroupMap = field(default_factory=GroupMap)
    trust_mfa: bool = False
    """Believe `mfa` in the provider's `amr` claim: it then counts as a second factor at `auth_time`."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider publishes."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def discover(issuer: str, fetch: FetchJson) -> Provider:
    """The provider's metadata (OIDC Discovery 1.0).

    Raises ConfigurationError when an address is not https (plain http is for the loopback only), when something is
    missing, or when the document names another issuer.
    """
    document = fetch(require_https(issuer).rstrip("/") + "/.well-known/openid-configuration")
    if not isinstance(document, Mapping) or document.get("issuer") != issuer:
        raise ConfigurationError(
            f"The OIDC provider at {issuer} does not name itself so. Write the issuer exactly as it does."
        )
    missing = [name for name in _ENDPOINTS if not isinstance(document.get(name), str)]
    if missing:
        raise ConfigurationError(f"The OIDC provider {issuer} publishes no {', '.join(missing)}.")
    return Provider(issuer, *(require_https(document[name]) for name in _ENDPOINTS))


def require_https(url: str) -> str:
    """`url`, when it is https, or plain http to the loopback. Raises ConfigurationError otherwise."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" and bool(parts.hostname)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not (secure or local) or "@" in parts.netloc:
        raise ConfigurationError(f"The OIDC address {url!r} is not https. Identities may not travel in clear.")
    return url


def fetch_json(url: str) -> Any:
    """A JSON document over the network; no redirects, 1 MiB and 10 s at most. Raises ConfigurationError."""
    import httpx

    try:
        answer = httpx.get(url, timeout=10.0, follow_redirects=False)
        answer.raise_for_status()
        if len(answer.content) > _MAX_ANSWER:
            raise ValueError("it is too long")
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ConfigurationError(
            f"The OIDC provider does not answer at {url}: {error}. Check `issuer` and the network."
        ) from error


def verify_id_token(text: str, keys: Any, settings: OidcSettings, *, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of a good ID token.

    Args:
        text: the token.
        keys: the provider's JWK set, as decoded JSON.
        settings: which issuer and client it must be for.
        nonce: the one that was sent with the request.
        now: the time.

    Raises:
        CredentialRefused: `forged`, `unknown_key`, `wrong_issuer`, `wrong_audience`, `wrong_nonce`, `expired` …
    """
    import jwt

    if len(text) > _MAX_TOKEN:
        raise refused("malformed")
    try:
        header = jwt.get_unverified_header(text)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise refused("forged")
        claims: dict[str, Any] = jwt.decode(
            text,
            _key(keys, header.get("kid"), algorithm),
            algorithms=[algorithm],
            audience=settings.client_id,
            issuer=settings.issuer,
            options={
                "require": ["iss", "aud", "sub", "exp", "iat"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidIssuerError as error:
        raise refused("wrong_issuer") from error
    except jwt.InvalidAudienceError as error:
        raise refused("wrong_audience") from error
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise refused("forged") from error
    _check_claims(claims, settings, nonce, now)
    return claims


def identity_of(claims: Mapping[str, Any], settings: OidcSettings) -> ExternalIdentity:
    """Whom verified claims speak of. Raises CredentialRefused when the claim for the name is missing."""
    name = claims.get(settings.user_claim)
    if not isinstance(name, str) or not name:
        raise refused("bad_name")
    groups = claims.get(settings.groups_claim, [])
    methods, auth_time = claims.get("amr", []), claims.get("auth_time")
    with_mfa = settings.trust_mfa and isinstance(methods, list) and "mfa" in methods and type(auth_time) is int
    return ExternalIdentity(
        issuer=claims["iss"],
        subject=claims["sub"],
        name=name,
        display_name=str(claims.get("name", "")),
        email=str(claims.get("email", "")) if claims.get("email_verified") is True else "",
        groups=frozenset(group for group in groups if isinstance(group, str))
        if isinstance(groups, list)
        else frozenset(),
        mfa_at=datetime.fromtimestamp(auth_time, UTC) if with_mfa and auth_time is not None else None,
    )


def refused(reason: str) -> CredentialRefused:
    """The one refusal of a single sign-on."""
    return CredentialRefused(SIGN_ON_NOT_ACCEPTED, reason)


def _check_claims(claims: Mapping[str, Any], settings: OidcSettings, nonce: str, now: datetime) -> None:
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != settings.client_id:
        raise refused("wrong_audience")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), nonce.encode()):
        raise refused("wrong_nonce")
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    if any(type(time) not in (int, float) for time in times) or not claims["sub"] or not is_plain(claims["sub"]):
        raise refused("malformed")
    if claims["exp"] <= (now - LEEWAY).timestamp():
        raise refused("expired")
    if max(claims["iat"], claims.get("nbf", 0)) > (now + LEEWAY).timestamp():
        raise refused("not_yet_valid")


def _key(keys: Any, kid: Any, algorithm: str) -> Any:
    """The provider's key of that id; its type must be the algorithm's, whatever the token says."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    known = keys.get("keys", []) if isinstance(keys, Mapping) else []
    fitting = [
        key
        for key in known
        if isinstance(key, Mapping)
        and key.get("kty") == _KEY_TYPES[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise refused("unknown_key")
    public = jwt.PyJWK(dict(fitting[0]), algorithm=algorithm).key
    if isinstance(public, RSAPublicKey) and public.key_size < _MIN_RSA_BITS:
        raise refused("weak_key")
    if isinstance(public, EllipticCurvePublicKey) and not isinstance(public.curve, SECP256R1):
        raise refused("weak_key")
    return public
