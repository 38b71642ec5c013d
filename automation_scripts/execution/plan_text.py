"""A plan in words, for whoever is asked to consent to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automation_scripts.errors import AccessDenied

MOST = 30
LONGEST = 120
DIGITS = 12
"""Of the binding hash: enough to compare by eye."""


def plan_text(plan: Sequence[Mapping[str, Any]]) -> str:
    """An indented block of Markdown, one change a line; nothing in it is read as markup. `plan` holds no secrets."""
    lines = [f"    {_line(change)}" for change in plan[:MOST]]
    if len(plan) > MOST:
        lines.append(f"    and {len(plan) - MOST} more; `automation approvals show` lists them all")
    return "\n".join(lines)


def shown_whole(plan: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `plan_text` shows every change, and each of its texts to the end."""
    texts = (_text(change.get(name)) for change in plan for name in ("resource", "before", "after"))
    return len(plan) <= MOST and all(len(text) <= LONGEST for text in texts)


def consent_text(message: str, plan: Sequence[Mapping[str, Any]], approval_id: str, binding_hash: str) -> str:
    """What a form asks: the message, the plan, and how to recognise it in `automation approvals show`."""
    known = f"The plan is bound to {binding_hash[:DIGITS]}…, as `automation approvals show {approval_id}` tells too."
    partly = (
        ""
        if shown_whole(plan)
        else f"\n\n**Not all of it is shown here**, so it can be denied here but not granted. {_look(approval_id)}"
    )
    return f"{message}\n\n{plan_text(plan)}\n\n{known}{partly}"


def require_informed(decision: str, plan: Sequence[Mapping[str, Any]], approval_id: str) -> None:
    """Let nobody grant what `plan_text` did not show; a denial is always possible. Raises AccessDenied."""
    if decision != "deny" and not shown_whole(plan):
        raise AccessDenied(
            f"The plan is too long to be shown whole in this form, so it is not granted here. {_look(approval_id)}"
        )


def _look(approval_id: str) -> str:
    return f"Look at it with `automation approvals show {approval_id}` and grant it there: `automation approvals grant {approval_id}`."


def _line(change: Mapping[str, Any]) -> str:
    before, after = _short(change.get("before")), _short(change.get("after"))
    return f"{change.get('action')} {_short(change.get('resource'))}: {before} → {after}"


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _text(value: Any) -> str:
    """On one line, with what cannot be seen as an escape of Python: `\\n`, `\\u200b`; and so a backslash as two."""
    text = "nothing" if value is None else str(value)
    return "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)
