"""A small OpenID Connect provider on the loopback: authorization code with PKCE, RSA keys, one user."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.governance.identity.conftest import START


@dataclass
class Provider:
    """What it does can be changed by its attributes."""

    key: rsa.RSAPrivateKey
    claims: dict[str, object] = field(default_factory=dict)
    changes: dict[str, object] = field(default_factory=dict)
    deny: bool = False
    without_token: bool = False
    issued: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def jwks(self) -> dict[str, object]:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}

    def token(self, nonce: str, audience: str, /, **changes: object) -> str:
        at = int(START.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": audience,
            "iat": at,
            "exp": at + 300,
            "nonce": nonce,
        }
        claims |= {"preferred_username": "grace", "name": "Grace Hopper"} | self.claims | changes
        claims = {name: value for name, value in claims.items() if value is not ...}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k1"})

    def get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        if parts.path == "/.well-known/openid-configuration":
            document = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
            answer(request, 200, document | self.changes)
        elif parts.path == "/jwks":
            answer(request, 200, self.jwks())
        elif parts.path == "/authorize":
            self.authorize(request, {name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            answer(request, 404, {})

    def authorize(self, request: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        self.asked.append(query)
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.issued[code] = query
        result = {"error": "access_denied"} if self.deny else {"code": code}
        request.send_response(302)
        request.send_header("Location", query["redirect_uri"] + "?" + urlencode(result | {"state": query["state"]}))
        request.end_headers()

    def post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.issued.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            answer(request, 400, {"error": "invalid_grant"})
            return
        tokens = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60}
        if not self.without_token:
            tokens["id_token"] = self.token(asked["nonce"], asked["client_id"])
        answer(request, 200, tokens)


def answer(request: BaseHTTPRequestHandler, status: int, document: object) -> None:
    """Send JSON."""
    data = json.dumps(document).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)
