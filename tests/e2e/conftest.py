"""A whole installation for the session: a server with its worker, the deployments, and a folder of configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from automation_scripts.governance.opened import open_store
from automation_scripts.history.store import HistoryStore
from automation_scripts.server.embedded import EmbeddedServer
from automation_scripts.server.record import ServerRecord
from automation_scripts.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent.parent
TERMINATION_S = 60


@dataclass
class Installation:
    """A state folder, its server, and the `automation` command that uses them."""

    home: Path
    config_file: Path

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOMATION_", "PREFECT_"))}
        return {
            **clean,
            "HOME": str(self.home.parent),
            "AUTOMATION_HOME": str(self.home),
            "AUTOMATION_CONFIG_PATH": str(self.config_file),
            "PYTHONPATH": str(ROOT),
        }

    @property
    def settings(self) -> Settings:
        return load_settings(environ=self.environment)

    @property
    def store(self) -> HistoryStore:
        return open_store(self.settings)

    @property
    def record(self) -> ServerRecord:
        record = EmbeddedServer(self.home).find()
        assert record is not None
        return record

    @property
    def password(self) -> str:
        """What the server asks for, as `user:password`."""
        return EmbeddedServer(self.home).folder.password()

    @property
    def api(self) -> httpx.Client:
        """A client of the server's API."""
        return httpx.Client(base_url=self.record.api_url, timeout=30, auth=tuple(self.password.split(":", 1)))  # type: ignore[arg-type]

    @property
    def log(self) -> list[dict[str, object]]:
        path = self.home / "run.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def argv(self, *arguments: str, module: str = "automation_scripts.cli") -> list[str]:
        return [sys.executable, "-m", module, *arguments]

    def run(
        self, *arguments: str, module: str = "automation_scripts.cli", token: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*arguments, module=module),
            env={**self.environment, **({"AUTOMATION_TOKEN": token} if token else {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            cwd=ROOT,
        )

    def start(self, *arguments: str, module: str = "automation_scripts.cli") -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*arguments, module=module),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )


def log_in(page: Any, installation: Installation) -> None:
    """Give the Prefect UI in this browser page the server's password."""
    page.goto(f"{installation.record.ui_url}/login")
    page.locator("input[type=password]").fill(installation.password)
    page.locator("input[type=password]").press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def install(home: Path, extra: str = "") -> Installation:
    config_file = home / "config.yaml"
    config_file.write_text(f"log: {{path: {home / 'run.log'}}}\n{extra}")
    return Installation(home, config_file)


@pytest.fixture(scope="session")
def installation(server_home: Path) -> Iterator[Installation]:
    installed = install(server_home)
    done = installed.run("deploy")
    assert done.returncode == 0, done.stderr
    yield installed


@pytest.fixture
def fresh(home: Path) -> Installation:
    """An installation of its own, for tests that kill its server."""
    return install(home, "server: {port: 4300, warm_runner: false}\n")


BAD = """\
services:
  web:
    image: nginx:latest
    ports: ["8080:80"]
    enviroment:
      DB_PASSWORD: kJ8s72hbQx91
    depends_on: [databse]
  database:
    image: postgres:16.2
"""


@pytest.fixture
def bad_config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "compose.yaml").write_text(BAD)
    return folder
