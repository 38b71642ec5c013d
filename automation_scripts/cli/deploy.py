"""`automation deploy`: make the scripts known to Prefect, so that its UI, its API and schedules can start them."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("deploy")(deploy)


def deploy(
    file: Path | None = typer.Option(
        None, "--file", help="The deployments file; prefect.yaml of this folder, or the package's own, when left out."
    ),
) -> None:
    """Register the deployments, schedules and blocks with the Prefect server.

    Start one afterwards from the Prefect UI, with `prefect deployment run`, or with `automation run --remote`.

    Examples:

        automation deploy

        automation deploy --file prefect.yaml
    """
    from rich.table import Table
    from rich.text import Text

    from automation_scripts.cli.console import stderr, stdout
    from automation_scripts.orchestrator import AutomationOrchestrator
    from deployments.registration import project_file
    from deployments.registration import register as register_all

    chosen = project_file(file)
    orchestrator = AutomationOrchestrator()
    with stderr().status("Registering the deployments …"):
        api_url = orchestrator.server_url()
        registered = register_all(chosen, api_url, orchestrator.server_password())
    table = Table("deployment", "work pool", "schedules", box=None, pad_edge=False)
    for entry in registered:
        table.add_row(Text(entry.name), Text(entry.work_pool or "-"), Text(", ".join(entry.schedules) or "-"))
    console = stdout()
    console.print(table)
    console.print(f"Start one at {api_url.removesuffix('/api')}/deployments", soft_wrap=True)
