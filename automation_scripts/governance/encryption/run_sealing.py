"""What the run history keeps of a run, sealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.vault import Vault

PREFIX = "enc:v1:"


class RunSealing:
    """The `Sealing` of the run history.

    Args:
        vault: opens the keys when they are first needed, so that what reads no sealed text needs none.
    """

    def __init__(self, vault: Callable[[], Vault]) -> None:
        self._vault = vault

    def seal(self, text: str, execution_id: str, field: str) -> str:
        """The sealed text. Raises ConfigurationError when no key can be had."""
        from automation_scripts.governance.encryption.contexts import Context

        return self._vault().seal_text(text, Context("run", execution_id, field))

    def open(self, text: str, execution_id: str, field: str) -> str:
        """What was sealed; runs of before sealing, and words of this package itself, are as they are.

        Raises KeyMissing when the key is not here, Unreadable for an altered text.
        """
        if not text.startswith(PREFIX):
            return text
        from automation_scripts.governance.encryption.contexts import Context

        return self._vault().open_text(text, Context("run", execution_id, field))
