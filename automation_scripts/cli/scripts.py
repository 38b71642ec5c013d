"""`automation scripts`: the catalogue."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("scripts")(scripts)


def scripts(
    name: str | None = typer.Argument(None, metavar="[SCRIPT]", help="Show this script's parameters."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the scripts, or the parameters of one.

    Examples:

        automation scripts

        automation scripts config_validator
    """
    from automation_scripts import catalog

    if name is not None:
        _describe(catalog.get(name).require_available(), as_json)
        return
    entries = list(catalog.SCRIPTS.values())
    if as_json:
        from automation_scripts.cli.console import print_json

        print_json(
            [
                {
                    "name": entry.name,
                    "category": entry.category.value,
                    "level": entry.level.value,
                    "available": entry.available,
                    "summary": entry.summary,
                }
                for entry in entries
            ]
        )
        return
    from rich.table import Table

    from automation_scripts.cli.console import stdout

    table = Table("script", "category", "level", "state", "what it does", box=None, pad_edge=False)
    for entry in entries:
        state = "[green]ready[/]" if entry.available else "[dim]planned[/]"
        table.add_row(entry.name, entry.category.value, entry.level.value, state, entry.summary)
    stdout().print(table)


def _describe(script: object, as_json: bool) -> None:
    from automation_scripts.catalog import Script
    from automation_scripts.cli.console import print_json, stdout

    assert isinstance(script, Script)
    model = script.parameters_model()
    if as_json:
        print_json(model.model_json_schema())
        return
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    console.print(f"[bold]{script.name}[/]: {script.summary}")
    table = Table("parameter", "default", "meaning", box=None, pad_edge=False)
    for name, field in model.model_fields.items():
        default = "(required)" if field.is_required() else str(field.get_default(call_default_factory=True))
        table.add_row(name, Text(default), Text(field.description or ""))
    console.print(table)
