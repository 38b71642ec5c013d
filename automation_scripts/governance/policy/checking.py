"""All that is wrong with the policies of a folder, for `policy check`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.problems import PolicyError
from automation_scripts.settings.problems import Problem


def check(
    folder: Path | None,
    *,
    environments: Sequence[str],
    protected: Collection[str],
    scripts: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Every problem of the folder's files with file and line; empty when they can be used."""
    try:
        PolicySet.load(folder, environments=environments, protected=protected, scripts=scripts)
    except PolicyError as error:
        return list(error.problems)
    return []
