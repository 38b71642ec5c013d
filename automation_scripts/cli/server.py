"""`automation server start|stop|status`: the embedded Prefect server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.status import Status

    from automation_scripts.server.embedded import EmbeddedServer


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="The local Prefect server: started once, shared by all commands.", no_args_is_help=True)
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    group.command("password")(password)
    app.add_typer(group, name="server")


def start() -> None:
    """Start the local Prefect server, or find the one that runs.

    It serves the API and the web UI on 127.0.0.1, and a worker for scheduled and API-started runs.

    Example:

        automation server start
    """
    server = _server()
    with _waiting("Starting the Prefect server (the first start prepares its database) …"):
        record = server.ensure()
    typer.echo(f"Prefect {record.prefect_version} serves {record.ui_url} (process {record.pid}).")
    typer.echo("Its UI asks for a password: `automation server password` prints it.", err=True)


def stop() -> None:
    """Stop the local Prefect server, its worker, and the runs that the worker has under way.

    Example:

        automation server stop
    """
    typer.echo("Stopped." if _server().stop() else "No server was running.")


def status(
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show whether the server runs, and where. Exit code 1 when it does not.

    Example:

        automation server status --json
    """
    from dataclasses import asdict

    from automation_scripts.cli.console import print_json
    from automation_scripts.settings import load_settings

    settings = load_settings()
    record = _server().find()
    if as_json:
        print_json(
            {
                "running": record is not None,
                "remote": settings.prefect.api_url,
                **({"api_url": record.api_url, "ui_url": record.ui_url, **asdict(record)} if record else {}),
            }
        )
    elif settings.prefect.api_url:
        typer.echo(f"Runs use the Prefect server at {settings.prefect.api_url}.")
    if record and not as_json:
        typer.echo(f"Prefect {record.prefect_version} serves {record.ui_url} (process {record.pid}).")
    elif not as_json and not settings.prefect.api_url:
        typer.echo("No server runs. `automation run` starts it, and so does `automation server start`.")
    if record is None and not settings.prefect.api_url:
        raise typer.Exit(1)


def password() -> None:
    """Print the password that the local server's UI and API ask for.

    Examples:

        automation server password

        PREFECT_API_AUTH_STRING="$(automation server password)" prefect deployment ls
    """
    from automation_scripts.errors import ServerUnavailable

    found = _server().folder.password()
    if not found:
        raise ServerUnavailable(
            "No server was started here yet, so there is no password. `automation server start` does it."
        )
    typer.echo(found)


def _server() -> EmbeddedServer:
    from automation_scripts.server.embedded import EmbeddedServer
    from automation_scripts.settings import load_settings

    settings = load_settings()
    return EmbeddedServer(settings.home, port=settings.server.port, warm=settings.server.warm_runner)


def _waiting(text: str) -> Status:
    from automation_scripts.cli.console import stderr

    return stderr().status(text)
