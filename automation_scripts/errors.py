"""The one exception hierarchy. Every message says what was wrong, where, and what to do next."""

from __future__ import annotations


class AutomationError(Exception):
    """Base of everything this package raises on purpose; `exit_code` is what the CLI returns for it."""

    exit_code = 2


class ConfigurationError(AutomationError):
    """The settings file or an AUTOMATION_* variable cannot be used."""


class InvalidParameters(AutomationError):
    """A parameter, environment or context field is missing, unknown or of the wrong type."""


class UnknownScript(AutomationError):
    """No script of that name is in the catalogue, or it is planned and cannot run yet."""


class AccessDenied(AutomationError):
    """The caller may not do this."""


class ApprovalRequired(AutomationError):
    """The run needs an approval that it does not carry."""


class MfaRequired(AutomationError):
    """The run needs a second factor at the moment of use."""


class ConcurrencyLimitReached(AutomationError):
    """`max_concurrent_executions` runs are active and none ended while this one waited."""


class ExecutionTimeout(AutomationError):
    """The run was stopped at its time limit."""

    exit_code = 1


class RecoveryFailed(AutomationError):
    """A rollback did not bring the previous state back; a person must look."""

    exit_code = 1


class AuditUnavailable(AutomationError):
    """The audit log cannot be written, so nothing may run."""


class ServerUnavailable(AutomationError):
    """The Prefect server cannot be reached or started."""


class HistoryUnavailable(AutomationError):
    """The run history cannot be opened, read or written."""


class IllegalTransition(AutomationError):
    """A run was asked to go to a state that its present state does not lead to: a defect, not a user error."""

    exit_code = 1
