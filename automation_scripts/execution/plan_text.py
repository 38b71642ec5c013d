"""A plan in words, for whoever is asked to consent to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from automation_scripts.errors import AccessDenied

MOST = 30
LONGEST = 120
DIGITS = 12
"""Of the binding hash: enough to compare by eye."""
T = TypeVar("T")
Vote = Callable[[T, str, str], Any]
"""What a form does with an answer: the credential, the decision, the reason."""


def plan_text(plan: Sequence[Mapping[str, Any]]) -> str:
    """An indented block of Markdown, one change a line; nothing in it is read as markup. `plan` holds no secrets."""
    lines = [f"    {_line(change)}" for change in plan[:MOST]]
    if len(plan) > MOST:
        lines.append(f"    and {len(plan) - MOST} more; `automation approvals show` lists them all")
    return "\n".join(lines)


def shown_whole(plan: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `plan_text` shows every change, each of its texts to the end and as it is."""
    texts = (_text(change.get(name)) for change in plan for name in ("resource", "before", "after"))
    return len(plan) <= MOST and all(len(text) <= LONGEST and text.isprintable() for text in texts)


def consent_text(message: str, plan: Sequence[Mapping[str, Any]], approval_id: str, binding_hash: str) -> str:
    """What a form asks: the message, the plan, and how to recognise it in `automation approvals show`."""
    known = f"The plan is bound to {binding_hash[:DIGITS]}…, as `automation approvals show {approval_id}` tells too."
    partly = (
        ""
        if shown_whole(plan)
        else f"\n\n**Not all of it is shown here**, so it can be denied here but not granted. {_look(approval_id)}"
    )
    return f"{message}\n\n{plan_text(plan)}\n\n{known}{partly}"


def informed(vote: Vote[T], plan: Sequence[Mapping[str, Any]], approval_id: str) -> Vote[T]:
    """`vote` for who has seen `plan_text` alone: nobody grants what is not shown. Denying it is always possible.

    Raises AccessDenied before anything of the answer is used up.
    """

    def checked(given: T, decision: str, reason: str) -> Any:
        if decision != "deny" and not shown_whole(plan):
            raise AccessDenied(
                f"The plan is too long to be shown whole in this form, so it is not granted here. {_look(approval_id)}"
            )
        return vote(given, decision, reason)

    return checked


def _look(approval_id: str) -> str:
    return f"Look at it with `automation approvals show {approval_id}` and grant it there: `automation approvals grant {approval_id}`."


def _line(change: Mapping[str, Any]) -> str:
    before, after = _short(change.get("before")), _short(change.get("after"))
    return f"{change.get('action')} {_short(change.get('resource'))}: {before} → {after}"


def _short(value: Any) -> str:
    text = "".join(c if c.isprintable() else " " for c in _text(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _text(value: Any) -> str:
    return "nothing" if value is None else str(value)
