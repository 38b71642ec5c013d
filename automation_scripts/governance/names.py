"""Names of users, groups, roles and environments: one spelling each, so that no two look or compare alike.

Two questions are asked about other spellings. What does somebody mean who types this: `meant`, which takes nothing away, so
that nobody logs in by what cannot be seen. Whose name does this look like: `as_seen`, so that no spelling of one's own
name makes one another person.
"""

from __future__ import annotations

import re
import unicodedata

from automation_scripts.errors import InvalidParameters

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
MAX_LENGTH = 64


def checked_name(text: str, what: str = "user name") -> str:
    """`text`, when it is a name as it is to be written.

    Lower-case ASCII letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 characters at most. Nothing
    is corrected in silence: a name that looks like another one would otherwise be read as it.

    Raises:
        InvalidParameters: says which character is wrong, and the nearest good spelling if there is one.
    """
    if is_name(text):
        return text
    plain = meant(text)
    hint = f" Write {plain!r}." if plain is not None else ""
    raise InvalidParameters(
        f"{what} {text[:80]!a}: {_fault(text)}.{hint} Allowed: a-z, 0-9, '.', '_' and '-', beginning with a letter or "
        f"digit, up to {MAX_LENGTH} characters."
    )


def checked_environment(text: str) -> str:
    """`text`, when it can be the name of an environment. Raises InvalidParameters like `checked_name`.

    Capital letters are allowed, as the settings allow them; whether it is one of theirs is for the caller to check.
    """
    if not _ENVIRONMENT.fullmatch(text):
        raise InvalidParameters(
            f"environment {text[:80]!a}: not a name of ASCII letters, digits, dots, dashes and underscores. Write it as "
            "it stands under `environments` in the settings."
        )
    return text


def meant(text: str) -> str | None:
    """The name that somebody who types `text` means: folded; None when that is no name."""
    if len(text) > 4 * MAX_LENGTH:
        return None
    plain = _folded(text)
    return plain if is_name(plain) else None


def as_seen(text: str) -> str:
    """The name as it looks: folded, without what is invisible and without accents. Only to be compared with another such."""
    seen = (character for character in unicodedata.normalize("NFKD", _folded(text)) if not _unseen(character))
    return unicodedata.normalize("NFKC", "".join(seen))


def is_name(text: str) -> bool:
    """True for what `checked_name` accepts: nothing else is worth a look into the database."""
    return _NAME.fullmatch(text) is not None


def is_plain(text: str) -> bool:
    """True for printable ASCII up to 2048 characters. Not every database stores, or even compares, other text."""
    return len(text) <= 2048 and text.isascii() and text.isprintable()


def _folded(text: str) -> str:
    """NFKC and case folded (Unicode, section 3.13, D147)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).casefold())


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def _fault(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > MAX_LENGTH:
        return f"it has {len(text)} characters"
    for place, character in enumerate(text, 1):
        if not is_name("a" + character):
            name = unicodedata.name(character, "unnamed character")
            return f"character {place} is U+{ord(character):04X} {name}"
    return f"it begins with {text[0]!r}"
