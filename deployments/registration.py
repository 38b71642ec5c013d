"""Register `prefect.yaml` and the blocks with a Prefect server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.errors import InvalidParameters, ServerUnavailable

FILE = "prefect.yaml"


@dataclass(frozen=True, slots=True)
class Registered:
    """A deployment as the server knows it."""

    name: str
    """`FLOW/DEPLOYMENT`."""
    identifier: str
    work_pool: str | None
    schedules: tuple[str, ...]
    """Each schedule in words, with `inactive` where it is."""


def project_file(given: Path | None = None) -> Path:
    """The deployments file: the one given, `prefect.yaml` of this folder, or the one that came with the package.

    Raises:
        InvalidParameters: there is none.
    """
    package = Path(__file__).resolve().parent
    candidates = [given] if given else [Path.cwd() / FILE, package / FILE, package.parent / FILE]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise InvalidParameters(
        f"{candidates[0]}: there is no deployments file. Run this in the folder of prefect.yaml, or name it with --file."
    )


def register(file: Path, api_url: str, password: str = "") -> list[Registered]:
    """Register every deployment of `file`, and this project's blocks. Returns what the server now holds.

    Args:
        file: the deployments file.
        api_url: where the server is.
        password: what it asks for, as `user:password`; the client's own settings hold when empty.

    Raises:
        ServerUnavailable: Prefect refused; the message holds what it said.
    """
    package_root = Path(__file__).resolve().parent.parent
    # Entrypoints are relative to the folder that holds flows/: that of the file, or where this package is installed.
    folder = file.parent if (file.parent / "flows").is_dir() else package_root
    environment = {**os.environ, "PREFECT_API_URL": api_url}
    if password:
        environment["PREFECT_API_AUTH_STRING"] = password
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise ServerUnavailable(f"Prefect did not take the deployments of {file}:\n{said}")
    return asyncio.run(_register_blocks_and_list(api_url, password))


async def _register_blocks_and_list(api_url: str, password: str) -> list[Registered]:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    from blocks.configuration_check import ConfigurationCheck

    changes = {PREFECT_API_URL: api_url, **({PREFECT_API_AUTH_STRING: password} if password else {})}
    with temporary_settings(changes):
        async with get_client() as client:
            await ConfigurationCheck.register_type_and_schema(client=client)
            flows = {flow.id: flow.name for flow in await client.read_flows()}
            return [
                Registered(
                    name=f"{flows.get(deployment.flow_id, '?')}/{deployment.name}",
                    identifier=str(deployment.id),
                    work_pool=deployment.work_pool_name,
                    schedules=tuple(_in_words(schedule) for schedule in deployment.schedules),
                )
                for deployment in await client.read_deployments()
            ]


def _in_words(schedule: object) -> str:
    when = getattr(schedule, "schedule", schedule)
    timing = getattr(when, "cron", None) or getattr(when, "interval", None) or getattr(when, "rrule", None)
    return f"{timing}" + ("" if getattr(schedule, "active", True) else " (inactive)")
