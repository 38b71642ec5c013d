"""Names of people, compared as they look: no spelling of one's own name makes one another person."""

from __future__ import annotations

import re
import unicodedata

_PROVED = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})


def canonical(name: str) -> str:
    """NFKC and case folded (Unicode, section 3.13, D147), without what is invisible."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", name).casefold())
    seen = (character for character in unicodedata.normalize("NFKD", folded) if not _unseen(character))
    return unicodedata.normalize("NFKC", "".join(seen))


def is_proved_form(name: str) -> bool:
    """True for a name as identities have them: lower-case ASCII. A look-alike from another alphabet is none."""
    return _PROVED.fullmatch(name) is not None


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN
