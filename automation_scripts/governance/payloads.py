"""What a run was given and what was said of it, sealed inside the audit log.

The log keeps the ciphertext, and that is what its tree is made of. Destroying the keys of a person (`automation erase`) makes
the words unreadable for ever, and the tree still verifies: GDPR, article 17, without a hole in the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.storage.encoding import to_json

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.vault import Vault

FIELDS = ("parameters", "message")
"""Members of `details` that are sealed."""
ERASED = "[erased]"
PREFIX = "enc:v1:"


class Payloads:
    """Seals and opens the words of records.

    Args:
        vault: opens the keys when they are first needed.
    """

    def __init__(self, vault: Callable[[], Vault]) -> None:
        self._vault = vault

    def seal(self, details: Mapping[str, Any], execution_id: str, subject: str) -> dict[str, Any]:
        """The details with what has a value in `FIELDS` sealed, for the person `subject`."""
        sealed = dict(details)
        for name in FIELDS:
            if sealed.get(name):
                place = Context("audit", execution_id, name)
                sealed[name] = self._vault().seal_text(to_json(sealed[name]), place, subject or None)
        return sealed

    def open(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an entry as they were told; what was erased is `[erased]`. Raises KeyMissing, Unreadable."""
        import json

        from automation_scripts.governance.encryption.unreadable import ShreddedData

        details = members.get("details")
        if not isinstance(details, Mapping):
            return dict(members)
        opened = dict(details)
        for name in FIELDS:
            value = opened.get(name)
            if isinstance(value, str) and value.startswith(PREFIX):
                place = Context("audit", str(members.get("execution_id", "")), name)
                try:
                    opened[name] = json.loads(self._vault().open_text(value, place))
                except ShreddedData:
                    opened[name] = ERASED
        return {**members, "details": opened}
