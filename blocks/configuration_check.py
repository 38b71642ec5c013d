"""A block for a team's own configuration check: shell commands whose output lines become findings."""

from __future__ import annotations

from prefect_shell import ShellOperation
from pydantic import Field

from automation_scripts.results import Severity


class ConfigurationCheck(ShellOperation):  # type: ignore[misc]
    """Commands that `config_validator` runs in the folder it validates, such as `nginx -t` or a linter.

    Each output line of the form `FILE:LINE:COLUMN: MESSAGE` (the column may be missing) becomes a finding; a command
    that fails without such a line becomes one finding. Who may fill in this block may run commands on the worker.
    """

    _block_type_name = "Configuration Check"
    _block_type_slug = "configuration-check"
    _description = "Shell commands that config_validator runs in the folder it validates."

    severity: Severity = Field(Severity.MEDIUM, description="How bad a reported line is.")
    time_limit_s: float = Field(60.0, gt=0, description="Seconds after which the commands are ended.")
