"""What a settings file may say, section by section, and the settings as the program uses them.

The comments of `reference.yaml` explain each key to users; the tests keep the two in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from automation_scripts.catalog import Level, Script
from automation_scripts.errors import InvalidParameters
from automation_scripts.settings.values import (
    Allowed,
    AnyCase,
    Approvers,
    BaselineMultiple,
    BucketPath,
    Count,
    EachOnce,
    EnvironmentName,
    FilePath,
    Flag,
    Fraction,
    HistoryUrl,
    HttpUrl,
    IssuerUrl,
    LoginLifetime,
    Multiple,
    NewName,
    NullIsEmpty,
    Port,
    Retries,
    RoleName,
    ScriptName,
    Seconds,
)
from automation_scripts.suggest import nearest

DEFAULT_ENVIRONMENTS = ("development", "staging", "production", "test")


class Channel(StrEnum):
    """Where notifications go."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"


class AlertSeverity(StrEnum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class LogLevel(StrEnum):
    """The levels of the standard library's logging."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class Section(BaseModel):
    """A mapping of the file. Unknown keys are errors; a section with nothing under it has its defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        return {} if value is None else value


class SecuritySettings(Section):
    """`automation.security`."""

    require_mfa: Flag = True
    audit_all_actions: Flag = True
    encrypt_communications: Flag = True


class AutomationSettings(Section):
    """`automation`. Durations are seconds."""

    max_concurrent_executions: Count = 10
    concurrency_wait: Seconds = 60.0
    default_timeout: Seconds = 3600.0
    require_approval_for: Annotated[tuple[EnvironmentName, ...], EachOnce] = ("production",)
    backup_before_changes: Flag = True
    rollback_on_failure: Flag = True
    notification_channels: Annotated[tuple[Channel, ...], EachOnce] = ()
    security: SecuritySettings = SecuritySettings()


class FailureRateAlert(Section):
    """`alerts.script_failure_rate`: more than `threshold` of the runs within `window` seconds failed."""

    threshold: Fraction = 0.05
    window: Seconds = 3600.0
    severity: AlertSeverity = AlertSeverity.CRITICAL


class ExecutionTimeAlert(Section):
    """`alerts.execution_time_anomaly`: a run takes longer than `threshold` times its baseline."""

    threshold: Multiple = BaselineMultiple(2.0)
    ml_detection: Flag = True
    severity: AlertSeverity = AlertSeverity.WARNING


class AlertSettings(Section):
    """`alerts`."""

    script_failure_rate: FailureRateAlert = FailureRateAlert()
    execution_time_anomaly: ExecutionTimeAlert = ExecutionTimeAlert()


class HistorySettings(Section):
    """`history`. Read `Settings.history_url`, which fills in the default."""

    # Kept out of repr and of error messages: the URL of a database may hold its password.
    url: HistoryUrl | None = Field(default=None, repr=False)


class ApprovalSettings(Section):
    """`governance.approvals`. Durations are seconds."""

    required: Approvers = 1
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1), EachOnce] = (
        "release-manager",
        "compliance-officer",
        "admin",
    )
    expires_after: Seconds = 4 * 3600.0
    review_within: Seconds = 3 * 86400.0


class AnchorSettings(Section):
    """One of `governance.anchors`: a file or an S3 bucket."""

    file: FilePath | None = None
    s3: BucketPath | None = None
    retain: Seconds = 365 * 86400.0
    required: Flag = False

    @model_validator(mode="after")
    def _one_place(self) -> AnchorSettings:
        if (self.file is None) == (self.s3 is None):
            raise ValueError("names a `file` or an `s3` bucket, one of the two")
        return self


class OidcSettings(Section):
    """`governance.oidc`: single sign-on."""

    issuer: IssuerUrl
    client_id: str
    client_secret: str | None = Field(default=None, repr=False)
    scopes: Annotated[tuple[str, ...], EachOnce] = ("openid", "profile", "email")
    user_claim: str = "preferred_username"
    groups_claim: str = "groups"
    groups: Annotated[dict[str, str], NullIsEmpty, Allowed("a mapping of the provider's groups to groups here")] = {}
    provision: Flag = False
    trust_mfa: Flag = False


