"""Takes secrets out of what is written down: by the names of fields, and by their usual forms in text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

REDACTED = "[redacted]"
LONGEST_TEXT = 32_768
"""Characters of one text that are kept; the rest is cut off, and the cut is marked."""

_MAX_DEPTH = 12
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {"password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "tokens"}
    | {"credential", "credentials", "otp", "totp", "apikey", "authorization", "cookie", "cookies", "dsn"}
)
_SECRET_PAIRS = frozenset(
    (word, "key") for word in ("api", "access", "private", "secret", "signing", "encryption", "session")
)
# What only speaks about a secret may be read: token_count, secret_name, password_file.
_ABOUT_A_SECRET = frozenset(
    {"count", "counts", "found", "length", "name", "names", "path", "file", "ref", "reference"}
    | {"type", "url", "policy", "expiry", "expires", "age", "id"}
)

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END|\Z)", re.DOTALL)
_URL_PASSWORD = re.compile(r"(://[^\s/@:]{0,256}:)[^\s/]{1,512}(?=@)")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)
_ASSIGNED_NAME = re.compile(r"""(?<![\w-])([\w-]{2,80})["']?\s{0,8}[:=]\s{0,8}""")
_ASSIGNED = re.compile(r"""(?:bearer|basic|digest)\s+\S+|"[^"]*"|'[^']*'|[^\s&"'}\])]+""", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """True when a field of this name holds a secret: `db_password`, `apiKey`, `X-Auth-Token`."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words and words[-1] in _ABOUT_A_SECRET:
        return False
    return not (_SECRET_WORDS.isdisjoint(words) and _SECRET_PAIRS.isdisjoint(pairwise(words)))


def redact(value: Any, secret_names: Iterable[str] = ()) -> Any:
    """JSON-ready data of the same shape, without secrets. `secret_names` adds fields that are secret here."""
    return _redact(value, frozenset(secret_names), _MAX_DEPTH)


def _redact(value: Any, secret_names: frozenset[str], depth: int) -> Any:
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth == 0:
        return "[nested too deep]"
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED
            if item is not None and (str(name) in secret_names or is_secret(str(name)))
            else _redact(item, secret_names, depth - 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redact(item, secret_names, depth - 1) for item in value]
    try:
        return scrub(str(value))
    except Exception as error:
        return f"[{type(value).__name__} that cannot be shown: {type(error).__name__}]"


def scrub(text: str) -> str:
    """The text without passwords in URLs, bearer tokens, private keys and `password=…` assignments."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… [{len(text) - LONGEST_TEXT} more characters]"
    text = _PRIVATE_KEY.sub(REDACTED, text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _without_assignments(text)


def _without_assignments(text: str) -> str:
    """Redacts the value in `password=…`, `token: …` and `"api_key": "…"`."""
    kept: list[str] = []
    done = 0
    for name in _ASSIGNED_NAME.finditer(text):
        if name.end() < done or not is_secret(name[1]) or text.startswith(REDACTED, name.end()):
            continue
        if value := _ASSIGNED.match(text, name.end()):
            quote = value[0][0] if value[0][0] in "\"'" else ""
            kept += [text[done : name.end()], quote, REDACTED, quote]
            done = value.end()
    return "".join(kept) + text[done:]
