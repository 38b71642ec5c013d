"""Who asks for a run, for which environment, and under which approval."""

from __future__ import annotations

import getpass
import re
import uuid

from pydantic import BaseModel, ConfigDict, Field, field_validator

_PLAIN = re.compile(r"[^\x00-\x1f\x7f]*")


def operating_system_user() -> str:
    """The name of the operating-system account; `unknown` where the account has no name (a bare container uid)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def new_request_id() -> str:
    """A fresh request identifier."""
    return f"req_{uuid.uuid4().hex[:16]}"


class ExecutionContext(BaseModel):
    """The circumstances of one request. `user` is a claim until a credential proves it."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, title="Execution context")

    environment: str = Field(
        "development", min_length=1, max_length=64, description="Environment that the run acts on."
    )
    user: str = Field("", max_length=128, description="Who asks for the run. Empty means the operating-system user.")
    request_id: str = Field(
        "",
        max_length=128,
        description="Identifier that ties this run to the request behind it. Empty: a new one.",
    )
    approval_id: str | None = Field(None, max_length=128, description="Approval that the run relies on.")
    credential: str | None = Field(
        None,
        max_length=4096,
        description="Where the token that proves the user is: env:NAME, file:/path or block:NAME. Never the token itself.",
    )
    break_glass: str = Field(
        "", max_length=500, description="Why this must be done without approval. It is reviewed afterwards."
    )
    dry_run: bool = Field(False, description="Observe and plan only; change nothing.")

    @field_validator("environment", "user", "request_id", "approval_id", "credential", "break_glass")
    @classmethod
    def _one_plain_line(cls, value: str | None) -> str | None:
        if value is not None and not _PLAIN.fullmatch(value):
            raise ValueError("must be one line without control characters")
        return value

    def resolved(self) -> ExecutionContext:
        """A copy with the empty fields filled in."""
        return self.model_copy(
            update={
                "user": self.user or operating_system_user(),
                "request_id": self.request_id or new_request_id(),
            }
        )
