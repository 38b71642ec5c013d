"""The decision on every path: by the policies as they are now, and a refusal when they are broken."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.governance.policy import messages
from automation_scripts.governance.policy.model import AccessRequest, Decision
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.problems import PolicyError


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Where the policies are, and the settings that they are read with: see `PolicySet.load`."""

    folder: Path | None
    environments: Sequence[str]
    protected: Collection[str]
    require_mfa: bool = True
    scripts: Mapping[str, str] | None = None

    def policies(self) -> PolicySet:
        """The policies as the files are now. Raises PolicyError."""
        return PolicySet.load(
            self.folder,
            environments=self.environments,
            protected=self.protected,
            require_mfa=self.require_mfa,
            scripts=self.scripts,
        )

    def authorize(self, request: AccessRequest) -> Decision:
        """The decision. Broken policies allow nothing: the message has every problem with its file and line."""
        try:
            return self.policies().authorize(request)
        except PolicyError as error:
            why = f"the policies cannot be used, so nothing is allowed until they are repaired. {error}"
            return Decision(False, messages.refused(request, why.rstrip(".")))
