"""`automation policy diff`: which past runs other policies would have decided differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.policy_common import FORMAT, PolicyFormat, load

if TYPE_CHECKING:
    from datetime import datetime

    from automation_scripts.cli.policy_people import People, Person
    from automation_scripts.governance.policy import Changed, Decision, PastRun, PolicySet
    from automation_scripts.history.records import RunRecord

_SHOWN = 100
_NOT_ADMITTED = ("requested", "denied", "awaiting_approval")


def diff(
    folder: Path = typer.Argument(..., metavar="FOLDER", help="The proposed policies."),
    since: str = typer.Option("30d", "--since", help="Only runs started since: 2d, 1h, or an ISO date."),
    role: list[str] = typer.Option(
        [], "--role", help="The role of users of the history who are not known; repeat for more."
    ),
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Ask the policies in use and the proposed ones about each run of the history, and list where they differ.

    Roles are those that the users have now. Of a run that was let in it is taken that it had the second factor and the
    approvals that the policies in use ask for. A user who is not known counts as a local user, or has the --role.

    Exit codes: 0 no run would be decided differently; 1 some would; 2 bad input, or policies cannot be used.

    Examples:

        automation policy diff ./proposed

        automation policy diff ./proposed --since 90d --role operator --format json
    """
    from automation_scripts.cli.policy_people import People
    from automation_scripts.cli.quantities import moment
    from automation_scripts.governance.opened import open_store
    from automation_scripts.governance.policy import diff as compared
    from automation_scripts.settings import load_settings

    begin = moment(since, "--since")
    settings = load_settings()
    old, new = load(settings, settings.policy_folder), load(settings, folder)
    people = People(settings, old)
    past = Past(old, people, people.known_roles(role, "--role", (*old.roles, *new.roles)))
    runs = list(past.runs(open_store(settings).list(since=begin, limit=None)))
    changed = compared(old, new, runs, advice=False)  # nobody waits for, or approves, a run that is over
    if output_format is PolicyFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json(
            {
                "old_digest": old.digest,
                "new_digest": new.digest,
                "since": begin.isoformat(),
                "compared": len(runs),
                "left_out": dict(past.left_out),
                "unknown_users": sorted(past.unknown),
                "changed": [_data(change) for change in changed],
            }
        )
    else:
        _print(changed, len(runs), begin, past)
    raise typer.Exit(1 if changed else 0)


@dataclass(slots=True)
class Past:
    """Turns the runs of the history into what policies can be asked about."""

    policies: PolicySet
    people: People
    roles: Sequence[str] = ()
    """Of users who are not known; none makes them local users."""
    unknown: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    """How many runs cannot be asked about, by the reason."""
    _found: dict[tuple[str, str], Person] = field(default_factory=dict)

    def runs(self, records: Sequence[RunRecord]) -> Iterator[PastRun]:
        """Newest first, as the records are."""
        from automation_scripts.governance.policy.circumstances import BadRequest, check

        for record in records:
            run = self._run(record)
            try:
                check(run.request(), self.policies.rules)
            except BadRequest as error:
                self.left_out[str(error)] += 1
                continue
            yield run if record.status in _NOT_ADMITTED else self._as_admitted(run)

    def _run(self, record: RunRecord) -> PastRun:
        from automation_scripts import catalog
        from automation_scripts.cli.policy_people import with_roles
        from automation_scripts.governance.facts import LOCAL
        from automation_scripts.governance.policy import PastRun
        from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE

        if record.authentication == LOCAL:
            principal = with_roles(record.user, (LOCAL_ROLE,))
        else:
            principal = self._person(record.user, record.environment).principal
        script = catalog.SCRIPTS.get(record.script)
        return PastRun(
            run_id=record.execution_id,
            script=record.script,
            environment=record.environment,
            roles=principal.roles,
            at=record.start_time or record.requested_at,
            user=principal.name,
            kind=principal.kind,
            dry_run=record.dry_run,
            # A script of checks may still be told to apply its fixes.
            only_reads=script is not None and not script.changes_things and not record.predicted_changes,
            trigger=record.trigger,
            level=record.level,
            approvals=1 if record.approval_id else 0,
            changes=record.predicted_changes or 0,
        )

    def _person(self, user: str, environment: str) -> Person:
        key = (user, environment)
        if key not in self._found:
            self._found[key] = (
                self.people.find(user, environment) or self.people.of_role_name(user) or self._unknown(user)
            )
        return self._found[key]

    def _unknown(self, user: str) -> Person:
        from automation_scripts.cli.policy_people import Person, with_roles
        from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE

        self.unknown.add(user)
        return Person(with_roles(user or "unknown", tuple(self.roles) or (LOCAL_ROLE,)))

    def _as_admitted(self, run: PastRun) -> PastRun:
        """The run with the second factor and approvals that it must have had, since it was let in."""
        from automation_scripts.governance.policy import Missing

        request = run.request()
        if self.policies.allows(request):
            return run
        confirmed = replace(run, mfa_age_s=0.0)
        if self.policies.allows(confirmed.request()):  # the usual case, and quicker than to ask for advice
            return confirmed
        advice = self.policies.authorize(request).advice
        if not advice.missing or not {Missing.MFA, Missing.APPROVAL}.issuperset(advice.missing):
            return run
        given = frozenset({advice.approver_role} if advice.approver_role else ())
        return replace(
            run,
            mfa_age_s=0.0 if Missing.MFA in advice.missing else run.mfa_age_s,
            approvals=run.approvals + advice.approvals,
            approver_roles=run.approver_roles | given,
        )


def _data(change: Changed) -> dict[str, Any]:
    run = change.run
    return {
        "execution_id": run.run_id,
        "at": run.at.isoformat(),
        "script": run.script,
        "environment": run.environment,
        "user": run.user,
        "roles": sorted(run.roles),
        "dry_run": run.dry_run,
        "old": _decision(change.old),
        "new": _decision(change.new),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "message": decision.message,
        "decided_by": [reason.id for reason in decision.reasons],
    }


def _print(changed: Sequence[Changed], compared: int, begin: datetime, past: Past) -> None:
    from rich.text import Text

    from automation_scripts.cli.console import one_line, stderr, stdout
    from automation_scripts.cli.quantities import counted, local

    console, notes = stdout(), stderr()
    for change in changed[:_SHOWN]:
        now_denied = change.old.allowed
        verdict = "allowed -> denied" if now_denied else "denied -> allowed"
        where = f"  {one_line(change.run.run_id)}  {local(change.run.at)}"
        console.print(Text.assemble((verdict, "red" if now_denied else "yellow"), where), soft_wrap=True)
        console.print(Text(f"    {one_line(change.new.message)}"), soft_wrap=True)
    if len(changed) > _SHOWN:
        console.print(f"... and {len(changed) - _SHOWN} more; --format json has all.")
    denied = sum(change.old.allowed for change in changed)
    result = f"{denied} would be denied, {len(changed) - denied} allowed" if changed else "none decided differently"
    console.print(Text(f"{counted(compared, 'run')} since {local(begin)} compared: {result}."), soft_wrap=True)
    for reason, count in past.left_out.items():
        notes.print(Text(f"Left out: {counted(count, 'run')}, {one_line(reason)}."), soft_wrap=True)
    if past.unknown:
        names = one_line(", ".join(sorted(past.unknown)[:10])) + (", ..." if len(past.unknown) > 10 else "")
        as_what = f"with the role {', '.join(past.roles)}" if past.roles else "as local users; --role gives them a role"
        notes.print(Text(f"Not known, and compared {as_what}: {names}."), soft_wrap=True)
