"""Results that Prefect stores: sealed after they were serialised, checked before they are loaded.

Prefect tells a serializer neither the run nor the file, so a result is bound to its purpose only: who can write to the
result storage may put one sealed result in the place of another, but cannot read or make one. That also protects those
who load pickles.
"""

from __future__ import annotations

from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.envelopes import from_text, to_text
from automation_scripts.governance.encryption.unreadable import Unreadable
from automation_scripts.governance.encryption.vault import Vault

_CONTEXT = Context("prefect.result")


def seal_result(vault: Vault, serialised: bytes) -> bytes:
    """The sealed result as ASCII, since Prefect keeps results inside JSON."""
    return to_text(vault.seal(serialised, _CONTEXT)).encode()


def open_result(vault: Vault, sealed: bytes) -> bytes:
    """What was sealed. Raises Unreadable for anything else, a result in clear included."""
    if not sealed.isascii():
        raise Unreadable("This is no sealed result. Delete the stored result and run again.")
    return vault.open(from_text(sealed.decode("ascii")), _CONTEXT)
