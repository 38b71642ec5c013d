"""Entries as events of the Open Cybersecurity Schema Framework 1.3.0 (https://schema.ocsf.io)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from automation_scripts.governance.audit.records import INTENT, Entry
from automation_scripts.version import installed_version

OCSF_VERSION = "1.3.0"

_IDENTITY = (3, "Identity & Access Management")
_APPLICATION = (6, "Application Activity")
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = (1, "Informational"), (2, "Low"), (3, "Medium"), (4, "High")
_SUCCESS, _FAILURE, _OTHER = (1, "Success"), (2, "Failure"), (99, "Other")
_FAILED = frozenset({"denied", "failed", "refused", "error", "expired", "locked", "crashed", "timed_out"})
_SUCCEEDED = frozenset({"allowed", "succeeded", "granted", "success", "ok"})


@dataclass(frozen=True, slots=True)
class _Class:
    uid: int
    name: str
    category: tuple[int, str]


_AUTHENTICATION = _Class(3002, "Authentication", _IDENTITY)
_ACCOUNT = _Class(3001, "Account Change", _IDENTITY)
_API = _Class(6003, "API Activity", _APPLICATION)

# The longest beginning of the action, at a dot, decides.
_BY_ACTION: dict[str, tuple[_Class, int, str]] = {
    "login": (_AUTHENTICATION, 1, "Logon"),
    "logout": (_AUTHENTICATION, 2, "Logoff"),
    "mfa": (_AUTHENTICATION, 99, "Other"),
    "mfa.enrol": (_ACCOUNT, 10, "MFA Factor Enable"),
    "mfa.enroll": (_ACCOUNT, 10, "MFA Factor Enable"),
    "mfa.remove": (_ACCOUNT, 11, "MFA Factor Disable"),
    "user": (_ACCOUNT, 99, "Other"),
    "user.create": (_ACCOUNT, 1, "Create"),
    "user.enable": (_ACCOUNT, 2, "Enable"),
    "user.password": (_ACCOUNT, 3, "Password Change"),
    "user.password_reset": (_ACCOUNT, 4, "Password Reset"),
    "user.disable": (_ACCOUNT, 5, "Disable"),
    "user.delete": (_ACCOUNT, 6, "Delete"),
    "user.lock": (_ACCOUNT, 9, "Lock"),
    "token.create": (_API, 1, "Create"),
    "token.revoke": (_API, 4, "Delete"),
    "approval.request": (_API, 1, "Create"),
    "policy": (_API, 3, "Update"),
}
_ANY = (_API, 99, "Other")


def to_ocsf(entry: Entry) -> dict[str, Any]:
    """One event: Authentication (3002), Account Change (3001) or API Activity (6003) by the action of the entry."""
    kind, activity, activity_name = _classify(entry.text("action"))
    status = _status(entry.text("outcome"))
    severity = _severity(entry, status)
    event: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": kind.category[0],
        "category_name": kind.category[1],
        "class_uid": kind.uid,
        "class_name": kind.name,
        "type_uid": kind.uid * 100 + activity,
        "type_name": f"{kind.name}: {activity_name}",
        "time": _milliseconds(entry),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1] if status is not _OTHER else entry.text("outcome") or "Other",
        "message": _message(entry),
        "metadata": _metadata(entry),
        "unmapped": dict(entry.members),
    }
    reasons = entry.members.get("reasons")
    if isinstance(reasons, list) and reasons:
        event["status_detail"] = "; ".join(map(str, reasons))
    return event | _parties(entry, kind)


def _classify(action: str) -> tuple[_Class, int, str]:
    parts = action.split(".")
    for length in range(len(parts), 0, -1):
        found = _BY_ACTION.get(".".join(parts[:length]))
        if found is not None:
            return found
    return _ANY


def _status(outcome: str) -> tuple[int, str]:
    if outcome in _SUCCEEDED:
        return _SUCCESS
    return _FAILURE if outcome in _FAILED else _OTHER


def _severity(entry: Entry, status: tuple[int, str]) -> tuple[int, str]:
    action = entry.text("action")
    if action.startswith("break_glass") or "clock_moved_back" in entry.members:
        return _HIGH
    if status is _FAILURE:
        return _MEDIUM
    return _LOW if action.startswith(("policy", "user.", "token.", "audit.key")) else _INFORMATIONAL


def _parties(entry: Entry, kind: _Class) -> dict[str, Any]:
    """Who, on what, from where; each class wants it in other members."""
    actor = entry.text("actor") or entry.text("claimed_user") or "unknown"
    endpoint = {"hostname": entry.text("host") or "unknown"}
    if kind is _AUTHENTICATION:
        return {
            "user": {"name": entry.text("claimed_user") or actor},
            "actor": {"user": {"name": actor}},
            "auth_protocol": entry.text("authentication"),
            "is_mfa": entry.text("authentication") == "webauthn" or entry.text("action").startswith("mfa"),
            "service": {"name": "automation_scripts"},
            "src_endpoint": endpoint,
        }
    if kind is _ACCOUNT:
        return {
            "user": {"name": entry.text("resource") or entry.text("claimed_user") or actor},
            "actor": {"user": {"name": actor}},
            "src_endpoint": endpoint,
        }
    api: dict[str, Any] = {"operation": entry.text("action"), "service": {"name": "automation_scripts"}}
    if entry.text("request_id"):
        api["request"] = {"uid": entry.text("request_id")}
    names = [name for name in (entry.text("resource"), entry.text("script")) if name]
    return {
        "actor": {"user": {"name": actor}},
        "api": api,
        "src_endpoint": endpoint,
        "resources": [{"name": name} for name in names],
    }


def _metadata(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": OCSF_VERSION,
        "product": {"name": "automation_scripts", "vendor_name": "automation_scripts", "version": installed_version()},
        "uid": str(entry.index),
        "sequence": entry.index,
        "event_code": entry.text("action"),
        "original_time": entry.text("time"),
    }
    if entry.text("execution_id"):
        found["correlation_uid"] = entry.text("execution_id")
    return found


def _message(entry: Entry) -> str:
    who = entry.text("actor") or entry.text("claimed_user") or "unknown"
    where = " in ".join(part for part in (entry.text("script"), entry.text("environment")) if part)
    outcome = "intended" if entry.text("outcome") == INTENT else entry.text("outcome")
    return " ".join(part for part in (entry.text("action"), "by", who, where and f"on {where}", outcome) if part)


def _milliseconds(entry: Entry) -> int:
    try:
        time = entry.time
    except ValueError:  # somebody has edited it
        return 0
    return int(time.timestamp()) * 1000 + time.microsecond // 1000
