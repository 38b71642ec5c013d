"""What all tests share. Nothing here touches the user's own state: every test has a state folder of its own."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from automation_scripts.observability.logs import LogHandler
from automation_scripts.server.embedded import EmbeddedServer

pytest_plugins = ["tests.databases"]
# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
INHERITED = ("AUTOMATION_", "PREFECT_")


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(INHERITED):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """What a command that ran in this process did to the logger is undone.

    pytest attaches its own capture to loggers that do not propagate, so a later test that logs what no report can
    carry (a lone surrogate) would end the whole run; whether it came later depended on the order of the files.
    """
    logger = logging.getLogger("automation")
    before, level = logger.handlers[:], logger.level
    yield
    for handler in [handler for handler in logger.handlers if handler not in before]:
        logger.removeHandler(handler)
        if isinstance(handler, LogHandler):
            handler.close()
    logger.setLevel(level)
    logger.propagate = True


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which a server has run once: copying it saves the others the migration of a new database."""
    home = tmp_path_factory.mktemp("migrated")
    server = EmbeddedServer(home, port=0, warm=False)
    server.ensure()
    server.stop()
    return home


@pytest.fixture
def home(tmp_path: Path, migrated_home: Path) -> Iterator[Path]:
    """A state folder with a migrated Prefect database; its server, if the test starts one, is stopped."""
    home = tmp_path / "home"
    shutil.copytree(migrated_home, home)
    yield home
    EmbeddedServer(home).stop(grace_s=3.0)


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Path]:
    """A state folder whose server, warm runner and worker run for the whole session."""
    home = tmp_path_factory.mktemp("session") / "home"
    shutil.copytree(migrated_home, home)
    (home / "config.yaml").write_text(f"log: {{path: {home / 'run.log'}}}\n")
    server = EmbeddedServer(home, port=0)
    # The worker's runs read the settings that the server was started with.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOMATION_CONFIG_PATH", str(home / "config.yaml"))
        server.ensure()
    yield home
    server.stop(grace_s=3.0)
