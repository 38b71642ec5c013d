"""`automation doctor`: what works, what is missing, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from automation_scripts.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `level` is ok, note or problem."""

    subject: str
    level: str
    said: str
    remedy: str = ""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Check the installation: settings, state folder, history, log, packages, server, policies, users, audit, keys.

    Changes nothing, except that the folder of the log is made where it is missing. Exit code 1 when something does not work.

    Example:

        automation doctor
    """
    checks = list(_checks())
    if as_json:
        from automation_scripts.cli.console import print_json

        print_json([asdict(check) for check in checks])
    else:
        _print(checks)
    if any(check.level == "problem" for check in checks):
        raise typer.Exit(1)


def _print(checks: list[Check]) -> None:
    from rich.text import Text

    from automation_scripts.cli.console import printable, stdout

    console = stdout()
    marks = {"ok": ("ok      ", "green"), "note": ("note    ", "yellow"), "problem": ("problem ", "bold red")}
    for check in checks:
        said = printable(check.said)
        console.print(Text.assemble(marks[check.level], (f"{check.subject}: ", "bold"), said), soft_wrap=True)
        if check.remedy:
            console.print(Text(f"        → {printable(check.remedy)}", style="dim"), soft_wrap=True)


def _checks() -> Iterator[Check]:
    from automation_scripts.cli.doctor_governance import CHECKS
    from automation_scripts.errors import AutomationError
    from automation_scripts.settings import load_settings

    yield _python()
    yield from _packages()
    try:
        settings = load_settings()
    except AutomationError as error:
        yield Check("settings", "problem", str(error), "Mend the file; the reference names every key.")
        return
    where = settings.config_path or "defaults; AUTOMATION_CONFIG_PATH is not set"
    yield Check("settings", "ok", str(where))
    for look in (_state_folder, _history, _log, _server, _top_level_packages, *CHECKS):
        yield from _guarded(look, settings)


def _guarded(look: Callable[[Settings], Iterator[Check]], settings: Settings) -> Iterator[Check]:
    """A check that fails in an unforeseen way is a problem to report, not a traceback."""
    from automation_scripts.errors import AutomationError

    subject = look.__name__.strip("_").replace("_", " ")
    try:
        yield from look(settings)
    except AutomationError as error:
        yield Check(subject, "problem", str(error))
    except Exception as error:
        yield Check(subject, "problem", f"{type(error).__name__}: {error}")


def _python() -> Check:
    import platform

    return Check("python", "ok", platform.python_version())


def _packages() -> Iterator[Check]:
    """The two pairs of versions that are known not to work together, and the extras."""
    from importlib.metadata import PackageNotFoundError, version

    def installed(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    prefect, fastapi = installed("prefect"), installed("fastapi")
    if prefect is None:
        yield Check("prefect", "problem", "not installed", "pip install -r requirements.txt")
    elif fastapi and _release(fastapi) >= (0, 151):
        yield Check(
            "prefect",
            "problem",
            f"{prefect} with fastapi {fastapi}: its server does not start",
            'pip install "fastapi<0.151"',
        )
    else:
        yield Check("prefect", "ok", f"{prefect}, fastapi {fastapi}")
    for extra, package, purpose in (
        ("postgres", "psycopg", "history in PostgreSQL"),
        ("learning", "scikit-learn", "models on the run history"),
        ("aws", "boto3", "AWS targets"),
        ("slack", "slack-sdk", "Slack notifications"),
    ):
        if (found := installed(package)) is None:
            yield Check(
                f"extra {extra}",
                "note",
                f"{package} is not installed ({purpose})",
                f"pip install 'automation-scripts[{extra}]'",
            )
        else:
            yield Check(f"extra {extra}", "ok", f"{package} {found}")


def _release(version: str) -> tuple[int, ...]:
    """Major and minor number; pre-releases such as `0.151rc1` count as their release."""
    import re

    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _state_folder(settings: Settings) -> Iterator[Check]:
    import os
    import shutil

    home = settings.home
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Check("state folder", "problem", f"{home} cannot be written", "Set AUTOMATION_HOME to a writable folder.")
        return
    free_mb = shutil.disk_usage(existing).free // 2**20
    if free_mb < 500:
        yield Check("state folder", "problem", f"{home}: only {free_mb} MiB are free", "Free some space.")
        return
    note = "" if home.exists() else " (made at the first run)"
    yield Check("state folder", "ok", f"{home}{note}, {free_mb} MiB free")
    if home.exists() and home.stat().st_mode & 0o077:
        yield Check("state folder", "note", "other accounts may look into it", f"chmod 700 {home}")


def _history(settings: Settings) -> Iterator[Check]:
    import os
    from pathlib import Path

    from sqlalchemy import make_url

    from automation_scripts.governance.opened import open_store

    url = make_url(settings.history_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "").expanduser()
        if not file.exists():
            yield Check("history", "ok", f"{shown} (made at the first run)")
            return
        if not os.access(file, os.R_OK | os.W_OK) or not os.access(file.parent, os.W_OK | os.X_OK):
            remedy = f"Make {file} and its folder readable and writable for this account."
            yield Check("history", "problem", f"{shown} cannot be written", remedy)
            return
    store = open_store(settings)
    yield Check("history", "ok", f"{shown}: {len(store.active())} active runs, {store.slots_in_use()} slots in use")


def _log(settings: Settings) -> Iterator[Check]:
    from automation_scripts.observability.logs import SYSTEM_LOG, log_path

    path = log_path(settings)
    if path in (SYSTEM_LOG, settings.log.path):
        yield Check("log", "ok", f"tail -f {path}")
    else:
        yield Check("log", "note", f"tail -f {path}", f"For {SYSTEM_LOG}: make its folder writable for this account.")


def _server(settings: Settings) -> Iterator[Check]:
    if settings.prefect.api_url:
        yield _remote_server(settings.prefect.api_url)
        return
    from automation_scripts.server.embedded import EmbeddedServer
    from automation_scripts.server.handoff import connect

    embedded = EmbeddedServer(settings.home, settings.server.port, settings.server.warm_runner)
    record = embedded.find()
    if record is None:
        yield Check(
            "prefect server", "note", "not running", "It is started by the first run, or: automation server start"
        )
        return
    yield Check("prefect server", "ok", f"{record.ui_url}, process {record.pid}")
    if settings.server.warm_runner:
        connection = connect(embedded.folder.warm_socket, limit_s=2.0)
        if connection is None:
            yield Check("warm runner", "note", "does not answer; runs start slower", f"See {embedded.folder.log}")
        else:
            connection.close()
            yield Check("warm runner", "ok", "answers")


def _remote_server(api_url: str) -> Check:
    import httpx

    try:
        answer = httpx.get(f"{api_url}/health", timeout=5.0)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        return Check("prefect server", "problem", f"{api_url}: {error}", "Check PREFECT_API_URL and the server.")
    return Check("prefect server", "ok", api_url)


def _top_level_packages(settings: Settings) -> Iterator[Check]:
    """`flows`, `tasks`, … are common names: another package of the same name would be imported in our place."""
    import importlib.util
    from pathlib import Path

    import automation_scripts

    home = Path(automation_scripts.__file__).resolve().parent.parent
    for name in ("flows", "tasks", "blocks", "deployments"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != home:
            yield Check(
                "packages",
                "problem",
                f"`{name}` is imported from {origin}, not from {home}",
                "Uninstall the other package, or install this one into an environment of its own.",
            )
            return
    yield Check("packages", "ok", f"flows, tasks, blocks and deployments come from {home}")
