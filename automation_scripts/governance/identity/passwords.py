"""Passwords: what they must be like, and how they are hashed (argon2id, RFC 9106)."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from dataclasses import dataclass

from automation_scripts.errors import InvalidParameters

MIN_LENGTH = 12
_MAX_BYTES = 1024  # more would only cost time
_COMMON = frozenset(
    [
        "passwordpassword",
        "password1234",
        "password12345",
        "password123456",
        "passw0rd1234",
        "123456789012",
        "1234567890123",
        "0123456789ab",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopas",
        "qwertyuiopasdf",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "zaq12wsxcde3",
        "asdfghjkl123",
        "administrator",
        "administrator1",
        "administrator123",
        "changeme1234",
        "changemenow1",
        "changeitnow1",
        "letmeinletmein",
        "letmein12345",
        "iloveyou1234",
        "welcome12345",
        "welcome123456",
        "automation12",
        "automation123",
        "automation1234",
        "adminadminadmin",
        "adminpassword",
        "rootpassword",
        "secretsecret",
        "correcthorsebatterystaple",
        "trustno1trustno1",
        "sunshine1234",
        "princess1234",
        "football1234",
        "baseball1234",
        "superman1234",
        "monkeymonkey",
        "dragondragon",
        "abcdefghijkl",
        "abcdefghijklm",
        "abcd12345678",
    ]
)


@dataclass(frozen=True, slots=True)
class Cost:
    """The parameters of argon2id. The default is the second recommended set of RFC 9106 (low memory)."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4


def check_password(password: str, *, user: str) -> None:
    """Refuse a password that is easily guessed. Raises InvalidParameters, without the password in it.

    Length counts, not kinds of characters (NIST SP 800-63B).
    """
    plain = _normal(password)
    folded = plain.casefold()
    fault = ""
    if len(plain) < MIN_LENGTH:
        fault = f"it has fewer than {MIN_LENGTH} characters"
    elif len(plain.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        fault = f"it has more than {_MAX_BYTES} bytes"
    elif folded in _COMMON:
        fault = "it is one of the most common ones"
    elif len(user) >= 4 and user.casefold() in folded:
        fault = "it holds the user's name"
    elif _period(folded) <= 4 or _is_run(folded):
        fault = "it repeats or counts up"
    if fault:
        raise InvalidParameters(
            f"The password cannot be used: {fault}. Take four or more random words, or a generated one."
        )


class PasswordHashing:
    """Hashes and verifies. The work is the same whether or not there is a stored hash."""

    def __init__(self, cost: Cost = Cost()) -> None:
        self.cost = cost
        # Of the right form with a random digest: verifying against it does all the work, and never succeeds.
        salt, digest = (base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
        self._dummy = f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"

    def hash(self, password: str) -> str:
        """The encoded argon2id hash, with parameters and salt."""
        from argon2.low_level import Type, hash_secret

        hashed = hash_secret(
            _encoded(password),
            secrets.token_bytes(16),
            time_cost=self.cost.passes,
            memory_cost=self.cost.memory_kib,
            parallelism=self.cost.lanes,
            hash_len=32,
            type=Type.ID,
        )
        return hashed.decode()

    def verify(self, stored: str | None, password: str) -> bool:
        """True for the right password. With no stored hash the same work is done, in vain."""
        from argon2.exceptions import VerificationError
        from argon2.low_level import Type, verify_secret

        candidate = _encoded(password)
        if len(candidate) > _MAX_BYTES:
            candidate, stored = b"", None
        try:
            right = verify_secret((stored or self._dummy).encode(), candidate, Type.ID)
        except VerificationError:
            return False
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """True when it was made with other parameters: hash again at the next login."""
        return not stored.startswith(self._dummy[: self._dummy.index("p=")] + f"p={self.cost.lanes}$")


def _normal(password: str) -> str:
    # Keyboards differ in how they compose the same letter.
    return unicodedata.normalize("NFKC", password)


def _encoded(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")


def _period(text: str) -> int:
    """The length of the shortest beginning that, repeated, gives the text."""
    return (text + text).index(text, 1)


def _is_run(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in zip(text, text[1:], strict=False)}
    return len(steps) == 1
