"""What is wrong with suppressions: no reason, past their day, unknown rules, nothing to hide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.team.directives import EXAMPLE
from automation_scripts.validation.team.known_rules import KnownRules, known_rules
from automation_scripts.validation.team.scopes import Scope


def about(
    used: Mapping[Scope, set[str]],
    today: date,
    found: Collection[str],
    broken: Collection[str | None],
    not_run: Collection[str],
) -> list[Finding]:
    """The findings about suppressions.

    Args:
        used: every suppression, with those of its rules that mean a finding in its reach.
        today: for those that name a day.
        found: rule ids that are known to exist.
        broken: files with errors of syntax; what is unused there cannot be told.
        not_run: families that were left out.
    """
    known = known_rules(found)
    return [
        finding for scope, names in used.items() for finding in _about_one(scope, names, today, known, broken, not_run)
    ]


def _about_one(
    scope: Scope,
    used: set[str],
    today: date,
    known: KnownRules,
    broken: Collection[str | None],
    not_run: Collection[str],
) -> Iterator[Finding]:
    if scope.wrong:
        yield _finding(
            scope, "invalid", Severity.LOW, f"This suppression does not work: {scope.wrong}.", f"Write {EXAMPLE}."
        )
        return
    if not scope.reason:
        yield _finding(
            scope,
            "no-reason",
            Severity.MEDIUM,
            f"The suppression of {_listed(scope.rules)} gives no reason, so it hides nothing.",
            f"Say why: {EXAMPLE}.",
        )
    unknown = []
    for name in scope.rules:
        if name == "syntax":
            unknown.append(name)
            yield _finding(
                scope,
                "invalid",
                Severity.LOW,
                "Errors of syntax cannot be suppressed: nobody can tell what else the file says.",
                "Mend the file, or accept the error in the baseline.",
            )
        elif name not in used and (objection := known.objection(name)) is not None:
            unknown.append(name)
            yield _unknown(scope, name, *objection)
    if scope.until is not None and today > scope.until:
        again = "what it hid is shown again" if used else "there is nothing left that it would hide"
        yield _finding(
            scope,
            "expired",
            Severity.LOW,
            f"The suppression of {_listed(scope.rules)} ended on {scope.until}: {again}.",
            "Mend what it hid, or name a later day with a reason that still holds." if used else "Remove it.",
        )
    elif scope.reason and scope.file not in broken:
        idle = [n for n in scope.rules if n not in used and n not in unknown and n.partition("/")[0] not in not_run]
        if idle:
            yield _finding(
                scope,
                "unused",
                Severity.INFO,
                f"Nothing is found here of {_listed(idle)}, so the suppression hides nothing"
                + (" of it." if len(idle) < len(scope.rules) else "."),
                "Remove it.",
                tag="unused",
            )


def _unknown(scope: Scope, name: str, message: str, guess: str | None) -> Finding:
    hint = f"Did you mean '{guess}'?" if guess else "Name a rule id, a class or a family as findings show them."
    return _finding(scope, "unknown-rule", Severity.LOW, f"{message}, so the suppression of it hides nothing.", hint)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _finding(
    scope: Scope, rule: str, severity: Severity, message: str, suggestion: str, *, tag: str = "invalid-value"
) -> Finding:
    where = scope.where
    return Finding(
        f"suppression/{rule}",
        severity,
        message,
        file=scope.shown_file,
        line=where.line,
        column=where.column,
        end_line=where.end_line,
        end_column=where.end_column,
        suggestion=suggestion,
        tags=(tag,),
    )
