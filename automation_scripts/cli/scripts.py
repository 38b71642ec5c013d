"""`automation scripts`: the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from automation_scripts.catalog import Script


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
    from rich.text import Text

    from automation_scripts.cli.console import stdout, table

    states = {True: Text("ready", style="green"), False: Text("planned", style="dim")}
    rows = [
        (entry.name, entry.category.value, entry.level.value, states[entry.available], entry.summary)
        for entry in entries
    ]
    stdout().print(table(("script", "category", "level", "state", "what it does"), rows))


def _describe(script: Script, as_json: bool) -> None:
    from automation_scripts.cli.console import print_json, stdout, table

    model = script.parameters_model()
    if as_json:
        print_json(model.model_json_schema())
        return
    from rich.text import Text

    rows = []
    for name, field in model.model_fields.items():
        default = "(required)" if field.is_required() else str(field.get_default(call_default_factory=True))
        rows.append((name, default, field.description or ""))
    console = stdout()
    console.print(Text.assemble((script.name, "bold"), f": {script.summary}"), soft_wrap=True)
    console.print(table(("parameter", "default", "meaning"), rows))
