"""A plan in words, for whoever is asked to consent to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST = 30
LONGEST = 120


def plan_text(plan: Sequence[Mapping[str, Any]]) -> str:
    """An indented block of Markdown, one change a line; nothing in it is read as markup. `plan` holds no secrets."""
    lines = [f"    {_line(change)}" for change in plan[:MOST]]
    if len(plan) > MOST:
        lines.append(f"    and {len(plan) - MOST} more; `automation approvals show` lists them all")
    return "\n".join(lines)


def _line(change: Mapping[str, Any]) -> str:
    before, after = _short(change.get("before")), _short(change.get("after"))
    return f"{change.get('action')} {_short(change.get('resource'))}: {before} → {after}"


def _short(value: Any) -> str:
    text = "".join(c if c.isprintable() else " " for c in ("nothing" if value is None else str(value)))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
