"""`automation policy explain`: one question, its answer, and how each policy came to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.policy_common import FORMAT, POLICIES, SETTINGS_ASK, PolicyFormat, load, source_data

if TYPE_CHECKING:
    from datetime import datetime

    from automation_scripts.governance.policy import AccessRequest, Action, Decision, PolicySet
    from automation_scripts.settings import Settings


def explain(
    script: str | None = typer.Argument(None, metavar="[SCRIPT]", help="Left out for actions on the installation."),
    environment: str | None = typer.Option(None, "-e", "--environment", help="Environment that it is about."),
    user: str | None = typer.Option(None, "-u", "--user", help="Who asks."),
    role: list[str] = typer.Option([], "--role", help="Instead of a user: somebody with this role; repeat for more."),
    action: str | None = typer.Option(
        None,
        "--action",
        help="change (the default), observe, approve, break_glass, cancel, rollback, read_history, read_audit, "
        "administer or edit_policy.",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="A dry run, which observes."),
    mfa_age: str | None = typer.Option(None, "--mfa-age", help="A second factor was given so long ago: 30s, 5m, 0."),
    approvals: int = typer.Option(0, "--approvals", min=0, max=1000, help="Approvals by other persons."),
    approver_role: list[str] = typer.Option([], "--approver-role", help="A role of those who approved."),
    own_request: bool = typer.Option(False, "--own-request", help="For approve: it is the person's own request."),
    break_glass: bool = typer.Option(False, "--break-glass", help="Asks to act without the approval that is due."),
    at: str | None = typer.Option(None, "--at", metavar="TIME", help="When; now if left out. ISO date or time."),
    trigger: str = typer.Option("cli", "--trigger", help="cli, python, api, ui, schedule, alert or healing."),
    level: str | None = typer.Option(None, "--level", help="Automation level; that of the settings if left out."),
    risk: str | None = typer.Option(None, "--risk", help="Predicted probability of failure: 30% or 0.3."),
    changes: int = typer.Option(0, "--changes", min=0, max=10**9, help="How many changes the plan has."),
    policies_folder: Path | None = POLICIES,
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Tell whether somebody may do something, and for each policy which conditions held.

    Exit codes: 0 allowed; 1 denied; 2 bad input, or the policies cannot be used.

    Examples:

        automation policy explain deployment_automation -e production -u alice

        automation policy explain deployment_automation -e production --role release-manager --mfa-age 2m --approvals 1

        automation policy explain --action administer --role admin
    """
    from datetime import timedelta

    from automation_scripts.cli.policy_people import People
    from automation_scripts.governance.policy import AccessRequest
    from automation_scripts.governance.policy.vocabulary import TRIGGERS
    from automation_scripts.settings import load_settings
    from automation_scripts.storage.times import now as present

    settings = load_settings()
    policies = load(settings, policies_folder or settings.policy_folder)
    asked = _action(action, dry_run, script, environment)
    if environment is not None:
        settings.require_environment(environment)
    people = People(settings, policies)
    person = people.require(user, role, environment or "")
    now = instant(at) if at is not None else present()
    age_s = _age_s(mfa_age)
    request = AccessRequest(
        principal=person.principal,
        action=asked,
        now=now,
        environment=environment,
        script=script,
        level=_level(settings, script, environment, level),
        trigger=_known(trigger, "trigger", TRIGGERS),
        dry_run=dry_run,
        mfa_at=None if age_s is None else now - timedelta(seconds=age_s),
        approvals=approvals,
        approver_roles=frozenset(people.known_roles(approver_role, "--approver-role")),
        own_request=own_request,
        break_glass=break_glass,
        risk=_risk(risk),
        predicted_changes=changes,
    )
    decision = policies.authorize(request)
    note = " ".join(filter(None, (person.note, _settings_ask(settings, request, decision))))
    if output_format is PolicyFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json({**_answer(decision), "note": note or None, "policies": _traces(policies, request)})
    else:
        _print(policies, request, decision, note)
    raise typer.Exit(0 if decision.allowed else 1)


def instant(text: str) -> datetime:
    """A point in time, the future too: an ISO date or time, local when it names no zone. Raises InvalidParameters."""
    from datetime import UTC, datetime

    from automation_scripts.errors import InvalidParameters

    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidParameters(
            f"--at: {text[:80]!r} is no time. Write a date such as 2026-12-24, or a time such as 2026-12-24T18:00+01:00."
        ) from None


