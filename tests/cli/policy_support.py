"""What the tests of the policy commands share."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from automation_scripts.governance.identity.passwords import Cost
from automation_scripts.governance.identity.store import IdentityStore
from automation_scripts.governance.policy import DEFAULTS
from tests.cli.conftest import Answer, Shell

ROOT = Path(__file__).parents[2]
NIGHT = (
    '@id("quiet")\n@description("no changes before six")\n'
    'forbid (principal, action == Action::"change", resource)\nwhen { context.hour < 6 };\n'
)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
AT_NIGHT, AT_NOON = TODAY - timedelta(hours=21), TODAY - timedelta(hours=12)
"""Three and twelve o'clock of yesterday."""


def proposed(tmp_path: Path, **files: str) -> Path:
    """The shipped policies and more; `quiet_cedar="…"` becomes quiet.cedar."""
    folder = tmp_path / "proposed"
    shutil.copytree(DEFAULTS, folder)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def users(shell: Shell, *, bootstrap: bool = True) -> IdentityStore:
    """A store of users with root as its administrator."""
    shell.home.mkdir(exist_ok=True)
    store = IdentityStore(
        f"sqlite:///{shell.home / 'governance.db'}", shell.home, cost=Cost(memory_kib=64, passes=1, lanes=1)
    )
    if bootstrap:
        store.bootstrap.create_first_admin("root", "correct horse battery", secret=store.bootstrap.secret())
    return store


def cells(answer: Answer) -> dict[tuple[str | None, str], tuple[str, list[str]]]:
    data = json.loads(answer.out)
    return {(row["script"], row["action"]): (row["outcome"], row["needs"]) for row in data["rows"]}
