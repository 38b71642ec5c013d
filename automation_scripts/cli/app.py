"""The commands, put together."""

from __future__ import annotations

import typer

from automation_scripts.cli import (
    approvals,
    audit,
    deploy,
    doctor,
    erasures,
    history,
    keys,
    login,
    lsp,
    policy,
    rules,
    run,
    scripts,
    server,
    show,
    statistics,
    token,
    users,
    validate,
)


def build_app() -> typer.Typer:
    """The `automation` application."""
    app = typer.Typer(
        name="automation",
        help="Governed automation on Prefect: configuration checks, deployments and system operations.",
        epilog="Start with: automation run config_validator -p config_path=examples/config",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    run.register(app)
    validate.register(app)
    rules.register(app)
    lsp.register(app)
    scripts.register(app)
    history.register(app)
    show.register(app)
    statistics.register(app)
    server.register(app)
    users.register(app)
    login.register(app)
    token.register(app)
    approvals.register(app)
    policy.register(app)
    audit.register(app)
    keys.register(app)
    erasures.register(app)
    deploy.register(app)
    doctor.register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from automation_scripts.version import installed_version

        typer.echo(f"automation {installed_version()}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", is_eager=True, callback=_version
    ),
) -> None:
    pass