class GovernanceSettings(Section):
    """`governance`. Read `Settings.governance_url` and `Settings.audit_url`, which fill in the defaults."""

    url: HistoryUrl | None = Field(default=None, repr=False)
    audit_url: HistoryUrl | None = Field(default=None, repr=False)
    policies: FilePath | None = None
    local_use: Flag = True
    login_lifetime: LoginLifetime = 3600.0
    approvals: ApprovalSettings = ApprovalSettings()
    anchors: tuple[AnchorSettings, ...] = ()
    kms_key: str | None = None
    oidc: OidcSettings | None = None


class PrefectSettings(Section):
    """`prefect`: an API of the user's own; None means the embedded server."""

    api_url: HttpUrl | None = None


class ServerSettings(Section):
    """`server`: the embedded Prefect server. The next free port is taken when `port` is not free."""

    port: Port = 4200
    warm_runner: Flag = True


class LogSettings(Section):
    """`log`. No path means /var/log/automation/orchestrator.log where writable, else the state folder."""

    path: FilePath | None = None
    level: Annotated[LogLevel, AnyCase] = LogLevel.INFO


class ScriptSettings(Section):
    """`scripts.NAME`: what is different for one script. None takes the catalogue's value."""

    timeout: Seconds | None = None
    level: Level | None = None
    levels: Annotated[
        dict[EnvironmentName, Level],
        NullIsEmpty,
        Allowed("a mapping of environment names to automation levels"),
    ] = {}
    retries: Retries | None = None


class Configuration(Section):
    """All that a settings file may say."""

    automation: AutomationSettings = AutomationSettings()
    environments: Annotated[tuple[NewName, ...], Field(min_length=1), EachOnce] = DEFAULT_ENVIRONMENTS
    scripts: Annotated[
        dict[ScriptName, ScriptSettings], NullIsEmpty, Allowed("a mapping of script names to their settings")
    ] = {}
    alerts: AlertSettings = AlertSettings()
    history: HistorySettings = HistorySettings()
    governance: GovernanceSettings = GovernanceSettings()
    prefect: PrefectSettings = PrefectSettings()
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()


class Settings(Configuration):
    """The settings in use: file and environment variables together, and where the state lives."""

    home: Path
    """The state folder; it need not exist yet."""
    config_path: Path | None = None
    """The file that was read; None when there was none."""

    @property
    def history_url(self) -> str:
        """The SQLAlchemy URL of the run history; SQLite in the state folder when none is set."""
        return self.history.url or f"sqlite:///{self.home / 'history.db'}"

    @property
    def governance_url(self) -> str:
        """The SQLAlchemy URL of users, approvals and keys; SQLite in the state folder when none is set."""
        return self.governance.url or f"sqlite:///{self.home / 'governance.db'}"

    @property
    def audit_url(self) -> str:
        """The SQLAlchemy URL of the audit log; SQLite in the state folder when none is set."""
        return self.governance.audit_url or f"sqlite:///{self.home / 'audit.db'}"

    @property
    def policy_folder(self) -> Path | None:
        """The folder of the policies; None means those that are installed with the program."""
        own = self.home / "policies"
        return self.governance.policies or (own if own.exists() else None)

    def require_environment(self, name: str) -> str:
        """`name`, when it is a known environment. Raises InvalidParameters, naming the nearest."""
        if name in self.environments:
            return name
        guess = nearest(name, self.environments)
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise InvalidParameters(
            f"environment: {name!r} is not known.{hint} Known: {', '.join(self.environments)}. "
            "Add it under `environments` in the settings file to use it."
        )

    def needs_approval(self, environment: str) -> bool:
        """True when `automation.require_approval_for` names this environment."""
        return environment in self.automation.require_approval_for

    def timeout_for(self, script: Script) -> float:
        """The script's time limit in seconds: its own setting, else the catalogue's, else the default."""
        own = self._of(script).timeout
        if own is not None:
            return own
        return self.automation.default_timeout if script.timeout_s is None else script.timeout_s

    def level_for(self, script: Script, environment: str) -> Level:
        """The automation level there: per environment, else per script, else the catalogue's."""
        own = self._of(script)
        return own.levels.get(environment) or own.level or script.level

    def retries_for(self, script: Script) -> int:
        """How often a task of this script that failed is tried again."""
        own = self._of(script).retries
        return script.retries if own is None else own

    def _of(self, script: Script) -> ScriptSettings:
        scripts: Mapping[str, ScriptSettings] = self.scripts
        return scripts.get(script.name) or ScriptSettings()
