"""Change freezes and the time zone of the policies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from automation_scripts.governance.policy.fields import Fields
from automation_scripts.governance.policy.model import Freeze, PolicySource
from automation_scripts.governance.policy.problems import printable
from automation_scripts.settings.problems import KeyPath
from automation_scripts.suggest import nearest

_KEYS = ("from", "until", "environments", "reason", "except_roles")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)


def read_time_zone(fields: Fields, data: Mapping[str, Any]) -> str | None:
    """The IANA name under `time_zone`; None when the file names none, or none that exists."""
    if "time_zone" not in data:
        return None
    name = data["time_zone"]
    zones = available_timezones()
    if isinstance(name, str) and name in zones:
        return name
    guess = nearest(name, zones) if isinstance(name, str) else None
    hint = f"; did you mean {guess}?" if guess else "."
    fields.wrong(("time_zone",), f"{printable(repr(name))} is no time zone{hint} Allowed: a name such as Europe/Berlin")
    return None


def read_freezes(
    fields: Fields,
    data: Mapping[str, Any],
    zone: str | None,
    environments: Collection[str],
    roles: Collection[str],
    name: str,
) -> tuple[Freeze, ...]:
    """The freezes of a file, whose local times are those of `zone` (UTC without one)."""
    local: tzinfo = ZoneInfo(zone) if zone else UTC
    found: list[Freeze] = []
    for path, item in fields.entries(("freezes",), data.get("freezes")):
        keys = fields.mapping(path, item, _KEYS)
        limits = [_moment(fields, path, keys, key, local) for key in ("from", "until")]
        start, end = limits
        reason = fields.text((*path, "reason"), keys["reason"]) if "reason" in keys else "no reason given"
        if start and end and start >= end:
            fields.wrong((*path, "until"), "is not after `from`")
        choices = {
            key: fields.names((*path, key), keys[key], what, known)
            for key, what, known in (
                ("environments", "environment", environments),
                ("except_roles", "role", roles),
            )
            if key in keys
        }
        at = fields.at(path).line
        source = PolicySource(f"{name}/freezes/{len(found) + 1}", "forbid", fields.document.file or name, at, reason)
        if start and end:
            found.append(Freeze(start, end, reason, source, **choices))
    return tuple(found)


def _moment(fields: Fields, path: KeyPath, keys: Mapping[str, Any], key: str, local: tzinfo) -> datetime | None:
    """A day or a moment as UTC. `until` a day means to its end; where clocks change, the longer freeze."""
    written = keys.get(key)
    if key not in keys:
        fields.wrong(path, f"needs `{key}`: a day such as 2026-12-20, or a time such as 2026-12-20 18:00")
        return None
    try:
        if isinstance(written, str) and _DAY.fullmatch(written):
            day = date.fromisoformat(written) + timedelta(days=1 if key == "until" else 0)
            moment = datetime.combine(day, time(), tzinfo=local)
        elif isinstance(written, str) and _MOMENT.fullmatch(written):
            moment = datetime.fromisoformat(written)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=local)
        else:
            raise ValueError
        readings = (moment.replace(fold=0).astimezone(UTC), moment.replace(fold=1).astimezone(UTC))
        return max(readings) if key == "until" else min(readings)
    except (ValueError, OverflowError):
        allowed = "a day such as 2026-12-20, or a time such as 2026-12-20 18:00 or 2026-12-20T18:00+01:00"
        fields.wrong((*path, key), f"{printable(repr(written))} is no time. Allowed: {allowed}")
        return None


def active_freezes(
    freezes: Iterable[Freeze], environment: str | None, roles: Collection[str], now: datetime
) -> tuple[Freeze, ...]:
    """Those that hold at `now` in this environment for somebody with these roles (inherited ones included)."""
    return tuple(
        freeze
        for freeze in freezes
        if freeze.start <= now < freeze.end
        and (not freeze.environments or environment in freeze.environments)
        and not set(freeze.except_roles) & set(roles)
    )
