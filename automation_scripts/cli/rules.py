"""`automation rules test|list`: business rules and their own examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from automation_scripts.validation.rules.types import Rule


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Business rules: YAML files with CEL expressions.", no_args_is_help=True)
    group.command("test")(test)
    group.command("list")(list_rules)
    app.add_typer(group, name="rules")


def test(
    paths: list[Path] = typer.Argument(
        None, metavar="[PATH]...", help="Rule files, or folders of them; the built-in rules when left out."
    ),
    environment: str = typer.Option("", "-e", "--environment", help="What the examples see as `environment`."),
    as_json: bool = typer.Option(False, "--json", help="Print the outcome as JSON."),
) -> None:
    """Run the examples of each rule: what is `bad` must break it, what is `good` must not, and a `fix` must mend.

    Rules for a kind of documents are also held against its schema: paths that cannot exist, values of another type.

    Exit codes: 0 all hold; 1 a rule fails, or has no examples; 2 a file cannot be used.

    Examples:

        automation rules test examples/rules.yaml

        automation rules test
    """
    from automation_scripts.cli.console import print_json, printable
    from automation_scripts.validation.rules.check import check_examples, rules_in
    from automation_scripts.validation.typed_rules import type_problems

    outcomes = [
        (rule, [*(check_examples(rule, environment) or _untested(rule)), *type_problems(rule)])
        for rule in rules_in(paths or [])
    ]
    failed = sum(bool(problems) for _, problems in outcomes)
    examples = sum(len(rule.bad) + len(rule.good) for rule, _ in outcomes)
    if as_json:
        rules = [{"id": rule.id, "examples": len(rule.bad) + len(rule.good), "problems": p} for rule, p in outcomes]
        print_json({"rules": rules, "failed": failed})
    else:
        for problem in (problem for _, problems in outcomes for problem in problems):
            typer.echo(printable(problem))
        typer.echo(f"{len(outcomes)} rules, {examples} examples: {failed or 'none'} failed")
    raise typer.Exit(int(failed > 0))


def _untested(rule: Rule) -> list[str]:
    if rule.bad and rule.good:
        return []
    missing = "bad" if not rule.bad else "good"
    return [f"{rule.id}: has no {missing} example. Write one under `{missing}:`, so that the rule is known to work."]


def list_rules(
    paths: list[Path] = typer.Argument(
        None, metavar="[PATH]...", help="Your own rule files, beside the built-in ones."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the rules as JSON."),
) -> None:
    """List the rules that a validation would apply: id, class, severity, and for which documents.

    Examples:

        automation rules list

        automation rules list examples/rules.yaml --json
    """
    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.validation.rules.check import load_rules

    rules = load_rules(paths or [])
    rows = [(rule.id, rule.tag, rule.severity.value, rule.kind.replace("|", ", ") or "any") for rule in rules]
    if as_json:
        print_json([dict(zip(("id", "class", "severity", "kind"), row, strict=True)) for row in rows])
    else:
        stdout().print(table(("rule", "class", "severity", "documents"), rows))
