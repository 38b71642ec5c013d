"""What differs between what was approved and what is to run, in names only: values may be secret."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from automation_scripts.governance.approvals.binding import BOUND_MEMBERS
from automation_scripts.governance.approvals.records import ApprovalRequest, Content
from automation_scripts.storage.encoding import to_json

_SHOWN = 5
_LONGEST = 60


def differences(request: ApprovalRequest, content: Content | None) -> str:
    """Which parts differ, by the copies that people may read."""
    if content is None:
        return "the script, the environment, a parameter or the plan differs"
    found = []
    if content.script != request.script:
        found.append(f"it is for the script {printable(request.script)}, not {printable(content.script)}")
    if content.environment != request.environment:
        found.append(
            f"it is for the environment {printable(request.environment)}, not {printable(content.environment)}"
        )
    names = _changed(request.parameters, content.parameters)
    if names:
        found.append(f"other values of {'parameter' if len(names) == 1 else 'parameters'} {_listed(names)}")
    resources = _changed_resources(request.plan, content.plan)
    if resources:
        found.append(f"the plan differs for {_listed(resources)}")
    return "; ".join(found) or "a value that is not shown differs, such as a secret parameter"


def printable(text: str) -> str:
    """A name in one line of visible ASCII."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    return shown if shown.isprintable() and shown.isascii() else ascii(shown)


def one_line(text: str) -> str:
    """What a person wrote, in one line without control characters, of 200 characters at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:200]).split())


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = _stored(before), _stored(after)
    return sorted(name for name in old.keys() | new.keys() if _text(old, name) != _text(new, name))


def _text(values: Mapping[str, Any], name: str) -> str | None:
    # As text, since Python finds True equal to 1.
    return json.dumps(values[name], sort_keys=True) if name in values else None


def _changed_resources(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[str]:
    old, new = Counter(map(_bound, before)), Counter(map(_bound, after))
    return sorted({resource for resource, _rest in (old - new) + (new - old)})


def _bound(change: Mapping[str, Any]) -> tuple[str, str]:
    members = _stored({name: change.get(name) for name in BOUND_MEMBERS})
    return str(members["resource"]), json.dumps(members, sort_keys=True)


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the copy is read back from the database."""
    found: dict[str, Any] = json.loads(to_json(dict(values)))
    return found


def _listed(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
