"""`automation policy matrix`: what somebody may do in an environment, script by action, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.policy_common import FORMAT, POLICIES, SETTINGS_ASK, PolicyFormat, load, source_data

if TYPE_CHECKING:
    from datetime import datetime

    from rich.text import Text

    from automation_scripts.cli.policy_people import Person
    from automation_scripts.governance.policy import Action, PolicySet, Row

_ACTION_TITLES = {"break_glass": "break\nglass", "read_history": "read\nhistory"}
_STYLES = {"allowed": "green", "allowed with": "yellow", "denied": "red"}
_WITH = {"mfa": "2F", "approval": "A"}


def matrix(
    user: str | None = typer.Option(None, "-u", "--user", help="Whose permissions."),
    environment: str = typer.Option(..., "-e", "--environment", help="The environment."),
    role: list[str] = typer.Option([], "--role", help="Instead of a user: somebody with this role; repeat for more."),
    script: list[str] = typer.Option([], "--script", help="Only this script; repeat for more."),
    action: list[str] = typer.Option([], "--action", help="Only this action, such as change; repeat for more."),
    policies_folder: Path | None = POLICIES,
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Show what a user may do in an environment now: each script and action, what it takes, and why.

    Second factors and approvals are taken as not given yet: what needs them counts as allowed, with them.

    Exit codes: 0 allowed, perhaps with a second factor or an approval; 1 denied; 2 bad input (an unknown user,
    environment, script or action), or the policies cannot be used. Asked about is everything that --script and
    --action choose. Without them, 0 says that the user may change something there, or observe every script.

    Examples:

        automation policy matrix -u admin -e production

        automation policy matrix -u alice -e staging --script deployment_automation --action change

        automation policy matrix --role viewer -e production --format json
    """
    from automation_scripts.cli.policy_people import People
    from automation_scripts.governance.policy import matrix as computed
    from automation_scripts.settings import load_settings
    from automation_scripts.storage.times import now as present

    settings = load_settings()
    settings.require_environment(environment)
    policies = load(settings, policies_folder or settings.policy_folder)
    chosen = _checked(script, action)
    person = People(settings, policies).require(user, role, environment)
    now = present()
    everything = computed(policies, person.principal, environment, now)
    if settings.needs_approval(environment):
        everything = [with_approval(row) for row in everything]
    rows = [row for row in everything if _is_chosen(row, script, chosen)]
    verdict = may(rows, filtered=bool(script or action))
    if output_format is PolicyFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json(_data(person, environment, now, policies, rows, verdict))
    else:
        _print(person, environment, now, rows)
    raise typer.Exit(0 if verdict else 1)


def may(rows: Sequence[Row], *, filtered: bool) -> bool:
    """The answer as one word: see the exit codes of `matrix`."""
    from automation_scripts.governance.policy import Action, Outcome

    allowed = [row.outcome is not Outcome.DENIED for row in rows]
    if filtered:
        return all(allowed)
    changes = any(ok for row, ok in zip(rows, allowed, strict=True) if row.action is Action.CHANGE)
    return changes or all(ok for row, ok in zip(rows, allowed, strict=True) if row.action is Action.OBSERVE)


def with_approval(row: Row) -> Row:
    """The row where `require_approval_for` names the environment: a change needs an approval, whatever policies say."""
    from automation_scripts.governance.policy import Action, Missing, Outcome

    if row.action is not Action.CHANGE or row.outcome is Outcome.DENIED or Missing.APPROVAL in row.needs:
        return row
    why = f"{row.why} {SETTINGS_ASK}"
    return replace(row, outcome=Outcome.ALLOWED_WITH, needs=(*row.needs, Missing.APPROVAL), why=why)


def _checked(scripts: Sequence[str], actions: Sequence[str]) -> frozenset[Action]:
    """The actions that are asked about. Raises InvalidParameters and UnknownScript for what there is not."""
    from automation_scripts import catalog
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.policy import Action
    from automation_scripts.governance.policy.names import fault
    from automation_scripts.governance.policy.vocabulary import SYSTEM_ONLY

    for name in scripts:
        catalog.get(name)
    for name in actions:
        if wrong := fault(name, "action", tuple(Action)):
            raise InvalidParameters(f"--action: {wrong}.")
        if scripts and name in SYSTEM_ONLY:
            raise InvalidParameters(f"--action {name} concerns the whole installation: leave --script out.")
    return frozenset(map(Action, actions)) or frozenset(Action)