def _action(word: str | None, dry_run: bool, script: str | None, environment: str | None) -> Action:
    """What is asked for. Raises InvalidParameters where script, environment and action do not go together."""
    from automation_scripts import catalog
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.policy import Action
    from automation_scripts.governance.policy.vocabulary import SCRIPT_ONLY, SYSTEM_ONLY

    action = Action(_known(word or (Action.OBSERVE if dry_run else Action.CHANGE), "action", tuple(Action)))
    if dry_run and action is not Action.OBSERVE:
        raise InvalidParameters(f"--dry-run: a dry run observes and does not {action.value}. Leave one of them out.")
    if script is not None:
        catalog.get(script)
    if action in SCRIPT_ONLY and (script is None or environment is None):
        raise InvalidParameters(f"{action.value} needs a SCRIPT and an --environment.")
    if action in SYSTEM_ONLY and script is not None:
        raise InvalidParameters(f"{action.value} concerns the whole installation. Leave the script {script} out.")
    return action


def _known(word: str, option: str, known: tuple[str, ...]) -> str:
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.policy.names import fault

    if wrong := fault(word, option, known):
        raise InvalidParameters(f"--{option}: {wrong}.")
    return word


def _settings_ask(settings: Settings, request: AccessRequest, decision: Decision) -> str:
    """What holds whatever the policies say."""
    from automation_scripts.governance.policy import Action

    change = request.action is Action.CHANGE and settings.needs_approval(request.environment or "")
    unapproved = not request.approvals and not decision.break_glass_used
    return SETTINGS_ASK if change and unapproved and decision.allowed else ""


def _level(settings: Settings, script: str | None, environment: str | None, level: str | None) -> str:
    from automation_scripts import catalog

    if level is not None:
        return _known(level, "level", tuple(known.value for known in catalog.Level))
    if script is None or environment is None:
        return catalog.Level.MANUAL.value
    return settings.level_for(catalog.get(script), environment).value


def _age_s(text: str | None) -> float | None:
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.settings.values import parse_duration

    if text is None or text.strip() == "0":
        return None if text is None else 0.0
    try:
        return parse_duration(text)
    except ValueError:
        raise InvalidParameters(f"--mfa-age: {text[:80]!r} is no duration. Write 0, 30s, 5m or 1h.") from None


def _risk(text: str | None) -> float | None:
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.settings.values import parse_fraction

    if text is None:
        return None
    try:
        return parse_fraction(float(text) if "." in text and "%" not in text else text)
    except ValueError:
        raise InvalidParameters(f"--risk: {text[:80]!r} is no probability. Write 30% or 0.3.") from None


def _answer(decision: Decision) -> dict[str, Any]:
    advice = decision.advice
    return {
        "allowed": decision.allowed,
        "message": decision.message,
        "missing": [missing.value for missing in decision.missing],
        "approvals_missing": advice.approvals,
        "approver_role": advice.approver_role,
        "roles_that_may": list(advice.roles),
        "allowed_from": advice.allowed_from,
        "decided_by": [source_data(source) for source in decision.reasons],
        "break_glass_used": decision.break_glass_used,
        "digest": decision.digest,
    }


def _traces(policies: PolicySet, request: AccessRequest) -> list[dict[str, Any]]:
    from automation_scripts.governance.policy.explain import trace

    return [
        {
            **source_data(found.source),
            "applies": found.satisfied,
            "conditions": [
                {"text": condition.text, "held": condition.held, "values": dict(condition.values)}
                for condition in found.conditions
            ],
        }
        for found in trace(policies, request)
    ]


def _print(policies: PolicySet, request: AccessRequest, decision: Decision, note: str) -> None:
    from rich.text import Text

    from automation_scripts.cli.console import printable, stdout
    from automation_scripts.governance.policy import explain as explained

    first, _, rest = explained(policies, request).partition("\n")
    console = stdout()
    if note:
        console.print(Text(printable(f"Note: {note}")), soft_wrap=True)
    console.print(Text(printable(first), style="green" if decision.allowed else "bold red"), soft_wrap=True)
    console.print(Text(printable(rest)), soft_wrap=True)
