"""Single sign-on for a command line: the browser logs in, and comes back to a port of the loopback (RFC 8252, PKCE RFC 7636).

Needs the extra `oidc`.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.identity.external import ExternalIdentity
from automation_scripts.governance.identity.oidc import (
    FetchJson,
    OidcSettings,
    Provider,
    discover,
    fetch_json,
    identity_of,
    refused,
    verify_id_token,
)

CALLBACK = "/callback"
_DONE = b"You are logged in. You can close this page and go back to the terminal."
_FAILED = b"The login did not succeed. Go back to the terminal."


def log_in(
    settings: OidcSettings,
    open_browser: Callable[[str], object],
    *,
    clock: Callable[[], datetime],
    wait_s: float = 180.0,
    fetch: FetchJson = fetch_json,
) -> ExternalIdentity:
    """Let a person log in at the provider.

    Args:
        settings: the provider and the meaning of its claims.
        open_browser: is given the address to open, for example `webbrowser.open`.
        clock: the time.
        wait_s: how long to wait for the browser.
        fetch: gets JSON over the network.

    Raises:
        ConfigurationError: the provider cannot be reached or used, or the extra is missing.
        CredentialRefused: `timeout`, `provider_refused`, or what is wrong with the ID token.
    """
    provider = discover(settings.issuer, fetch)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _Callback(state, provider.issuer) as callback:
        client = _client(settings, callback.address)
        address, _state = client.create_authorization_url(
            provider.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
        )
        open_browser(address)
        code = callback.wait(wait_s)
        text = _exchange(client, provider, code, verifier)
    claims = verify_id_token(text, fetch(provider.jwks_uri), settings, nonce=nonce, now=clock())
    return identity_of(claims, settings)


def _client(settings: OidcSettings, redirect_uri: str) -> Any:
    try:
        from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "Single sign-on needs the package `authlib`, which is not installed. Install it with: "
            "pip install 'automation-scripts[oidc]'"
        ) from error
    return OAuth2Client(
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
        scope=" ".join(settings.scopes),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        timeout=10.0,
    )


def _exchange(client: Any, provider: Provider, code: str, verifier: str) -> str:
    """The ID token for a code."""
    from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]

    try:
        answer = client.fetch_token(
            provider.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
        )
    except (AuthlibBaseError, OSError, ValueError) as error:
        raise refused("provider_refused") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore"):  # whichever of them authlib found
            raise ConfigurationError(
                f"The OIDC provider does not answer at {provider.token_endpoint}: {error}."
            ) from error
        raise
    finally:
        client.close()
    text = answer.get("id_token")
    if not isinstance(text, str):
        raise refused("provider_refused")
    return text


class _Callback:
    """A web server on a free port of the loopback, for one answer."""

    def __init__(self, state: str, issuer: str) -> None:
        self._state = state
        self._issuer = issuer
        self._answer: dict[str, str] | None = None
        callback = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                good = callback._accept(self.path)
                self.send_response(200 if good else 400)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")  # the address holds the code
                self.end_headers()
                self.wfile.write(_DONE if good else _FAILED)

            def log_message(self, *_arguments: object) -> None:
                """Nothing: the request line holds the code."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}{CALLBACK}"

    def __enter__(self) -> _Callback:
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.server_close()

    def wait(self, wait_s: float) -> str:
        """The code. Answers without our state, from other pages or programs, are ignored."""
        deadline = time.monotonic() + wait_s
        while self._answer is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise refused("timeout")
            self._server.timeout = left
            self._server.handle_request()
        if "code" not in self._answer:
            raise refused("provider_refused")
        return self._answer["code"]

    def _accept(self, path: str) -> bool:
        parts = urlsplit(path)
        answer = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ours = hmac.compare_digest(answer.get("state", "").encode(), self._state.encode())
        # RFC 9207: an answer of another provider may not be taken for this one's.
        if parts.path != CALLBACK or not ours or answer.get("iss", self._issuer) != self._issuer:
            return False
        self._answer = answer
        return "code" in answer
