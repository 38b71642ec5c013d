"""What the first decision of a process would have to load, for a process that is forked later (see `server.warm`)."""

from __future__ import annotations

from datetime import UTC, datetime

import rfc8785

import automation_scripts.governance.approvals.store
import automation_scripts.governance.audit.keys
import automation_scripts.governance.encryption.vault
import automation_scripts.governance.gate
import automation_scripts.governance.identity.store  # noqa: F401 - loaded so that the forks have it
from automation_scripts.governance.policy.authorizer import Authorizer
from automation_scripts.governance.policy.model import AccessRequest, Principal
from automation_scripts.governance.policy.vocabulary import Action, PrincipalKind


def rehearse() -> None:
    """Decide once by the policies that are installed with the program; they stay parsed. Touches no file and no key."""
    rfc8785.dumps({})
    Authorizer(None, ("development",), (), True, {"config_validator": "validation"}).authorize(
        AccessRequest(
            principal=Principal(PrincipalKind.LOCAL, "nobody"),
            action=Action.OBSERVE,
            now=datetime.now(UTC),
            environment="development",
            script="config_validator",
        )
    )
