"""The gate is asked whether a run may start and apply its plan; whoever is there is asked for what it misses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from automation_scripts.errors import AccessDenied, ExecutionTimeout, MfaRequired
from automation_scripts.execution.plan_text import consent_text, require_informed
from automation_scripts.governance.consent import Plan
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.gate import NeedsApproval
from automation_scripts.governance.identity.refusal import CredentialRefused
from automation_scripts.observability.redaction import redact
from automation_scripts.results import PredictedChange
from automation_scripts.states import State

if TYPE_CHECKING:
    from automation_scripts.execution.events import Desk
    from automation_scripts.execution.lifecycle import Execution
    from automation_scripts.governance.facts import Admission, Entry


UNPROVED = ("unproved_claim", "no_credential")
"""Why somebody was refused who brought nothing that could be wrong."""


class PlanAgain(Exception):
    """The plan is to be made again: the run waited, and the world may have changed meanwhile."""


async def admit(run: Execution, entry: Entry, *, unproved_allowed: bool) -> Admission:
    """Have the run let in. Where somebody can be asked who it is, a name alone, or nothing at all, is not refused at once.

    Raises:
        AccessDenied, MfaRequired: it is not let in.
    """
    try:
        return await asyncio.to_thread(run.gate.admit, entry, unproved_allowed=unproved_allowed)
    except CredentialRefused as refusal:
        if run.desk is None or not run.desk.identifies or refusal.reason not in UNPROVED:
            raise
        claimed = entry.claimed_user if refusal.reason == "unproved_claim" else ""
        given = await run.desk.identify(str(refusal), claimed)
        if given is None:
            raise
    named = replace(entry, credential=given, claimed_user=given.user)
    return await asyncio.to_thread(run.gate.admit, named, unproved_allowed=unproved_allowed)


async def permit(run: Execution, admission: Admission, changes: Sequence[PredictedChange]) -> None:
    """Have the plan permitted.

    Raises:
        AccessDenied, MfaRequired, ApprovalRequired: it is not.
        ExecutionTimeout: nobody decided in time.
        PlanAgain: the run waited for an approval and got an answer.
    """
    facts = [change.to_dict() for change in changes]
    plan = Plan(facts, redact(facts))
    asked = False
    while True:
        try:
            await asyncio.to_thread(run.gate.permit, admission, plan)
            return
        except NeedsApproval as missing:
            await _await_approval(run, admission, missing, plan)
        except (AccessDenied, MfaRequired) as refusal:
            if asked or not (isinstance(refusal, MfaRequired) or admission.actor.is_local):
                raise
            asked = True
            given = await _asked_for(run.desk, admission, refusal)
            if given is None:
                raise
            await asyncio.to_thread(run.gate.identify_again, admission, given)
            await run.identified()


async def _asked_for(desk: Desk | None, admission: Admission, refusal: Exception) -> Presented | None:
    """A second factor of who asks, or a user and a code of whom nothing is known; None when nobody answers."""
    if desk is None:
        return None
    return await desk.identify(str(refusal), "" if admission.actor.is_local else admission.actor.name)


async def _await_approval(run: Execution, admission: Admission, missing: NeedsApproval, plan: Plan) -> None:
    """Wait until it was decided, then have the plan made again. Raises the refusal where nobody can wait."""
    await run.enter(State.AWAITING_APPROVAL, f"approval {missing.approval_id}")
    desk = run.desk
    if desk is None or not desk.waits_for_decisions:
        raise missing
    consent, source = run.gate.consent, run.request.trigger.value
    asked = await asyncio.to_thread(consent.get, missing.approval_id)
    entry = replace(admission.entry, approval_id=asked.id)

    def vote(given: Presented, decision: str, why: str) -> object:
        try:
            require_informed(decision, plan.shown, asked.id)
        except AccessDenied as refusal:
            run.gate.trail.approval_denied(replace(entry, claimed_user=given.user), None, refusal)
            raise
        return consent.vote(asked.id, given, decision, why, source=source)

    async with run.allowance.standing_still():
        await desk.await_decision(
            consent_text(str(missing), plan.shown, asked.id, asked.binding_hash),
            lambda: consent.is_decided(asked.id),
            vote,
            consent.rules.lasts_s,
        )
    if not await asyncio.to_thread(consent.is_decided, asked.id):
        raise ExecutionTimeout(f"Nobody decided on {asked.id} in time; nothing was changed.")
    await asyncio.to_thread(run.gate.rely_on, admission, asked.id)
    await run.allowance.take_slot()
    await run.enter(State.PLANNING, f"approval {asked.id}")
    raise PlanAgain
