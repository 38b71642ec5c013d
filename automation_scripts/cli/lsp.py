"""`automation lsp`: live findings and quick fixes in an editor."""

from __future__ import annotations

import typer

from automation_scripts.validation.strictness import Strictness


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("lsp")(lsp)


def lsp(
    validation_rules: Strictness = typer.Option(Strictness.STANDARD, "--validation-rules", help="How strict."),
    schema: str = typer.Option("", "--schema", metavar="PATH", help="A JSON Schema, or a folder of NAME.schema.json."),
    rules: str = typer.Option("", "--rules", metavar="PATH", help="Your business rules: a file or a folder."),
    environment: str = typer.Option("development", "-e", "--environment", help="What rules see as `environment`."),
) -> None:
    """Serve an editor over stdin and stdout (Language Server Protocol): live findings and quick fixes.

    The editor starts it; see docs/config_validator_editor.md for settings of editors. Nothing is written to files.

    Examples:

        automation lsp

        automation lsp --validation-rules strict --rules rules/
    """
    from automation_scripts.errors import ConfigurationError

    try:
        from automation_scripts.editor.server import ConfigurationServer
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise ConfigurationError(
            "automation lsp: the language server's libraries are not installed. Install automation-scripts[lsp]."
        ) from error
    given = {"validation_rules": validation_rules.value, "schema_path": schema, "rules_path": rules}
    ConfigurationServer({name: value for name, value in given.items() if value}, environment).start_io()