def _is_chosen(row: Row, scripts: Sequence[str], actions: frozenset[Action]) -> bool:
    return row.action in actions and (not scripts or row.script in scripts)


def _data(
    person: Person, environment: str, now: datetime, policies: PolicySet, rows: Sequence[Row], verdict: bool
) -> dict[str, Any]:
    principal = person.principal
    return {
        "user": principal.name,
        "kind": principal.kind.value.lower(),
        "roles": sorted(principal.roles),
        "groups": sorted(principal.groups),
        "note": person.note or None,
        "environment": environment,
        "at": now.isoformat(),
        "digest": policies.digest,
        "allowed": verdict,
        "rows": [
            {
                "script": row.script,
                "category": row.category,
                "action": row.action.value,
                "outcome": row.outcome.value.replace(" ", "_"),
                "needs": [need.value for need in row.needs],
                "why": row.why,
                "decided_by": [source_data(source) for source in row.decision.reasons],
            }
            for row in rows
        ],
    }


def _print(person: Person, environment: str, now: datetime, rows: Sequence[Row]) -> None:
    from rich.text import Text

    from automation_scripts.cli.console import printable, stdout
    from automation_scripts.cli.policy_people import described

    console = stdout()
    console.print(Text(f"{described(person)}, in {environment} on {now:%A %Y-%m-%d %H:%M} UTC"), soft_wrap=True)
    if person.note:
        console.print(Text(printable(f"Note: {person.note}")), soft_wrap=True)
    if on_scripts := [row for row in rows if row.script is not None]:
        console.print("")
        console.print(_table(on_scripts))
    if on_system := [row for row in rows if row.script is None]:
        console.print("")
        for row in on_system:
            console.print(Text.assemble(f"{row.action.value.replace('_', ' ')} (everything): ", _cell(row)))
    console.print("", Text("yes: allowed   2F: with a second factor   A: with an approval   no: denied"), sep="\n")
    console.print("", Text("Why", style="bold"), sep="\n")
    for line in why(rows, environment):
        console.print(Text(printable(line)), soft_wrap=True)


def _table(rows: Sequence[Row]) -> Any:
    """Scripts downwards, actions across; narrow enough for 80 columns."""
    from automation_scripts.cli.console import table

    actions = list(dict.fromkeys(row.action for row in rows))
    cells: dict[str, dict[Action, Row]] = {}
    for row in rows:
        cells.setdefault(row.script or "", {})[row.action] = row
    titles = ("", *(_ACTION_TITLES.get(action.value, action.value) for action in actions))
    made = table(titles, ((name, *(_cell(of[action]) for action in actions)) for name, of in cells.items()))
    made.collapse_padding = True
    return made


def _cell(row: Row) -> Text:
    from rich.text import Text

    words = {"allowed": "yes", "denied": "no"}
    text = words.get(row.outcome.value) or "+".join(_WITH[need.value] for need in row.needs)
    return Text(text, style=_STYLES[row.outcome.value])


def why(rows: Sequence[Row], environment: str) -> Iterator[str]:
    """One line for each action and reason; the scripts are named where they do not share it."""
    asked = {action: {row.script for row in rows if row.action is action} for action in (row.action for row in rows)}
    groups: dict[tuple[Action, str], list[Row]] = {}
    for row in rows:
        # What comes before it in the sentence differs from script to script.
        reason = row.why.partition(f" in {environment}{',' if row.decision.allowed else ':'} ")[2]
        groups.setdefault((row.action, reason), []).append(row)
    for (action, reason), alike in sorted(groups.items(), key=lambda group: list(asked).index(group[0][0])):
        scripts = {row.script for row in alike}
        named = "" if scripts == asked[action] else f" {', '.join(sorted(s or 'everything' for s in scripts))}"
        # A permission's reason begins with `by`.
        joint = " " if alike[0].outcome.value == "allowed" else ": "
        yield f"  {action.value.replace('_', ' ')}{named}: {_word(alike[0])}{joint}{reason}"


def _word(row: Row) -> str:
    names = {"mfa": "a second factor", "approval": "an approval"}
    if row.needs and row.outcome.value == "allowed with":
        return f"allowed with {' and '.join(names[need.value] for need in row.needs)}"
    return row.outcome.value
